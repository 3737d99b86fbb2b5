/*
 * A clock that a threaded program may move on: for what runs out after minutes. No jitter. One for
 * the program.
 */
#ifndef CIP_TESTS_THREADS_SHIFTED_CLOCK_H
#define CIP_TESTS_THREADS_SHIFTED_CLOCK_H

#include <stdatomic.h>

#include "base/clock.h"

static _Atomic int64_t time_offset_ms;

static int64_t shifted_monotonic_ms(void *ctx)
{
	(void)ctx;
	return clock_monotonic_ms(&clock_system) + time_offset_ms;
}

static int64_t shifted_unix_ms(void *ctx)
{
	(void)ctx;
	return clock_unix_ms(&clock_system) + time_offset_ms;
}

static uint64_t shifted_random(void *ctx)
{
	(void)ctx;
	return 0;
}

static const struct clock test_clock = {
	shifted_monotonic_ms, shifted_unix_ms, shifted_random, NULL};

#endif
