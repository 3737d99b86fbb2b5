/* net/retry.h. */
#include <criterion/criterion.h>

#include "net/retry.h"

#define NOW_MS ((int64_t)784111777 * 1000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static uint64_t counting(void *ctx)
{
	uint64_t *state = ctx;

	*state += UINT64_C(0x9e3779b97f4a7c15);
	return *state ^ (*state >> 31);
}

Test(retry, reads_seconds_and_all_three_dates)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{"0", 0},
		{"120", 120000},
		{"18446744073709551615", INT64_C(32000000000000)},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 0},
		{"Sun, 06 Nov 1994 08:50:07 GMT", 30000},
		{"Sunday, 06-Nov-94 08:50:07 GMT", 30000},
		{"Sun Nov  6 08:50:07 1994", 30000},
		{"Mon, 01 Jan 1990 00:00:00 GMT", 0},
		{"Tue, 08 Nov 1994 08:49:37 GMT", 172800000},
		{"Wednesday, 01-Jan-25 00:00:00 GMT", INT64_C(951577823000)},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ms = -1;
		cr_expect(retry_after_parse(cases[i].text, NOW_MS, &ms), "%s", cases[i].text);
		cr_expect_eq(ms, cases[i].ms, "%s: %lld", cases[i].text, (long long)ms);
	}
}

Test(retry, refuses_everything_else)
{
	static const char *const bad[] = {"", "-1", "+1", "1.5", "1 ", " 1", "soon", "1s",
		"18446744073709551616", "Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 ovD 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
		"Sun, 06 No 1994 08:49:37 GMT", "Wed, 01-Jan-25 00:00:00 GMT",
		"Sundae, 06-Nov-94 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 -8:49:37 GMT"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t ms = -1;
		cr_expect_not(retry_after_parse(bad[i], NOW_MS, &ms), "%s", bad[i]);
		cr_expect_eq(ms, -1);
	}
}

Test(retry, ceiling_doubles_up_to_its_maximum)
{
	static const int64_t ceilings[] = {500, 1000, 2000, 4000, 5000, 5000};
	uint64_t state = 3;
	const struct clock clock = {.random = counting, .ctx = &state};

	for (unsigned i = 0; i < 6; i++) {
		int64_t most = 0;
		for (int j = 0; j < 1000; j++) {
			int64_t wait = retry_backoff_ms(&clock, i + 1, 500, 5000);
			most = wait > most ? wait : most;
		}
		cr_expect(most <= ceilings[i] && most >= ceilings[i] * 9 / 10, "attempt %u: %lld",
			i + 1, (long long)most);
	}
	cr_expect_leq(retry_backoff_ms(&clock, UINT32_MAX, 500, 5000), 5000);
}

Test(retry, jitter_is_full)
{
	uint64_t state = 7;
	const struct clock clock = {.random = counting, .ctx = &state};
	int64_t least = INT64_MAX, most = 0, sum = 0;

	for (int i = 0; i < 1000; i++) {
		int64_t wait = retry_backoff_ms(&clock, 1, 1000, 30000);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
		sum += wait;
	}
	cr_expect_leq(least, 20);
	cr_expect_geq(most, 980);
	cr_expect(sum > 450000 && sum < 550000);
}

Test(retry, only_what_may_pass_by_itself)
{
	static const int again[] = {408, 429, 500, 502, 503, 504};
	static const int final[] = {200, 201, 301, 400, 401, 403, 404, 409, 413, 501, 505};
	struct err err = {.kind = ERR_TRANSIENT};

	for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++)
		cr_expect(retry_status(again[i]), "%d", again[i]);
	for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++)
		cr_expect_not(retry_status(final[i]), "%d", final[i]);
	cr_expect(retry_error(&err));
	err.kind = ERR_TIMEOUT;
	cr_expect(retry_error(&err));
	err.kind = ERR_TLS;
	cr_expect_not(retry_error(&err));
	err.kind = ERR_CANCELLED;
	cr_expect_not(retry_error(&err));
}

Test(retry, a_budget_is_earned_by_requests)
{
	struct retry_budget budget;

	retry_budget_init(&budget, 2);
	cr_expect(retry_budget_spend(&budget) && retry_budget_spend(&budget));
	cr_expect_not(retry_budget_spend(&budget));
	for (int i = 0; i < 11; i++)
		retry_budget_earn(&budget);
	cr_expect(retry_budget_spend(&budget));
	cr_expect_not(retry_budget_spend(&budget));
	for (int i = 0; i < 1000; i++)
		retry_budget_earn(&budget);
	cr_expect(retry_budget_spend(&budget) && retry_budget_spend(&budget));
	cr_expect_not(retry_budget_spend(&budget), "never more than at the start");
}
