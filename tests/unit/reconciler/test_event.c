#include "reconciler/event.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

enum { POSTERS = 4, EACH = 3000 };

struct seen {
	uint64_t next[POSTERS]; /* what each poster's next number has to be */
	uint64_t total, ticks;
	bool in_order;
	pthread_mutex_t gate; /* held: the consumer stands still */
	useconds_t effort;    /* how long it takes over an event */
};

static void count(void *ctx, const struct event *event)
{
	struct seen *seen = ctx;

	if (!event) {
		seen->ticks++;
		return;
	}
	pthread_mutex_lock(&seen->gate);
	pthread_mutex_unlock(&seen->gate);
	if (seen->effort)
		usleep(seen->effort);
	seen->total++;
	if (event->kind != EVENT_TOTALS)
		return;
	seen->in_order &= event->totals.digests == seen->next[event->totals.sources];
	seen->next[event->totals.sources]++;
}

struct poster {
	struct event_queue *queue;
	uint64_t number;
};

static void *post_many(void *arg)
{
	struct poster *poster = arg;

	for (uint64_t i = 0; i < EACH; i++) {
		struct event event = {
			.kind = EVENT_TOTALS, .totals = {.digests = i, .sources = poster->number}};

		event_post(poster->queue, &event);
	}
	return NULL;
}

Test(event, nothing_is_lost_and_each_thread_keeps_its_order)
{
	struct seen seen = {.in_order = true, .gate = PTHREAD_MUTEX_INITIALIZER};
	struct event_queue *queue = event_queue_new(count, &seen);
	struct poster posters[POSTERS];
	pthread_t threads[POSTERS];

	for (uint64_t i = 0; i < POSTERS; i++) {
		posters[i] = (struct poster){queue, i};
		pthread_create(&threads[i], NULL, post_many, &posters[i]);
	}
	for (size_t i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	event_queue_free(queue);
	cr_expect_eq(seen.total, POSTERS * EACH);
	cr_expect(seen.in_order);
}

Test(event, flush_waits_for_what_was_posted)
{
	struct seen seen = {.gate = PTHREAD_MUTEX_INITIALIZER, .effort = 500};
	struct event_queue *queue = event_queue_new(count, &seen);

	for (int i = 0; i < 100; i++)
		event_post(queue, &(struct event){.kind = EVENT_PHASE});
	event_flush(queue);
	cr_expect_eq(seen.total, 100);
	event_flush(queue);
	event_queue_free(queue);
}

struct counter {
	struct event_queue *queue;
	_Atomic uint64_t posted;
};

static void *post_until_full(void *arg)
{
	struct counter *counter = arg;

	for (int i = 0; i < 2000; i++) {
		event_post(counter->queue, &(struct event){.kind = EVENT_PHASE});
		counter->posted++;
	}
	return NULL;
}

Test(event, a_full_queue_makes_posters_wait)
{
	struct seen seen = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct counter counter = {0};
	pthread_t thread;

	pthread_mutex_lock(&seen.gate);
	counter.queue = event_queue_new(count, &seen);
	pthread_create(&thread, NULL, post_until_full, &counter);
	/* The one the consumer stands on is among them. */
	for (int i = 0; i < 1000 && counter.posted < 1024; i++)
		usleep(10 * 1000);
	usleep(20 * 1000);
	cr_expect_eq(counter.posted, 1024, "%ju were posted", (uintmax_t)counter.posted);
	pthread_mutex_unlock(&seen.gate);
	pthread_join(thread, NULL);
	event_queue_free(counter.queue);
	cr_expect_eq(seen.total, 2000);
}

Test(event, ticks_come_while_nothing_happens)
{
	struct seen seen = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct event_queue *queue = event_queue_new(count, &seen);

	usleep(450 * 1000);
	event_queue_free(queue);
	cr_expect_geq(seen.ticks, 1);
}

Test(event, what_an_event_owns_is_freed_with_it)
{
	struct seen seen = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct event_queue *queue = event_queue_new(count, &seen);
	struct event record = {.kind = EVENT_RECORD, .record = {.error = mem_strdup("an error")}};

	*vec_push(&record.record.tags) = (struct record_tag){.name = "v1"};
	event_post(queue, &record);
	cr_expect_null(record.record.error, "the queue took it");
	event_post(queue, &(struct event){.kind = EVENT_LOG, .log.text = mem_strdup("text")});
	event_post(queue,
		&(struct event){.kind = EVENT_FINDING, .finding.message = mem_strdup("text")});
	event_post(queue, &(struct event){.kind = EVENT_LOOK, .look.error = mem_strdup("text")});
	event_queue_free(queue);
	cr_expect_eq(seen.total, 4);
}

Test(event, names_are_distinct_words)
{
	for (unsigned i = 0; i < OUTCOMES; i++)
		for (unsigned j = 0; j < i; j++)
			cr_expect_str_neq(outcome_name(i), outcome_name(j));
	for (unsigned i = 0; i < PHASES; i++)
		for (unsigned j = 0; j < i; j++)
			cr_expect_str_neq(phase_name(i), phase_name(j));
	cr_expect_str_eq(tag_found_name(TAG_ELSEWHERE), "elsewhere");
	cr_expect_str_eq(tag_done_name(TAG_DONE_QUARANTINED), "quarantined");
	cr_expect_str_eq(known_name(KNOWN_NOTHING), "unknown");
}
