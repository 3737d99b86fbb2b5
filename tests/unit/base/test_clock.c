/* base/clock.h */
#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>
#include <unistd.h>

static uint64_t given_number(void *ctx)
{
	return *(uint64_t *)ctx;
}

static int64_t jitter(uint64_t number, int64_t ceiling_ms)
{
	struct clock clock = {.random = given_number, .ctx = &number};

	return clock_jitter_ms(&clock, ceiling_ms);
}

Test(clock, jitter_covers_zero_to_ceiling)
{
	bool seen[11] = {false};

	for (uint64_t number = 0; number < 1000; number++) {
		int64_t ms = jitter(number * 0x9e3779b97f4a7c15, 10);

		cr_assert(ms >= 0 && ms <= 10);
		seen[ms] = true;
	}
	for (size_t i = 0; i < 11; i++)
		cr_assert(seen[i], "%zu never drawn", i);
}

Test(clock, jitter_at_the_edges)
{
	cr_assert_eq(jitter(12345, 0), 0);
	cr_assert_eq(jitter(12345, -7), 0);
	cr_assert_geq(jitter(UINT64_MAX, INT64_MAX), 0);
	cr_assert_leq(jitter(UINT64_MAX, 1000), 1000);
}

Test(clock, system_clock_moves_forwards)
{
	int64_t monotonic = clock_monotonic_ms(&clock_system);

	cr_assert_geq(clock_monotonic_ms(&clock_system), monotonic);
	/* after 2020, before 2500 */
	cr_assert_gt(clock_unix_ms(&clock_system), 1577836800000);
	cr_assert_lt(clock_unix_ms(&clock_system), 16725225600000);
	cr_assert_neq(clock_system.random(NULL), clock_system.random(NULL));
}

struct moment {
	int64_t unix_ms;
	char text[CLOCK_RFC3339_SIZE];
};

ParameterizedTestParameters(clock, format)
{
	static struct moment moments[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{1767323045678, "2026-01-02T03:04:05.678Z"},
		{951782399999, "2000-02-28T23:59:59.999Z"},
		{951782400000, "2000-02-29T00:00:00.000Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{-1000, "1969-12-31T23:59:59.000Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
	};

	return cr_make_param_array(struct moment, moments, sizeof(moments) / sizeof(moments[0]));
}

ParameterizedTest(struct moment *moment, clock, format)
{
	static char zone[] = "TZ=Asia/Tokyo";
	char *elsewhere[] = {zone, NULL};
	char text[CLOCK_RFC3339_SIZE];

	environ = elsewhere;
	clock_format_rfc3339(moment->unix_ms, text);
	cr_assert_str_eq(text, moment->text);
}

Test(clock, format_is_bounded)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(INT64_MAX, text);
	cr_assert_eq(strlen(text), 24);
	clock_format_rfc3339(INT64_MIN, text);
	cr_assert_eq(strlen(text), 24);
}

ParameterizedTestParameters(clock, parse)
{
	static struct moment moments[] = {
		{0, "1970-01-01T00:00:00Z"},
		{1767323045678, "2026-01-02T03:04:05.678Z"},
		{1767323045600, "2026-01-02t03:04:05.6z"},
		{1767323045678, "2026-01-02T03:04:05.67891234Z"},
		{1767323045000, "2026-01-02T05:34:05+02:30"},
		{1767323045000, "2026-01-01T22:04:05-05:00"},
		{951782400000, "2000-02-29T00:00:00Z"},
		{1483228799000, "2016-12-31T23:59:60Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
	};

	return cr_make_param_array(struct moment, moments, sizeof(moments) / sizeof(moments[0]));
}

ParameterizedTest(struct moment *moment, clock, parse)
{
	int64_t unix_ms = -1;

	cr_assert(clock_parse_rfc3339(moment->text, &unix_ms), "%s", moment->text);
	cr_assert_eq(unix_ms, moment->unix_ms, "%s: %lld", moment->text, (long long)unix_ms);
}

Test(clock, parse_refuses_what_is_no_moment)
{
	static const char *const texts[] = {"", "2026-01-02", "2026-01-02T03:04:05",
		"2026-01-02 03:04:05Z", "2026-1-02T03:04:05Z", "2026-13-02T03:04:05Z",
		"2026-02-29T03:04:05Z", "2100-02-29T00:00:00Z", "2026-01-00T03:04:05Z",
		"2026-01-02T24:04:05Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:61Z",
		"2026-01-02T03:04:05.Z", "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05+1:00",
		"2026-01-02T03:04:05+24:00", "1969-12-31T23:59:59Z", "2026-01-02T03:04:05ZZ"};
	int64_t unix_ms = 7;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert(!clock_parse_rfc3339(texts[i], &unix_ms), "%s", texts[i]);
	cr_assert_eq(unix_ms, 7);
}
