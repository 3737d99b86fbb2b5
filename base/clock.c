/*
 * The system's clocks and randomness behind `struct clock`, and the one text form of a moment.
 * It knows no deadlines and no back-off: those belong to the rooms that wait.
 */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_monotonic_ms(void *ctx)
{
	(void)ctx;
	return read_ms(CLOCK_MONOTONIC);
}

static int64_t system_unix_ms(void *ctx)
{
	(void)ctx;
	return read_ms(CLOCK_REALTIME);
}

static uint64_t system_random(void *ctx)
{
	uint64_t number;

	(void)ctx;
	/* Up to 256 bytes it neither falls short nor is interrupted once the system has booted. */
	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		abort();
	return number;
}

const struct clock clock_system = {
	.monotonic_ms = system_monotonic_ms,
	.unix_ms = system_unix_ms,
	.random = system_random,
};

int64_t clock_jitter_ms(const struct clock *clock, int64_t ceiling_ms)
{
	if (ceiling_ms <= 0)
		return 0;
	/* The bias of the remainder is below one part in a million up to half a million years. */
	return (int64_t)(clock->random(clock->ctx) % ((uint64_t)ceiling_ms + 1));
}

void clock_format_rfc3339(int64_t unix_ms, char ret_text[CLOCK_RFC3339_SIZE])
{
	int64_t ms = unix_ms % 1000;
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm tm;

	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	gmtime_r(&seconds, &tm);
	snprintf(ret_text, CLOCK_RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		(unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		(unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		(unsigned)tm.tm_sec % 100, (unsigned)ms % 1000);
}
