/*
 * Keeps a flood of similar messages from drowning a log: the first few of ten seconds are said, the
 * others counted, and the count is said when the time is over. No lock, injected time.
 */
#ifndef CIP_NET_JOURNAL_H
#define CIP_NET_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_FIRST 5
#define JOURNAL_PERIOD_MS 10000

struct journal {
	int64_t since_ms;
	unsigned said, held;
};

/* True if this message shall be said; otherwise it is counted. After journal_collect. */
bool journal_admit(struct journal *journal, int64_t now_ms);

/* How many were held back, once the period is over (at once with `all`); 0: nothing to say. */
unsigned journal_collect(struct journal *journal, int64_t now_ms, bool all);

/* When journal_collect will have something; INT64_MAX: nothing is held back. */
int64_t journal_due_ms(const struct journal *journal);

#endif
