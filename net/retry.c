/*
 * The retry policy without the loop: net/http.c repeats. Dates are read by hand because strptime
 * follows the locale and accepts more than HTTP does.
 */
#include "net/retry.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/enc.h"

/* Far above any bound that callers set, far below overflow. */
#define SECONDS_MAX ((uint64_t)32000000000)

bool retry_status(int status)
{
	switch (status) {
	case 408:
	case 429:
	case 500:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return false;
	}
}

bool retry_error(const struct err *err)
{
	return err_is(err, ERR_TRANSIENT) || err_is(err, ERR_TIMEOUT);
}

struct date {
	int day, year, hour, minute, second;
	char month[4];
};

static bool to_unix_seconds(const struct date *date, int64_t *ret_seconds)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *found = strlen(date->month) == 3 ? strstr(months, date->month) : NULL;
	struct tm tm = {
		.tm_mday = date->day,
		.tm_year = date->year - 1900,
		.tm_hour = date->hour,
		.tm_min = date->minute,
		.tm_sec = date->second,
	};

	if (!found || (found - months) % 3 != 0 || date->day < 1 || date->day > 31 ||
		date->year < 1970 || date->hour > 23 || date->minute > 59 || date->second > 60 ||
		date->hour < 0 || date->minute < 0 || date->second < 0)
		return false;
	tm.tm_mon = (int)((found - months) / 3);
	*ret_seconds = timegm(&tm);
	return true;
}

/* IMF-fixdate, the obsolete RFC 850 form, and that of C's asctime. */
static bool parse_date(const char *text, int64_t *ret_seconds)
{
	struct date d;
	int len = 0;

	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &d.day, d.month,
		    &d.year, &d.hour, &d.minute, &d.second, &len) == 6 &&
		len && !text[len])
		return to_unix_seconds(&d, ret_seconds);
	if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &d.day, d.month,
		    &d.year, &d.hour, &d.minute, &d.second, &len) == 6 &&
		len && !text[len]) {
		d.year += d.year < 70 ? 2000 : 1900;
		return to_unix_seconds(&d, ret_seconds);
	}
	if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", d.month, &d.day, &d.hour,
		    &d.minute, &d.second, &d.year, &len) == 6 &&
		len && !text[len])
		return to_unix_seconds(&d, ret_seconds);
	return false;
}

bool retry_after_parse(const char *value, int64_t now_unix_ms, int64_t *ret_ms)
{
	uint64_t seconds;
	int64_t date, wait;

	if (number_parse(value, UINT64_MAX, &seconds)) {
		*ret_ms = (int64_t)(seconds < SECONDS_MAX ? seconds : SECONDS_MAX) * 1000;
		return true;
	}
	if (!parse_date(value, &date))
		return false;
	wait = date * 1000 - now_unix_ms;
	*ret_ms = wait > 0 ? wait : 0;
	return true;
}

int64_t retry_backoff_ms(
	const struct clock *clock, unsigned attempt, int64_t base_ms, int64_t max_ms)
{
	int64_t ceiling = base_ms;

	for (unsigned i = 1; i < attempt && ceiling < max_ms; i++)
		ceiling *= 2;
	return clock_jitter_ms(clock, ceiling < max_ms ? ceiling : max_ms);
}
