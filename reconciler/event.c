/*
 * The queue between everybody who has something to tell and the one thread that tells it: a ring
 * of fixed size under one lock. It knows what events own, not what they mean. Events are consumed
 * with the lock released, so a slow terminal holds up nobody until the ring is full.
 */
#include "reconciler/event.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CAPACITY = 1024, BATCH = 128, TICK_MS = 200 };

struct event_queue {
	event_consumer_fn *consume;
	void *ctx;
	pthread_t thread;

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t filled;
	pthread_cond_t drained; /* a batch was consumed */
	struct event *ring;
	uint64_t posted, consumed; /* counts since the start; the ring holds the difference */
	bool is_idle;		   /* the consumer waits for `filled` */
	bool closing;
};

const char *phase_name(enum phase phase)
{
	static const char *const names[PHASES] = {"setup", "plan", "promote", "sign", "attest"};

	return names[phase];
}

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[OUTCOMES] = {"in-place", "planned", "promoted", "lost",
		"quarantined", "failed", "waiting", "not-done", "unsigned", "signed"};

	return names[outcome];
}

const char *known_name(enum known known)
{
	static const char *const names[] = {"unknown", "absent", "present"};

	return names[known];
}

const char *tag_found_name(enum tag_found found)
{
	static const char *const names[] = {"unknown", "absent", "at-digest", "elsewhere"};

	return names[found];
}

const char *tag_done_name(enum tag_done done)
{
	static const char *const names[] = {"nothing", "planned", "written", "quarantined"};

	return names[done];
}

const char *signed_state_name(enum signed_state state)
{
	static const char *const names[] = {
		"not-asked", "planned", "before", "now", "failed", "not-done"};

	return names[state];
}

const char *carried_kind_name(enum carried_kind kind)
{
	static const char *const names[] = {
		"signatures", "attestations", "bundles", "sboms", "referrers"};

	return names[kind];
}

static void signing_release(struct record_signing *signing)
{
	mem_free(signing->identity);
	mem_free(signing->instead);
	mem_free(signing->error);
	for (size_t i = 0; i < signing->logged.len; i++)
		mem_free(signing->logged.items[i].serial);
	vec_release(&signing->logged);
	mem_free(signing->carried.why);
}

const struct digest *record_tag_moves_from(const struct record_tag *tag)
{
	bool moves = tag->done == TAG_DONE_PLANNED || tag->done == TAG_DONE_WRITTEN;

	return moves && tag->found == TAG_ELSEWHERE ? &tag->found_digest : NULL;
}

void record_release(struct record *record)
{
	signing_release(&record->signing);
	mem_free(record->error);
	for (size_t i = 0; i < record->tags.len; i++)
		mem_free(record->tags.items[i].why);
	vec_release(&record->tags);
	*record = (struct record){0};
}

void event_release(struct event *event)
{
	switch (event->kind) {
	case EVENT_LOG:
		mem_free(event->log.text);
		break;
	case EVENT_FINDING:
		mem_free(event->finding.message);
		break;
	case EVENT_LOOK:
		mem_free(event->look.error);
		extra_tags_release(&event->look.extra);
		break;
	case EVENT_RECORD:
		record_release(&event->record);
		break;
	case EVENT_MIRROR:
		mem_free(event->mirrored.tag);
		mem_free(event->mirrored.error);
		break;
	case EVENT_PHASE:
	case EVENT_TOTALS:
		break;
	}
	*event = (struct event){0};
}

static struct timespec next_tick(void)
{
	struct timespec moment;

	clock_gettime(CLOCK_MONOTONIC, &moment);
	moment.tv_nsec += TICK_MS * 1000000L;
	if (moment.tv_nsec >= 1000000000L) {
		moment.tv_sec++;
		moment.tv_nsec -= 1000000000L;
	}
	return moment;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/*
 * Called and returns with the lock held. A batch at a time: while the ring is full, every wake of
 * the posters costs as much as many events.
 */
static void consume_batch(struct event_queue *queue)
{
	uint64_t first = queue->consumed, end = queue->posted;

	if (end - first > BATCH)
		end = first + BATCH;
	pthread_mutex_unlock(&queue->lock);
	/* Slots are not written again before they count as consumed. */
	for (uint64_t i = first; i < end; i++) {
		struct event *event = &queue->ring[i % CAPACITY];

		queue->consume(queue->ctx, event);
		event_release(event);
	}
	pthread_mutex_lock(&queue->lock);
	queue->consumed = end;
	pthread_cond_broadcast(&queue->drained);
}

static void await_event(struct event_queue *queue, const struct timespec *until)
{
	queue->is_idle = true;
	pthread_cond_timedwait(&queue->filled, &queue->lock, until);
	queue->is_idle = false;
}

static void *drain(void *arg)
{
	struct event_queue *queue = arg;
	struct timespec tick = next_tick(), now;

	pthread_setname_np(pthread_self(), "events");
	pthread_mutex_lock(&queue->lock);
	while (!queue->closing || queue->consumed < queue->posted) {
		if (queue->consumed < queue->posted)
			consume_batch(queue);
		else
			await_event(queue, &tick);
		/* Under load too: the display must move while events pour in. */
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (is_before(&now, &tick))
			continue;
		pthread_mutex_unlock(&queue->lock);
		queue->consume(queue->ctx, NULL);
		pthread_mutex_lock(&queue->lock);
		tick = next_tick();
	}
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

/* Signals are for the one thread of the program that waits for them. */
static void start_thread(struct event_queue *queue)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&queue->thread, NULL, drain, queue);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		return;
	log_error("the system gives no thread for events");
	abort();
}

struct event_queue *event_queue_new(event_consumer_fn *consume, void *ctx)
{
	struct event_queue *queue = mem_new(1, sizeof(*queue));
	pthread_condattr_t monotonic;

	queue->consume = consume;
	queue->ctx = ctx;
	queue->ring = mem_new(CAPACITY, sizeof(*queue->ring));
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->filled, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_cond_init(&queue->drained, NULL);
	start_thread(queue);
	return queue;
}

void event_post(struct event_queue *queue, struct event *event)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->posted - queue->consumed == CAPACITY)
		pthread_cond_wait(&queue->drained, &queue->lock);
	queue->ring[queue->posted++ % CAPACITY] = *event;
	if (queue->is_idle)
		pthread_cond_signal(&queue->filled);
	pthread_mutex_unlock(&queue->lock);
	*event = (struct event){0};
}

void event_flush(struct event_queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	for (uint64_t target = queue->posted; queue->consumed < target;)
		pthread_cond_wait(&queue->drained, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
}

void event_queue_free(struct event_queue *queue)
{
	if (!queue)
		return;
	pthread_mutex_lock(&queue->lock);
	queue->closing = true;
	pthread_cond_signal(&queue->filled);
	pthread_mutex_unlock(&queue->lock);
	pthread_join(queue->thread, NULL);
	pthread_mutex_destroy(&queue->lock);
	pthread_cond_destroy(&queue->filled);
	pthread_cond_destroy(&queue->drained);
	mem_free(queue->ring);
	mem_free(queue);
}
