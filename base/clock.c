/*
 * The system's clocks and randomness behind `struct clock`, and the text forms of a moment.
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

/* Exactly `count` digits and the character after them; moves *at behind it. */
static bool take_digits(const char **at, size_t count, char after, int *ret_number)
{
	int number = 0;

	for (size_t i = 0; i < count; i++) {
		char c = (*at)[i];

		if (c < '0' || c > '9')
			return false;
		number = number * 10 + (c - '0');
	}
	if (after && (*at)[count] != after)
		return false;
	*at += count + (after != '\0');
	*ret_number = number;
	return true;
}

static bool take_fraction(const char **at, int *ret_ms)
{
	int ms = 0, scale = 100;

	if (**at != '.')
		return true;
	(*at)++;
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
		ms += (**at - '0') * scale;
	*ret_ms = ms;
	return true;
}

/* To the end of the text. */
static bool take_offset(const char *at, int *ret_minutes)
{
	int sign = *at == '-' ? -1 : 1, hours, minutes;

	if ((*at == 'Z' || *at == 'z') && !at[1]) {
		*ret_minutes = 0;
		return true;
	}
	if (*at != '+' && *at != '-')
		return false;
	at++;
	if (!take_digits(&at, 2, ':', &hours) || !take_digits(&at, 2, '\0', &minutes) || *at ||
		hours > 23 || minutes > 59)
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return true;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

bool clock_parse_rfc3339(const char *text, int64_t *ret_unix_ms)
{
	int year, month, day, hour, minute, second, ms = 0, offset;
	struct tm tm = {0};

	if (!take_digits(&text, 4, '-', &year) || !take_digits(&text, 2, '-', &month) ||
		!take_digits(&text, 2, '\0', &day) || (*text != 'T' && *text != 't'))
		return false;
	text++;
	if (!take_digits(&text, 2, ':', &hour) || !take_digits(&text, 2, ':', &minute) ||
		!take_digits(&text, 2, '\0', &second) || !take_fraction(&text, &ms) ||
		!take_offset(text, &offset))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) ||
		hour > 23 || minute > 59 || second > 60)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second == 60 ? 59 : second;
	*ret_unix_ms = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + ms;
	return true;
}
