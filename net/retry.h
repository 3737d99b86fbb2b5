/*
 * What is worth trying again, and when (RFC 9110 section 10.2.3 for Retry-After). Pure functions
 * over an injected clock, any thread.
 */
#ifndef CIP_NET_RETRY_H
#define CIP_NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

/* 408, 429, 500, 502, 503, 504. */
bool retry_status(int status);

/* ERR_TRANSIENT and ERR_TIMEOUT. */
bool retry_error(const struct err *err);

/*
 * Reads "120" or an HTTP date in any of its three forms; a date gives its distance from
 * now_unix_ms, 0 if it has passed. False if it is neither. Never more than about a thousand
 * years.
 */
bool retry_after_parse(const char *value, int64_t now_unix_ms, int64_t *ret_ms);

/* Full jitter below a ceiling that doubles with every failed attempt (from 1) up to max_ms. */
int64_t retry_backoff_ms(
	const struct clock *clock, unsigned attempt, int64_t base_ms, int64_t max_ms);

/*
 * How many requests may be repeated in all, so that a server that is broken for good is given up
 * quickly and is not asked several times for each thing that is wanted from it: `size` at once, and
 * one more for every ten requests that were sent. One owner.
 */
struct retry_budget {
	double left, size;
};
void retry_budget_init(struct retry_budget *budget, double size);
void retry_budget_earn(struct retry_budget *budget); /* one request was sent */
/* False: it is used up. */
bool retry_budget_spend(struct retry_budget *budget);

#endif
