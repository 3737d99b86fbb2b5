/*
 * Time and randomness, injectable so that tests of deadlines and back-off run in no time. A
 * `struct clock` is immutable after creation and may be shared by threads; its functions must be
 * thread-safe. Release builds use clock_system and have no way to override it from outside.
 */
#ifndef CIP_BASE_CLOCK_H
#define CIP_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
	int64_t (*monotonic_ms)(void *ctx); /* milliseconds since some moment, never backwards */
	int64_t (*unix_ms)(void *ctx);	    /* milliseconds since 1970, UTC */
	uint64_t (*random)(void *ctx);	    /* uniform 64 bits, not for keys */
	void *ctx;
};

extern const struct clock clock_system;

static inline int64_t clock_monotonic_ms(const struct clock *clock)
{
	return clock->monotonic_ms(clock->ctx);
}

static inline int64_t clock_unix_ms(const struct clock *clock)
{
	return clock->unix_ms(clock->ctx);
}

/* Full jitter: uniform in [0, ceiling_ms]. */
int64_t clock_jitter_ms(const struct clock *clock, int64_t ceiling_ms);

#define CLOCK_RFC3339_SIZE 32
/* "2026-01-02T03:04:05.678Z" */
void clock_format_rfc3339(int64_t unix_ms, char ret_text[CLOCK_RFC3339_SIZE]);

/*
 * Reads a whole RFC 3339 date-time: any number of fractional digits (those below a millisecond are
 * dropped), "Z" or a numeric offset, either case; years from 1970. A leap second counts as the
 * second before it. False if it is none.
 */
bool clock_parse_rfc3339(const char *text, int64_t *ret_unix_ms);

#endif
