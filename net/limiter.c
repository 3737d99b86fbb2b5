/*
 * The arithmetic of limiter.h. Why these numbers: docs/decisions/016-learned-rate.md; the tests
 * hold them against servers that count in fixed seconds and against leaky ones.
 */
#include "net/limiter.h"

#include <string.h>

#define SECOND_MS 1000

/* A pause for the timer's coarseness that the pace makes up for. */
#define SLACK_MS 10.0

/* The share of a known ceiling that is used: evenly spaced, no second holds more than it. */
#define HOLD 0.97

/* No registry allows less to anybody who works with it; some refuse at random. */
#define RATE_MIN 1.0

/* Towards a ceiling the rate climbs by this share of it a second. */
#define CLIMB 1.0

/*
 * How long the rate stays below a ceiling before it looks for more, and how steep: shares of the
 * ceiling, a second and second of looking.
 */
#define PROBE_LOOSE_AFTER_MS ((int64_t)2 * SECOND_MS)
#define PROBE_AFTER_MS ((int64_t)60 * SECOND_MS)
#define PROBE_AFTER_MAX_MS ((int64_t)600 * SECOND_MS)
#define PROBE_LOOSE_GROWTH 0.12
#define PROBE_GROWTH 0.04

/* What was accepted at the end of a look confirms the ceiling up to this share above it. */
#define NEAR 1.2
/* Below this share of the ceiling it has become smaller. */
#define SHRUNK 0.8
/* A refusal where the rate was held corrects the ceiling by this. */
#define CORRECTION 0.95
/* One that came sooner says less, but no more than this is too much for sure. */
#define UNSTEADY_CORRECTION 0.8

static const double weights[HTTP_CLASSES] = {[HTTP_CLASS_PROMOTION] = 7, [HTTP_CLASS_SIGNING] = 3};

void limiter_init(struct limiter *limiter, const struct limiter_options *options)
{
	*limiter = (struct limiter){
		.options = *options,
		.rate = options->rates.requests_per_second,
		.window = LIMITER_FIRST_WINDOW,
		.probe_after_ms = PROBE_LOOSE_AFTER_MS,
	};
}

/* ---- May one leave ---- */

static bool is_due(double next_ms, int64_t now_ms)
{
	return next_ms <= (double)now_ms;
}

bool limiter_may_send(const struct limiter *limiter, bool is_write, int64_t now_ms)
{
	return now_ms >= limiter->paused_until_ms && limiter->in_flight < limiter->window &&
		is_due(limiter->next_ms, now_ms) &&
		(!is_write || is_due(limiter->next_write_ms, now_ms));
}

static int64_t round_up(double ms)
{
	int64_t whole = (int64_t)ms;

	return (double)whole < ms ? whole + 1 : whole;
}

int64_t limiter_next_ms(const struct limiter *limiter, bool is_write)
{
	double next = limiter->next_ms;

	if (limiter->in_flight >= limiter->window)
		return INT64_MAX;
	if (is_write && limiter->next_write_ms > next)
		next = limiter->next_write_ms;
	if ((double)limiter->paused_until_ms > next)
		return limiter->paused_until_ms;
	return round_up(next);
}

/* Start-time fair queueing: a class that had nothing to send saves nothing up. */
enum http_class limiter_pick(struct limiter *limiter, const bool has_some[HTTP_CLASSES])
{
	enum http_class best = HTTP_CLASS_PROMOTION;
	bool found = false;

	for (enum http_class class = 0; class < HTTP_CLASSES; class ++) {
		if (!has_some[class])
			continue;
		if (limiter->served[class] < limiter->served_now)
			limiter->served[class] = limiter->served_now;
		if (!found || limiter->served[class] < limiter->served[best])
			best = class;
		found = true;
	}
	return best;
}

/* ---- What was accepted ---- */

static void history_advance(struct limiter *limiter, int64_t slot)
{
	if (slot - limiter->newest_slot >= LIMITER_SLOTS)
		memset(limiter->accepted, 0, sizeof(limiter->accepted));
	else
		for (int64_t i = limiter->newest_slot + 1; i <= slot; i++)
			limiter->accepted[i % LIMITER_SLOTS] = 0;
	limiter->newest_slot = slot;
}

static void history_add(struct limiter *limiter, int64_t sent_ms)
{
	int64_t slot = sent_ms / LIMITER_SLOT_MS;

	if (slot > limiter->newest_slot)
		history_advance(limiter, slot);
	if (limiter->newest_slot - slot < LIMITER_SLOTS &&
		limiter->accepted[slot % LIMITER_SLOTS] < UINT16_MAX)
		limiter->accepted[slot % LIMITER_SLOTS]++;
}

/* In the second that ends with the sending at until_ms. */
static unsigned history_count(const struct limiter *limiter, int64_t until_ms)
{
	int64_t last = until_ms / LIMITER_SLOT_MS, first = last - SECOND_MS / LIMITER_SLOT_MS + 1;
	unsigned count = 0;

	for (int64_t slot = first > 0 ? first : 0; slot <= last; slot++)
		if (slot <= limiter->newest_slot && limiter->newest_slot - slot < LIMITER_SLOTS)
			count += limiter->accepted[slot % LIMITER_SLOTS];
	return count;
}

/* ---- The rate ---- */

static double least(double a, double b)
{
	return a < b ? a : b;
}

static double most(double a, double b)
{
	return a > b ? a : b;
}

/* The ceiling after a refusal at a steady rate. */
static double learned_ceiling(struct limiter *limiter, double accepted)
{
	double found = least(accepted, limiter->rate);

	if (found > limiter->ceiling * NEAR) {
		limiter->probe_after_ms = PROBE_AFTER_MS;
		return found;
	}
	/* Counting a second of few requests is off by one easily: only much less is news. */
	if (found < limiter->ceiling * SHRUNK)
		return found;
	if (limiter->rate <= limiter->ceiling * HOLD)
		return limiter->ceiling * CORRECTION;
	if (limiter->probe_after_ms < PROBE_AFTER_MS)
		limiter->probe_after_ms = PROBE_AFTER_MS;
	else if (limiter->probe_after_ms < PROBE_AFTER_MAX_MS)
		limiter->probe_after_ms *= 2;
	return limiter->ceiling;
}

/* What a refusal teaches, once the answers that were on the way are in. */
static void settle(struct limiter *limiter)
{
	double accepted = history_count(limiter, limiter->refused_sent_ms);
	bool was_steady = limiter->ceiling > 0 && limiter->steady_since_ms &&
		limiter->refused_sent_ms - limiter->steady_since_ms >= SECOND_MS;

	limiter->must_settle = false;
	if (was_steady)
		limiter->ceiling = most(learned_ceiling(limiter, accepted), RATE_MIN);
	else if (limiter->ceiling <= 0)
		limiter->ceiling = most(accepted, RATE_MIN);
	else
		limiter->ceiling = most(accepted, limiter->ceiling * UNSTEADY_CORRECTION);
	if (limiter->rate <= 0)
		limiter->rate = limiter->ceiling;
	limiter->rate = most(limiter->rate / 2, RATE_MIN);
	limiter->held_since_ms = 0;
	limiter->steady_since_ms = 0;
}

/* Looks whether there is more than the ceiling; the longer it goes well, the faster. */
static void probe(struct limiter *limiter, int64_t now_ms, double seconds)
{
	int64_t since = limiter->held_since_ms + limiter->probe_after_ms;
	double growth =
		limiter->probe_after_ms < PROBE_AFTER_MS ? PROBE_LOOSE_GROWTH : PROBE_GROWTH;

	if (now_ms > since)
		limiter->rate +=
			limiter->ceiling * growth * (double)(now_ms - since) / SECOND_MS * seconds;
}

static void grow(struct limiter *limiter, int64_t now_ms, double seconds)
{
	double cap = limiter->options.rates.requests_per_second, hold = limiter->ceiling * HOLD;

	if (limiter->rate < hold)
		limiter->rate = least(hold, limiter->rate + limiter->ceiling * CLIMB * seconds);
	else if (limiter->ceiling > 0 && !limiter->held_since_ms)
		limiter->held_since_ms = now_ms;
	else if (limiter->ceiling > 0)
		probe(limiter, now_ms, seconds);
	if (cap > 0 && limiter->rate > cap)
		limiter->rate = cap;
}

/* The next moment of a pace; a late sending is made up for by SLACK_MS at most. */
static double due_after(double next_ms, int64_t now_ms, double rate)
{
	double from = (double)now_ms - SLACK_MS;

	return (next_ms > from ? next_ms : from) + SECOND_MS / rate;
}

static void keep_pace(struct limiter *limiter, int64_t now_ms)
{
	double interval = SECOND_MS / limiter->rate;
	double late = (double)now_ms - limiter->next_ms;

	if (late > interval + 2 * SLACK_MS || !limiter->steady_since_ms)
		limiter->steady_since_ms = now_ms; /* something else held us up */
	else
		grow(limiter, now_ms, (double)(now_ms - limiter->sent_ms) / SECOND_MS);
	limiter->next_ms = due_after(limiter->next_ms, now_ms, limiter->rate);
}

/* ---- Events ---- */

void limiter_sent(struct limiter *limiter, enum http_class class, bool is_write, int64_t now_ms,
	struct limiter_ticket *ret_ticket)
{
	double writes = limiter->options.rates.writes_per_second;

	if (limiter->must_settle)
		settle(limiter);
	if (limiter->rate > 0)
		keep_pace(limiter, now_ms);
	if (is_write && writes > 0)
		limiter->next_write_ms = due_after(limiter->next_write_ms, now_ms, writes);
	limiter->sent_ms = now_ms;
	limiter->in_flight++;
	limiter->served_now = limiter->served[class];
	limiter->served[class] += 1 / weights[class];
	*ret_ticket = (struct limiter_ticket){
		.sent_ms = now_ms, .epoch = limiter->epoch, .is_open = true};
}

void limiter_let_go(struct limiter *limiter, struct limiter_ticket *ticket)
{
	if (ticket->is_open && ticket->epoch == limiter->epoch)
		limiter->in_flight--;
	ticket->is_open = false;
}

void limiter_accepted(struct limiter *limiter, struct limiter_ticket *ticket)
{
	if (ticket->is_judged)
		return;
	ticket->is_judged = true;
	limiter_let_go(limiter, ticket);
	history_add(limiter, ticket->sent_ms);
	if (ticket->epoch != limiter->epoch)
		return;
	if (limiter->window < UINT16_MAX)
		limiter->window += limiter->accepted_now++ % 2;
	limiter->refused_in_row = 0;
	limiter->refused_since_ms = 0;
}

static int64_t pause_ms(const struct limiter *limiter, int64_t asked_ms)
{
	const struct limiter_options *options = &limiter->options;
	int64_t pause = options->pause_base_ms, jitter;

	if (asked_ms > 0) {
		jitter = asked_ms / 10 < pause ? asked_ms / 10 : pause;
		return asked_ms + clock_jitter_ms(options->clock, jitter);
	}
	for (unsigned i = 1; i < limiter->refused_in_row && pause < options->pause_max_ms; i++)
		pause *= 2;
	if (pause > options->pause_max_ms)
		pause = options->pause_max_ms;
	return pause / 2 + clock_jitter_ms(options->clock, pause - pause / 2);
}

static void pause_until(struct limiter *limiter, int64_t now_ms, int64_t until_ms)
{
	int64_t from = limiter->paused_until_ms > now_ms ? limiter->paused_until_ms : now_ms;

	if (until_ms <= from)
		return;
	limiter->paused_total_ms += until_ms - from;
	limiter->paused_until_ms = until_ms;
}

bool limiter_refused(
	struct limiter *limiter, struct limiter_ticket *ticket, int64_t now_ms, int64_t asked_ms)
{
	bool is_first = ticket->epoch == limiter->epoch;

	if (ticket->is_judged)
		return false;
	ticket->is_judged = true;
	limiter_let_go(limiter, ticket);
	if (!is_first) {
		if (asked_ms > 0)
			pause_until(limiter, now_ms, now_ms + asked_ms);
		return false;
	}
	limiter->epoch++;
	limiter->in_flight = 0;
	limiter->window = 1;
	limiter->accepted_now = 1;
	if (limiter->refused_in_row++ == 0) {
		limiter->must_settle = true;
		limiter->refused_sent_ms = ticket->sent_ms;
		limiter->refused_since_ms = now_ms;
	}
	pause_until(limiter, now_ms, now_ms + pause_ms(limiter, asked_ms));
	return true;
}
