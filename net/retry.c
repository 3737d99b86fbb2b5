/*
 * The retry policy without the loop: net/repeat.c repeats. Dates are read by hand because strptime
 * follows the locale and accepts more than HTTP does.
 */
#include "net/retry.h"

#include <string.h>
#include <time.h>

#include "base/enc.h"

/* Far above any bound that callers set, far below overflow. */
#define SECONDS_MAX ((uint64_t)32000000000)

/* Repetitions earned by a request. */
#define BUDGET_SHARE 0.1

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
	int day, month, year, hour, minute, second; /* month from 0 */
};

/* What is left to read; each function below takes its piece off the front or fails. */
struct cursor {
	const char *at;
};

static bool take_text(struct cursor *cursor, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(cursor->at, text, len) != 0)
		return false;
	cursor->at += len;
	return true;
}

/* Exactly `digits` digits; with `padded` the first may be a space. */
static bool take_number(struct cursor *cursor, size_t digits, bool padded, int *ret_number)
{
	int number = 0;

	for (size_t i = 0; i < digits; i++) {
		char c = cursor->at[i];
		if (padded && i == 0 && c == ' ')
			c = '0';
		if (c < '0' || c > '9')
			return false;
		number = number * 10 + (c - '0');
	}
	cursor->at += digits;
	*ret_number = number;
	return true;
}

static bool take_name(struct cursor *cursor, const char *const *names, int count, int *ret_index)
{
	for (int i = 0; i < count; i++) {
		if (take_text(cursor, names[i])) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

static bool take_month(struct cursor *cursor, int *ret_month)
{
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

	return take_name(cursor, months, 12, ret_month);
}

static bool take_time(struct cursor *cursor, struct date *date)
{
	return take_number(cursor, 2, false, &date->hour) && take_text(cursor, ":") &&
		take_number(cursor, 2, false, &date->minute) && take_text(cursor, ":") &&
		take_number(cursor, 2, false, &date->second);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool read_fixdate(struct cursor c, struct date *date)
{
	return take_text(&c, ", ") && take_number(&c, 2, false, &date->day) && take_text(&c, " ") &&
		take_month(&c, &date->month) && take_text(&c, " ") &&
		take_number(&c, 4, false, &date->year) && take_text(&c, " ") &&
		take_time(&c, date) && take_text(&c, " GMT") && !*c.at;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool read_rfc850(struct cursor c, struct date *date)
{
	bool good = take_text(&c, ", ") && take_number(&c, 2, false, &date->day) &&
		take_text(&c, "-") && take_month(&c, &date->month) && take_text(&c, "-") &&
		take_number(&c, 2, false, &date->year) && take_text(&c, " ") &&
		take_time(&c, date) && take_text(&c, " GMT") && !*c.at;

	if (good)
		date->year += date->year < 70 ? 2000 : 1900;
	return good;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool read_asctime(struct cursor c, struct date *date)
{
	return take_text(&c, " ") && take_month(&c, &date->month) && take_text(&c, " ") &&
		take_number(&c, 2, true, &date->day) && take_text(&c, " ") && take_time(&c, date) &&
		take_text(&c, " ") && take_number(&c, 4, false, &date->year) && !*c.at;
}

static bool to_unix_seconds(const struct date *date, int64_t *ret_seconds)
{
	struct tm tm = {
		.tm_mday = date->day,
		.tm_mon = date->month,
		.tm_year = date->year - 1900,
		.tm_hour = date->hour,
		.tm_min = date->minute,
		.tm_sec = date->second,
	};

	if (date->day < 1 || date->day > 31 || date->year < 1970 || date->hour > 23 ||
		date->minute > 59 || date->second > 60)
		return false;
	*ret_seconds = timegm(&tm);
	return true;
}

/* The name of the day says nothing that the date does not. */
static bool parse_date(const char *text, int64_t *ret_seconds)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const rest[] = {"day", "day", "sday", "nesday", "rsday", "day", "urday"};
	struct cursor cursor = {.at = text}, after_long;
	struct date date;
	int day;

	if (!take_name(&cursor, days, 7, &day))
		return false;
	after_long = cursor;
	if (take_text(&after_long, rest[day]))
		return read_rfc850(after_long, &date) && to_unix_seconds(&date, ret_seconds);
	return (read_fixdate(cursor, &date) || read_asctime(cursor, &date)) &&
		to_unix_seconds(&date, ret_seconds);
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

void retry_budget_init(struct retry_budget *budget, double size)
{
	*budget = (struct retry_budget){.left = size, .size = size};
}

void retry_budget_earn(struct retry_budget *budget)
{
	budget->left += BUDGET_SHARE;
	if (budget->left > budget->size)
		budget->left = budget->size;
}

bool retry_budget_spend(struct retry_budget *budget)
{
	if (budget->left < 1)
		return false;
	budget->left -= 1;
	return true;
}
