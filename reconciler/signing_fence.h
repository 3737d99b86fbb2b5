/*
 * Services that fail again and again are left alone: what is signed differs by image, who is asked
 * does not, so what failed for several images in a row fails for the next one too. Any thread.
 */
#ifndef CIP_RECONCILER_SIGNING_FENCE_H
#define CIP_RECONCILER_SIGNING_FENCE_H

#include <pthread.h>

#include "base/clock.h"
#include "base/err.h"

/* Failures in a row; four times as many once something has worked. */
#define SIGNING_FENCE 5
/* How long nobody tries. Then one does, and the next only after the same time. */
#define SIGNING_FENCE_MS (30 * 1000)

struct signing_fence {
	const struct clock *clock; /* borrowed */
	pthread_mutex_t lock;	   /* guards everything below */
	unsigned failures;	   /* in a row */
	bool has_worked;
	struct err *fenced; /* the failure that did it; NULL: none */
	int64_t again_ms;   /* monotonic */
};

void signing_fence_init(struct signing_fence *fence, const struct clock *clock);
void signing_fence_release(struct signing_fence *fence);

/* False, with the error that fenced the services, if they are not to be asked now. */
bool signing_fence_check(struct signing_fence *fence, struct err **err);

/* What asking came to; NULL: a success. Being cancelled is neither. */
void signing_fence_note(struct signing_fence *fence, const struct err *outcome);

#endif
