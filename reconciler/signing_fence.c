/*
 * A counter and a moment. Knows nothing of what the services are.
 */
#include "reconciler/signing_fence.h"

#include "base/log.h"

void signing_fence_init(struct signing_fence *fence, const struct clock *clock)
{
	*fence = (struct signing_fence){.clock = clock};
	pthread_mutex_init(&fence->lock, NULL);
}

void signing_fence_release(struct signing_fence *fence)
{
	err_free(fence->fenced);
	pthread_mutex_destroy(&fence->lock);
}

bool signing_fence_check(struct signing_fence *fence, struct err **err)
{
	int64_t now = clock_monotonic_ms(fence->clock);
	struct err *why = NULL;

	pthread_mutex_lock(&fence->lock);
	if (fence->fenced && now < fence->again_ms)
		why = err_copy(fence->fenced);
	else if (fence->fenced)
		fence->again_ms = now + SIGNING_FENCE_MS;
	pthread_mutex_unlock(&fence->lock);
	if (!why)
		return true;
	if (err)
		*err = why;
	else
		err_free(why);
	return err_prefix(err, "not tried after repeated failures");
}

/* With the lock held. */
static bool is_enough(const struct signing_fence *fence)
{
	return fence->failures >= SIGNING_FENCE * (fence->has_worked ? 4 : 1);
}

void signing_fence_note(struct signing_fence *fence, const struct err *outcome)
{
	bool begins = false;
	unsigned failures = 0;

	if (outcome && outcome->kind == ERR_CANCELLED)
		return;
	pthread_mutex_lock(&fence->lock);
	if (!outcome) {
		fence->failures = 0;
		fence->has_worked = true;
		err_free(fence->fenced);
		fence->fenced = NULL;
	} else {
		failures = ++fence->failures;
		begins = !fence->fenced && is_enough(fence);
		if (begins) {
			fence->fenced = err_copy(outcome);
			fence->again_ms = clock_monotonic_ms(fence->clock) + SIGNING_FENCE_MS;
		}
	}
	pthread_mutex_unlock(&fence->lock);
	if (begins)
		log_error("signing has failed %u times in a row; for now images are promoted "
			  "without signatures: %s",
			failures, outcome->msg);
}
