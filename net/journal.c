/* Counting only: the words are the caller's. */
#include "net/journal.h"

static bool is_over(const struct journal *journal, int64_t now_ms)
{
	return now_ms - journal->since_ms >= JOURNAL_PERIOD_MS;
}

bool journal_admit(struct journal *journal, int64_t now_ms)
{
	if (journal->said == 0 || is_over(journal, now_ms))
		*journal = (struct journal){.since_ms = now_ms};
	if (journal->said >= JOURNAL_FIRST) {
		journal->held++;
		return false;
	}
	journal->said++;
	return true;
}

unsigned journal_collect(struct journal *journal, int64_t now_ms, bool all)
{
	unsigned held = journal->held;

	if (!all && !is_over(journal, now_ms))
		return 0;
	journal->held = 0;
	return held;
}

int64_t journal_due_ms(const struct journal *journal)
{
	return journal->held ? journal->since_ms + JOURNAL_PERIOD_MS : INT64_MAX;
}
