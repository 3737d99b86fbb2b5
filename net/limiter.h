/*
 * One bucket of requests: how fast a registry lets one client ask. It knows nothing of connections
 * or queues and has neither lock nor clock: the I/O thread asks it before it sends and tells it what
 * became of what was sent. Times are in milliseconds of one monotonic clock and never go backwards.
 *
 * Nothing is held back until a registry refuses (429, or 503 with Retry-After): the window of
 * requests without an answer begins small and grows by half with every round trip, so that it is
 * wide open after a few round trips, but few are on the way when the first refusal comes.
 *
 * A refusal pauses the bucket, for as long as the registry says or for a back-off, and halves the
 * rate, once for all requests that were on the way together. Then one request tries the door. What
 * was accepted in the second before the refusal is the first estimate of the ceiling; while sending
 * has not been steady for a second before, the estimate is loose and the rate doubles every second
 * to find the real one. A known ceiling is remembered: the rate climbs back to just below it and
 * stays, and only after a minute without a refusal it looks whether there is more.
 */
#ifndef CIP_NET_LIMITER_H
#define CIP_NET_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "net/http.h"

/* Requests on the way before the first answer. */
#define LIMITER_FIRST_WINDOW 6

struct limiter_options {
	struct http_rates rates;
	int64_t pause_base_ms; /* first pause when the registry does not say how long; doubled */
	int64_t pause_max_ms;
	const struct clock *clock; /* for its randomness only */
};

#define LIMITER_SLOT_MS 10
#define LIMITER_SLOTS 128

struct limiter {
	struct limiter_options options;

	/* Pace. 0 as rate: none; 0 as ceiling: unknown. */
	double rate, ceiling;
	double next_ms, next_write_ms; /* when the next request is due */
	int64_t sent_ms;	       /* the last one */
	int64_t steady_since_ms;       /* the pace alone has decided since */
	int64_t held_since_ms;	       /* just below the ceiling; 0: not there */
	int64_t probe_after_ms;

	/* Answers outstanding of the present epoch; an epoch ends with a refusal. */
	uint32_t epoch;
	unsigned in_flight, window;
	unsigned accepted_now; /* in this epoch */

	/* Refusals. */
	bool must_settle;	  /* the estimate waits for answers that are still on the way */
	int64_t refused_sent_ms;  /* when the request was sent whose refusal ended the epoch */
	int64_t refused_since_ms; /* nothing was accepted since; 0: something was */
	unsigned refused_in_row;  /* epochs that ended without anything accepted */
	int64_t paused_until_ms;
	int64_t paused_total_ms;

	/* Accepted requests by the time of their sending: slot i is for sent_ms / SLOT_MS % SLOTS. */
	uint16_t accepted[LIMITER_SLOTS];
	int64_t newest_slot;

	double served[HTTP_CLASSES], served_now; /* in shares, of start-time fair queueing */
};

/* Of one request; belongs to whoever sent it. The zero value is of none. */
struct limiter_ticket {
	int64_t sent_ms;
	uint32_t epoch;
	bool is_judged; /* accepted or refused */
	bool is_open;	/* takes a place in the window */
};

void limiter_init(struct limiter *limiter, const struct limiter_options *options);

/* True if a request may leave now. */
bool limiter_may_send(const struct limiter *limiter, bool is_write, int64_t now_ms);

/* When time alone will let one leave; INT64_MAX if an answer must come first. */
int64_t limiter_next_ms(const struct limiter *limiter, bool is_write);

/* Which class is next, of those that have something that may leave; at least one has. */
enum http_class limiter_pick(struct limiter *limiter, const bool has_some[HTTP_CLASSES]);

void limiter_sent(struct limiter *limiter, enum http_class class, bool is_write, int64_t now_ms,
	struct limiter_ticket *ret_ticket);

/* The answer is no refusal. */
void limiter_accepted(struct limiter *limiter, struct limiter_ticket *ticket);

/* `asked_ms`: what Retry-After says, 0 without. True if this is the first of its burst. */
bool limiter_refused(
	struct limiter *limiter, struct limiter_ticket *ticket, int64_t now_ms, int64_t asked_ms);

/* There will be no answer, or it takes so long that it is none of a limit. Harmless twice. */
void limiter_let_go(struct limiter *limiter, struct limiter_ticket *ticket);

#endif
