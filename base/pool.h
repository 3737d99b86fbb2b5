/*
 * A fixed set of worker threads over a two-lane queue: urgent jobs are always taken before others,
 * jobs of a lane in the order they came. Jobs may add jobs. The queue is not bounded; whoever adds
 * from outside bounds itself. All functions may be called from any thread.
 */
#ifndef CIP_BASE_POOL_H
#define CIP_BASE_POOL_H

#include <stddef.h>

enum pool_lane { POOL_URGENT, POOL_NORMAL };

typedef void pool_job_fn(void *ctx, void *job);

struct pool;

/* `run(ctx, job)` is called on a worker for every job. Names the threads `name` for debuggers. */
struct pool *pool_new(const char *name, size_t threads, pool_job_fn *run, void *ctx);

void pool_add(struct pool *pool, enum pool_lane lane, void *job);

/* Returns when no job is queued or running. Not from a job. */
void pool_wait_idle(struct pool *pool);

/* Waits until idle, then joins the threads. Not from a job. */
void pool_free(struct pool *pool);

#endif
