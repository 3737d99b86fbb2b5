/*
 * The whole-fetch deadline. Knows the clock and the cancel token; does not know what is being
 * waited for, so every wait asks it.
 */
#include "reconciler/source_git_deadline.h"

#include <inttypes.h>

#include "base/clock.h"

#define ALLOWED_DEFAULT_MS ((int64_t)10 * 60 * 1000)

struct source_git_deadline source_git_deadline_start(struct cancel *cancel, int64_t allowed_ms)
{
	int64_t allowed = allowed_ms > 0 ? allowed_ms : ALLOWED_DEFAULT_MS;

	return (struct source_git_deadline){
		.cancel = cancel,
		.at_ms = clock_monotonic_ms(&clock_system) + allowed,
		.allowed_ms = allowed,
	};
}

bool source_git_deadline_check(const struct source_git_deadline *deadline, struct err **err)
{
	if (!cancel_check(deadline->cancel, CANCEL_DRAIN, err))
		return false;
	if (source_git_deadline_left_ms(deadline) > 0)
		return true;
	return err_set(err, ERR_TIMEOUT,
		"the fetch did not end within its time of %" PRId64 ".%01" PRId64 " s",
		deadline->allowed_ms / 1000, deadline->allowed_ms % 1000 / 100);
}

int64_t source_git_deadline_left_ms(const struct source_git_deadline *deadline)
{
	int64_t left = deadline->at_ms - clock_monotonic_ms(&clock_system);

	return left > 0 ? left : 0;
}
