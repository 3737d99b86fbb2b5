/*
 * A fixed set of worker threads over a queue with two lanes: urgent jobs are taken before others,
 * jobs of a lane in the order they came. Jobs may add jobs. The queue is not bounded; whoever adds
 * from outside bounds itself. All functions may be called from any thread.
 *
 * A job may say what it uses, as small numbers (keys). No key has more than half of the workers (but
 * one at least) while any job that does not use it waits, runs, or is expected: what would take more
 * is passed over. A key has more only when every job that runs uses it, so that nobody is idle for a
 * rule. A job with several keys counts for each of them.
 */
#ifndef CIP_BASE_POOL_H
#define CIP_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pool_lane { POOL_URGENT, POOL_NORMAL };

/* What a job uses, each once; borrowed. In the same order where it is the same. */
struct pool_keys {
	const uint32_t *items; /* from 0 and dense: memory follows the highest */
	size_t len;
};
#define POOL_NO_KEYS ((struct pool_keys){NULL, 0})

typedef void pool_job_fn(void *ctx, void *job);

struct pool;

/* `run(ctx, job)` is called on a worker for every job. Names the threads `name` for debuggers. */
struct pool *pool_new(const char *name, size_t threads, pool_job_fn *run, void *ctx);

/*
 * Cheap however many jobs wait: its cost follows the number of different sets of keys among them. While
 * there are POOL_SETS_MAX of these, a job with several keys counts for its first one only.
 */
#define POOL_SETS_MAX 256
void pool_add(struct pool *pool, enum pool_lane lane, struct pool_keys keys, void *job);

/*
 * True: jobs are being added from outside, so no key gets more than its half. False, as at first:
 * nothing comes before a job has ended.
 */
void pool_expect(struct pool *pool, bool more);

/* Returns when no job is queued or running. Nothing more is expected then. Not from a job. */
void pool_wait_idle(struct pool *pool);

/* Waits until idle, then joins the threads. Not from a job. */
void pool_free(struct pool *pool);

#endif
