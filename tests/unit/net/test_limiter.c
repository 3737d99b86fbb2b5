/*
 * net/limiter.h, against a simulated server and clients that always have something to send. A
 * request takes half the latency to the server and half of it back.
 */
#include <criterion/criterion.h>

#include "net/limiter.h"

enum { CLIENTS = 20, START_MS = 5000 };

static uint64_t next_random(void *ctx)
{
	uint64_t *state = ctx;

	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- Servers ---- */

struct server {
	unsigned quota;	     /* a second */
	unsigned phase_ms;   /* when its seconds begin */
	bool is_leaky;	     /* tokens that come back one by one; else whole seconds */
	int64_t retry_after; /* ms it asks for; 0: nothing */
	unsigned latency_ms;

	int64_t second, last_ms;
	double tokens;
	unsigned used;
};

static bool server_takes(struct server *server, int64_t now)
{
	int64_t second = (now + server->phase_ms) / 1000;

	if (server->is_leaky) {
		server->tokens += (double)(now - server->last_ms) * server->quota / 1000;
		if (server->tokens > server->quota)
			server->tokens = server->quota;
		server->last_ms = now;
		if (server->tokens < 1)
			return false;
		server->tokens--;
		return true;
	}
	if (second != server->second)
		server->used = 0;
	server->second = second;
	return server->used < server->quota && ++server->used;
}

/* ---- A job ---- */

struct flight {
	bool is_used, is_taken;
	int64_t arrives_ms, returns_ms;
	struct limiter_ticket ticket;
};

struct job {
	struct limiter limiter;
	struct server server;
	struct flight flights[CLIENTS];
	uint64_t random;
	struct clock clock;
	int64_t now_ms, ended_ms;
	unsigned left, done, refused;
};

static void job_init(struct job *job, const struct server *server, double declared)
{
	*job = (struct job){.server = *server, .now_ms = START_MS, .random = 88172645463325252u};
	job->server.second = -1;
	job->server.tokens = server->quota;
	job->clock = (struct clock){.random = next_random, .ctx = &job->random};
	job->random += server->phase_ms;
	limiter_init(&job->limiter,
		&(struct limiter_options){
			.rates.requests_per_second = declared,
			.pause_base_ms = 500,
			.pause_max_ms = 30000,
			.clock = &job->clock,
		});
}

static void send(struct job *job)
{
	/* No network keeps time exactly. */
	int64_t jitter = 1 + (int64_t)(next_random(&job->random) % 4);
	size_t i = 0;

	while (job->flights[i].is_used)
		i++;
	job->flights[i] = (struct flight){
		.is_used = true,
		.arrives_ms = job->now_ms + job->server.latency_ms / 2 + jitter,
		.returns_ms = job->now_ms + job->server.latency_ms + jitter,
	};
	limiter_sent(
		&job->limiter, HTTP_CLASS_PROMOTION, false, job->now_ms, &job->flights[i].ticket);
	job->left--;
}

static void receive(struct job *job, struct flight *flight)
{
	flight->is_used = false;
	if (flight->is_taken) {
		limiter_accepted(&job->limiter, &flight->ticket);
		job->done++;
		job->ended_ms = job->now_ms;
		return;
	}
	limiter_refused(&job->limiter, &flight->ticket, job->now_ms, job->server.retry_after);
	job->refused++;
	job->left++;
}

static unsigned in_flight(const struct job *job)
{
	unsigned count = 0;

	for (size_t i = 0; i < CLIENTS; i++)
		count += job->flights[i].is_used;
	return count;
}

static void step(struct job *job)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		struct flight *flight = &job->flights[i];

		if (flight->is_used && flight->arrives_ms == job->now_ms)
			flight->is_taken = server_takes(&job->server, job->now_ms);
		if (flight->is_used && flight->returns_ms == job->now_ms)
			receive(job, flight);
	}
	while (job->left && in_flight(job) < CLIENTS &&
		limiter_may_send(&job->limiter, false, job->now_ms))
		send(job);
	job->now_ms++;
}

/* Until `count` more requests were taken. */
static void run(struct job *job, unsigned count)
{
	unsigned goal = job->done + count;

	job->left = count;
	while (job->done < goal)
		step(job);
}

static double used_share(const struct job *job, unsigned count, int64_t started_ms)
{
	return count / ((double)job->server.quota * (double)(job->ended_ms - started_ms) / 1000);
}

/* The targets of a long job: 90 % of the quota are used, less than 2 % of the requests refused. */
static void check_targets(const struct server *server, unsigned count)
{
	struct job job;
	double share;

	job_init(&job, server, 0);
	run(&job, count);
	share = used_share(&job, count, START_MS);
	cr_expect(share >= 0.9, "%.3f of %u/s, phase %u, latency %u, Retry-After %lld", share,
		server->quota, server->phase_ms, server->latency_ms,
		(long long)server->retry_after);
	cr_expect(job.refused * 50 < count + job.refused,
		"%u of %u refused, phase %u, latency %u, Retry-After %lld", job.refused, count,
		server->phase_ms, server->latency_ms, (long long)server->retry_after);
}

Test(limiter, finds_a_quota_that_nobody_declared)
{
	for (unsigned phase = 0; phase < 1000; phase += 50) {
		for (unsigned latency = 0; latency <= 20; latency += 20) {
			struct server server = {
				.quota = 20, .phase_ms = phase, .latency_ms = latency};

			check_targets(&server, 1500);
			server.retry_after = 1000;
			check_targets(&server, 1500);
			server.is_leaky = true;
			check_targets(&server, 2000);
		}
	}
}

Test(limiter, finds_larger_ones_too)
{
	for (unsigned phase = 0; phase < 1000; phase += 200) {
		const struct server server = {.quota = 100, .phase_ms = phase, .latency_ms = 10};

		check_targets(&server, 7500);
	}
}

Test(limiter, remembers_the_ceiling_and_stays_below)
{
	struct job job;
	unsigned refused;

	job_init(&job, &(struct server){.quota = 20, .latency_ms = 20}, 0);
	run(&job, 600);
	cr_expect(
		job.limiter.ceiling >= 19 && job.limiter.ceiling <= 21, "%f", job.limiter.ceiling);
	refused = job.refused;
	run(&job, 500);
	cr_expect_eq(job.refused, refused, "held below it, nothing is refused");
}

Test(limiter, uses_a_quota_that_has_grown)
{
	struct job job;

	job_init(&job, &(struct server){.quota = 20, .latency_ms = 20}, 0);
	run(&job, 600);
	job.server.quota = 60;
	run(&job, 6000);
	cr_expect(job.limiter.ceiling > 50 && job.limiter.ceiling < 70, "%f", job.limiter.ceiling);
}

Test(limiter, yields_to_a_quota_that_has_shrunk)
{
	struct job job;
	unsigned refused;

	job_init(&job, &(struct server){.quota = 40, .latency_ms = 20}, 0);
	run(&job, 1200);
	job.server.quota = 10;
	refused = job.refused;
	run(&job, 1000);
	cr_expect(job.limiter.ceiling > 8 && job.limiter.ceiling < 12, "%f", job.limiter.ceiling);
	cr_expect_lt(job.refused - refused, 60);
}

Test(limiter, obeys_a_declared_rate)
{
	struct job job;

	job_init(&job, &(struct server){.quota = 20, .latency_ms = 20}, 18);
	run(&job, 500);
	cr_expect_eq(job.refused, 0);
	cr_expect(job.ended_ms - START_MS < 500 * 1000 / 17, "%lld ms",
		(long long)(job.ended_ms - START_MS));
	cr_expect(job.ended_ms - START_MS > 499 * 1000 / 19);
}

Test(limiter, holds_nothing_back_before_a_refusal)
{
	const struct server server = {.quota = 1000000, .latency_ms = 20};
	struct job job;

	job_init(&job, &server, 0);
	run(&job, 4000);
	/* 20 clients, a round trip each; a few more while the window opens. */
	cr_expect_eq(job.limiter.rate, 0);
	cr_expect_leq(job.ended_ms - START_MS, 200 * 24 + 4 * 24);
}

/* ---- Single steps ---- */

static const struct clock *steady(void)
{
	static uint64_t zero;
	static struct clock clock = {.random = next_random, .ctx = &zero};

	return &clock;
}

static struct limiter fresh(double requests, double writes)
{
	struct limiter limiter;

	limiter_init(&limiter,
		&(struct limiter_options){
			.rates = {requests, writes},
			.pause_base_ms = 500,
			.pause_max_ms = 30000,
			.clock = steady(),
		});
	return limiter;
}

static struct limiter_ticket sent(struct limiter *limiter, int64_t now)
{
	struct limiter_ticket ticket;

	limiter_sent(limiter, HTTP_CLASS_PROMOTION, false, now, &ticket);
	return ticket;
}

Test(limiter, window_opens_with_answers)
{
	struct limiter limiter = fresh(0, 0);
	struct limiter_ticket tickets[LIMITER_FIRST_WINDOW];

	for (size_t i = 0; i < LIMITER_FIRST_WINDOW; i++) {
		cr_assert(limiter_may_send(&limiter, false, 0));
		tickets[i] = sent(&limiter, 0);
	}
	cr_expect_not(limiter_may_send(&limiter, false, 1000));
	cr_expect_eq(limiter_next_ms(&limiter, false), INT64_MAX);
	for (size_t i = 0; i < LIMITER_FIRST_WINDOW; i++)
		limiter_accepted(&limiter, &tickets[i]);
	cr_expect_eq(limiter.window, LIMITER_FIRST_WINDOW * 3 / 2);
	/* What ends without an answer gives its place back, but opens nothing. */
	tickets[0] = sent(&limiter, 0);
	limiter_let_go(&limiter, &tickets[0]);
	limiter_let_go(&limiter, &tickets[0]);
	cr_expect_eq(limiter.in_flight, 0);
	cr_expect_eq(limiter.window, LIMITER_FIRST_WINDOW * 3 / 2);
}

Test(limiter, retry_after_pauses_everything)
{
	struct limiter limiter = fresh(0, 0);
	struct limiter_ticket first = sent(&limiter, 0), second = sent(&limiter, 0);
	struct limiter_ticket ticket;
	int64_t end;

	cr_expect(limiter_refused(&limiter, &first, 100, 7000));
	end = limiter.paused_until_ms;
	cr_expect(end >= 7100 && end <= 7600, "%lld", (long long)end);
	cr_expect_not(limiter_may_send(&limiter, false, 7000));
	cr_expect_eq(limiter_next_ms(&limiter, true), end);
	/* One burst is one refusal. */
	cr_expect_not(limiter_refused(&limiter, &second, 110, 0));
	cr_expect_eq(limiter.paused_until_ms, end);
	cr_expect_eq(limiter.refused_in_row, 1);
	cr_expect_eq(limiter.paused_total_ms, end - 100);
	/* One tries the door. */
	cr_assert(limiter_may_send(&limiter, false, end));
	ticket = sent(&limiter, end);
	cr_expect_not(limiter_may_send(&limiter, false, end + 60000));
	limiter_accepted(&limiter, &ticket);
	cr_expect(limiter_may_send(&limiter, false, end + 60000));
}

Test(limiter, pauses_grow_while_everything_is_refused)
{
	struct limiter limiter = fresh(0, 0);
	int64_t now = 0, before = 0;

	for (unsigned i = 0; i < 12; i++) {
		struct limiter_ticket ticket = sent(&limiter, now);
		int64_t pause;

		cr_assert(limiter_refused(&limiter, &ticket, now, 0));
		pause = limiter.paused_until_ms - now;
		cr_expect(pause >= 250 && pause <= 30000);
		cr_expect(i < 8 || pause >= 15000);
		before = now;
		now = limiter.paused_until_ms;
	}
	cr_expect_eq(limiter.refused_since_ms, 0 + (before ? 0 : 1), "the first of the row");
}

Test(limiter, an_old_answer_ends_no_pause)
{
	struct limiter limiter = fresh(0, 0);
	struct limiter_ticket refused = sent(&limiter, 0), slow = sent(&limiter, 0);

	limiter_refused(&limiter, &refused, 10, 0);
	limiter_accepted(&limiter, &slow);
	cr_expect_eq(limiter.refused_in_row, 1);
	cr_expect_eq(limiter.window, 1);
	cr_expect_eq(limiter.in_flight, 0);
}

Test(limiter, writes_have_a_budget_of_their_own)
{
	struct limiter limiter = fresh(0, 10);
	struct limiter_ticket ticket;

	limiter.window = 100;
	limiter_sent(&limiter, HTTP_CLASS_PROMOTION, true, 1000, &ticket);
	cr_expect_not(limiter_may_send(&limiter, true, 1050));
	cr_expect(limiter_may_send(&limiter, false, 1050));
	cr_expect_eq(limiter_next_ms(&limiter, true), 1090, "a tenth of a second, less the slack");
	cr_expect(limiter_may_send(&limiter, true, 1100));
}

/* ---- Shares ---- */

static unsigned promoted_of(struct limiter *limiter, unsigned sent, bool promotes, bool signs)
{
	const bool has_some[HTTP_CLASSES] = {promotes, signs};
	unsigned promoted = 0;

	for (unsigned i = 0; i < sent; i++) {
		enum http_class class = limiter_pick(limiter, has_some);
		struct limiter_ticket ticket;

		limiter_sent(limiter, class, false, i, &ticket);
		promoted += class == HTTP_CLASS_PROMOTION;
	}
	return promoted;
}

Test(limiter, seventy_to_thirty_while_both_want)
{
	struct limiter limiter = fresh(0, 0);

	cr_expect_eq(promoted_of(&limiter, 100, true, true), 70);
	cr_expect_eq(promoted_of(&limiter, 50, false, true), 0, "nothing is kept for nobody");
	cr_expect_eq(promoted_of(&limiter, 50, true, false), 50);
	/* Who had nothing to send has saved nothing up. */
	promoted_of(&limiter, 1000, false, true);
	cr_expect_eq(promoted_of(&limiter, 100, true, true), 70);
}
