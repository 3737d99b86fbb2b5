/*
 * Worker threads and their queue. Workers block all signals: one thread of the program waits for
 * those. The pool knows neither errors nor cancellation; a job that should not run any more finds
 * that out itself, which keeps the rule simple that every added job is run exactly once.
 */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/vec.h"

enum {
	LANES = POOL_NORMAL + 1,
	FIRST_CAPACITY = 8,
	BUCKETS = 64, /* power of two */
	NAME_SIZE = 16 /* the kernel's limit */,
};

struct waiting {
	void *job;
	uint64_t number; /* in the order of adding */
};

/* The jobs of one lane with one set of keys, in their order. Jobs of a set block each other only. */
struct line {
	enum pool_lane lane;
	struct line *next;    /* in its bucket */
	size_t place;	      /* in the lane's list, while jobs wait */
	struct waiting *jobs; /* a ring; capacity is a power of two or 0 */
	size_t first, len, capacity;
	size_t running;
	uint32_t *keys;
	size_t key_count;
};

struct worker {
	struct pool *pool;
	pthread_t thread;
	/*
	 * Its own, so that only one thread ever waits for it: with several waiters, glibc before 2.41
	 * can lose a signal (sourceware.org/bugzilla/show_bug.cgi?id=25847).
	 */
	pthread_cond_t wake;
	bool is_resting;
	struct worker *next; /* of those that rest */
};

struct pool {
	char name[NAME_SIZE];
	pool_job_fn *run;
	void *ctx;
	struct worker *workers;
	size_t thread_count;

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t idle;
	struct worker *resting;
	struct line *buckets[BUCKETS];
	VEC(struct line *) lanes[LANES]; /* lines in which jobs wait, in no order */
	VEC(uint32_t) users;		 /* running jobs, by key */
	size_t share;			 /* of the workers that one key may have */
	size_t set_count;		 /* lines with several keys */
	size_t job_count;		 /* that wait */
	size_t running;
	uint64_t added;
	bool more, stopping;
};

/* ---- Lines ---- */

static struct line **bucket_of(struct pool *pool, enum pool_lane lane, struct pool_keys keys)
{
	unsigned hash = (unsigned)lane;

	for (size_t i = 0; i < keys.len; i++)
		hash = (hash ^ keys.items[i]) * 0x9e3779b1u;
	return &pool->buckets[(hash >> 16) & (BUCKETS - 1)];
}

static bool line_is(const struct line *line, enum pool_lane lane, struct pool_keys keys)
{
	return line->lane == lane && line->key_count == keys.len &&
		(!keys.len || memcmp(line->keys, keys.items, keys.len * sizeof(*keys.items)) == 0);
}

static struct line *line_get(struct pool *pool, enum pool_lane lane, struct pool_keys keys)
{
	struct line **bucket;

	if (keys.len > 1 && pool->set_count >= POOL_SETS_MAX)
		keys.len = 1;
	bucket = bucket_of(pool, lane, keys);
	for (struct line *line = *bucket; line; line = line->next)
		if (line_is(line, lane, keys))
			return line;
	struct line *line = mem_new(1, sizeof(*line));

	line->lane = lane;
	line->keys = mem_new(keys.len + 1, sizeof(*line->keys));
	line->key_count = keys.len;
	for (size_t i = 0; i < keys.len; i++) {
		line->keys[i] = keys.items[i];
		while (pool->users.len <= keys.items[i])
			*vec_push(&pool->users) = 0;
	}
	line->next = *bucket;
	*bucket = line;
	pool->set_count += keys.len > 1;
	return line;
}

static void line_free(struct line *line)
{
	mem_free(line->jobs);
	mem_free(line->keys);
	mem_free(line);
}

/* Sets of several keys come and go; single keys are few and stay. */
static void line_drop_unused(struct pool *pool, struct line *line)
{
	struct pool_keys keys = {line->keys, line->key_count};

	if (line->len || line->running || line->key_count < 2)
		return;
	for (struct line **at = bucket_of(pool, line->lane, keys); *at; at = &(*at)->next) {
		if (*at != line)
			continue;
		*at = line->next;
		break;
	}
	pool->set_count--;
	line_free(line);
}

static void line_push(struct pool *pool, struct line *line, void *job)
{
	if (line->len == line->capacity) {
		size_t capacity = line->capacity ? line->capacity * 2 : FIRST_CAPACITY;
		struct waiting *jobs = mem_new(capacity, sizeof(*jobs));

		for (size_t i = 0; i < line->len; i++)
			jobs[i] = line->jobs[(line->first + i) & (line->capacity - 1)];
		mem_free(line->jobs);
		line->jobs = jobs;
		line->first = 0;
		line->capacity = capacity;
	}
	if (!line->len) {
		line->place = pool->lanes[line->lane].len;
		*vec_push(&pool->lanes[line->lane]) = line;
	}
	line->jobs[(line->first + line->len++) & (line->capacity - 1)] =
		(struct waiting){job, pool->added++};
	pool->job_count++;
}

static void *line_pop(struct pool *pool, struct line *line)
{
	void *job = line->jobs[line->first].job;

	line->first = (line->first + 1) & (line->capacity - 1);
	pool->job_count--;
	if (--line->len == 0) {
		struct line *last = pool->lanes[line->lane].items[--pool->lanes[line->lane].len];

		pool->lanes[line->lane].items[line->place] = last;
		last->place = line->place;
	}
	return job;
}

/* ---- Choosing ---- */

/*
 * How many of its keys have their share already; SIZE_MAX if the line has to wait for one of them.
 * Past its share goes only what every running job uses: others may add jobs without it, and those must
 * find workers.
 */
static size_t count_full(const struct pool *pool, const struct line *line)
{
	size_t full = 0;

	for (size_t i = 0; i < line->key_count; i++) {
		size_t users = pool->users.items[line->keys[i]];

		if (users < pool->share)
			continue;
		if (pool->more || users < pool->running)
			return SIZE_MAX;
		full++;
	}
	return full;
}

/* The line with the fewest full keys, at most `max`; of those the one whose job came first. */
static struct line *best_of(const struct pool *pool, enum pool_lane lane, size_t max)
{
	struct line *best = NULL;

	for (size_t i = 0; i < pool->lanes[lane].len; i++) {
		struct line *line = pool->lanes[lane].items[i];
		size_t full = count_full(pool, line);

		if (full > max || full == SIZE_MAX)
			continue;
		if (!best || full < max ||
			line->jobs[line->first].number < best->jobs[best->first].number)
			best = line;
		max = full;
	}
	return best;
}

static struct line *choose(const struct pool *pool)
{
	for (size_t max = 0;; max = SIZE_MAX) {
		for (int lane = 0; lane < LANES; lane++) {
			struct line *line = best_of(pool, (enum pool_lane)lane, max);

			if (line)
				return line;
		}
		if (max)
			return NULL;
	}
}

static void wake_worker(struct pool *pool)
{
	struct worker *worker = pool->resting;

	pool->resting = worker->next;
	worker->is_resting = false;
	pthread_cond_signal(&worker->wake);
}

/* Whoever is woken finds something, or somebody else was quicker. */
static void wake_one(struct pool *pool)
{
	if (pool->resting && choose(pool))
		wake_worker(pool);
}

static void wake_all(struct pool *pool)
{
	while (pool->resting)
		wake_worker(pool);
}

static void rest(struct worker *worker)
{
	struct pool *pool = worker->pool;

	worker->next = pool->resting;
	pool->resting = worker;
	worker->is_resting = true;
	while (worker->is_resting)
		pthread_cond_wait(&worker->wake, &pool->lock);
}

static void begin_job(struct pool *pool, struct line *line)
{
	pool->running++;
	line->running++;
	for (size_t i = 0; i < line->key_count; i++)
		pool->users.items[line->keys[i]]++;
	/* The job that ended before may have made room for two. */
	wake_one(pool);
}

static bool is_idle(const struct pool *pool)
{
	return !pool->running && !pool->job_count;
}

static void end_job(struct pool *pool, struct line *line)
{
	pool->running--;
	line->running--;
	for (size_t i = 0; i < line->key_count; i++)
		pool->users.items[line->keys[i]]--;
	line_drop_unused(pool, line);
	if (is_idle(pool))
		pthread_cond_broadcast(&pool->idle);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct pool *pool = worker->pool;

	pthread_setname_np(pthread_self(), pool->name);
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct line *line = choose(pool);

		if (line) {
			void *job = line_pop(pool, line);

			begin_job(pool, line);
			pthread_mutex_unlock(&pool->lock);
			pool->run(pool->ctx, job);
			pthread_mutex_lock(&pool->lock);
			end_job(pool, line);
		} else if (pool->stopping && !pool->job_count) {
			break;
		} else {
			rest(worker);
		}
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void start_threads(struct pool *pool, size_t threads)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; pool->thread_count < threads; pool->thread_count++) {
		struct worker *worker = &pool->workers[pool->thread_count];

		worker->pool = pool;
		pthread_cond_init(&worker->wake, NULL);
		if (pthread_create(&worker->thread, NULL, work, worker) != 0)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pool->thread_count == threads)
		return;
	log_error("%s: the system gave only %zu of %zu threads", pool->name, pool->thread_count,
		threads);
	if (!pool->thread_count)
		abort();
}

struct pool *pool_new(const char *name, size_t threads, pool_job_fn *run, void *ctx)
{
	struct pool *pool = mem_new(1, sizeof(*pool));

	snprintf(pool->name, sizeof(pool->name), "%s", name);
	pool->run = run;
	pool->ctx = ctx;
	pool->workers = mem_new(threads, sizeof(*pool->workers));
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->idle, NULL);
	pool->share = threads > 1 ? threads / 2 : 1;
	start_threads(pool, threads);
	return pool;
}

void pool_add(struct pool *pool, enum pool_lane lane, struct pool_keys keys, void *job)
{
	pthread_mutex_lock(&pool->lock);
	line_push(pool, line_get(pool, lane, keys), job);
	wake_one(pool);
	pthread_mutex_unlock(&pool->lock);
}

/* With the lock held. */
static void expect(struct pool *pool, bool more)
{
	if (pool->more && !more)
		wake_all(pool);
	pool->more = more;
}

void pool_expect(struct pool *pool, bool more)
{
	pthread_mutex_lock(&pool->lock);
	expect(pool, more);
	pthread_mutex_unlock(&pool->lock);
}

void pool_wait_idle(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	expect(pool, false);
	while (!is_idle(pool))
		pthread_cond_wait(&pool->idle, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

static void free_lines(struct pool *pool)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct line *line = pool->buckets[i], *next; line; line = next) {
			next = line->next;
			line_free(line);
		}
	for (size_t i = 0; i < LANES; i++)
		vec_release(&pool->lanes[i]);
	vec_release(&pool->users);
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	/* Not to lose a worker while a running job may still add work for it. */
	pool_wait_idle(pool);
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	wake_all(pool);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->thread_count; i++) {
		pthread_join(pool->workers[i].thread, NULL);
		pthread_cond_destroy(&pool->workers[i].wake);
	}
	free_lines(pool);
	pthread_cond_destroy(&pool->idle);
	pthread_mutex_destroy(&pool->lock);
	mem_free(pool->workers);
	mem_free(pool);
}
