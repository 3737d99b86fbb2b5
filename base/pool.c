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

#include "base/alloc.h"
#include "base/log.h"

enum { LANES = POOL_NORMAL + 1, FIRST_CAPACITY = 64, NAME_SIZE = 16 /* the kernel's limit */ };

/* A ring; capacity is a power of two or 0. */
struct lane {
	void **jobs;
	size_t first, len, capacity;
};

struct pool {
	char name[NAME_SIZE];
	pool_job_fn *run;
	void *ctx;
	pthread_t *threads;
	size_t thread_count;

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t ready; /* a job was added, or stopping */
	pthread_cond_t idle;
	struct lane lanes[LANES];
	size_t running;
	bool stopping;
};

static void lane_push(struct lane *lane, void *job)
{
	if (lane->len == lane->capacity) {
		size_t capacity = lane->capacity ? lane->capacity * 2 : FIRST_CAPACITY;
		void **jobs = mem_new(capacity, sizeof(*jobs));

		for (size_t i = 0; i < lane->len; i++)
			jobs[i] = lane->jobs[(lane->first + i) & (lane->capacity - 1)];
		mem_free(lane->jobs);
		*lane = (struct lane){.jobs = jobs, .len = lane->len, .capacity = capacity};
	}
	lane->jobs[(lane->first + lane->len++) & (lane->capacity - 1)] = job;
}

static bool take_job(struct pool *pool, void **ret_job)
{
	for (size_t i = 0; i < LANES; i++) {
		struct lane *lane = &pool->lanes[i];

		if (!lane->len)
			continue;
		*ret_job = lane->jobs[lane->first];
		lane->first = (lane->first + 1) & (lane->capacity - 1);
		lane->len--;
		return true;
	}
	return false;
}

static bool is_idle(const struct pool *pool)
{
	return !pool->running && !pool->lanes[POOL_URGENT].len && !pool->lanes[POOL_NORMAL].len;
}

static void *work(void *arg)
{
	struct pool *pool = arg;
	void *job;

	pthread_setname_np(pthread_self(), pool->name);
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		if (take_job(pool, &job)) {
			pool->running++;
			pthread_mutex_unlock(&pool->lock);
			pool->run(pool->ctx, job);
			pthread_mutex_lock(&pool->lock);
			pool->running--;
			if (is_idle(pool))
				pthread_cond_broadcast(&pool->idle);
		} else if (pool->stopping) {
			break;
		} else {
			pthread_cond_wait(&pool->ready, &pool->lock);
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
	for (; pool->thread_count < threads; pool->thread_count++)
		if (pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) != 0)
			break;
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
	pool->threads = mem_new(threads, sizeof(*pool->threads));
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->ready, NULL);
	pthread_cond_init(&pool->idle, NULL);
	start_threads(pool, threads);
	return pool;
}

void pool_add(struct pool *pool, enum pool_lane lane, void *job)
{
	pthread_mutex_lock(&pool->lock);
	lane_push(&pool->lanes[lane], job);
	pthread_cond_signal(&pool->ready);
	pthread_mutex_unlock(&pool->lock);
}

void pool_wait_idle(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (!is_idle(pool))
		pthread_cond_wait(&pool->idle, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	/* Not to lose a worker while a running job may still add work for it. */
	pool_wait_idle(pool);
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->ready);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	for (size_t i = 0; i < LANES; i++)
		mem_free(pool->lanes[i].jobs);
	pthread_cond_destroy(&pool->idle);
	pthread_cond_destroy(&pool->ready);
	pthread_mutex_destroy(&pool->lock);
	mem_free(pool->threads);
	mem_free(pool);
}
