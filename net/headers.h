/*
 * The header block of a response: raw lines, bounded. A plain buffer, one owner at a time.
 */
#ifndef CIP_NET_HEADERS_H
#define CIP_NET_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define HEADERS_MAX_BYTES ((size_t)64 * 1024)
enum { HEADERS_MAX_LINES = 200 };

/*
 * Counts everything a server sends as headers for one request, interim responses and trailers
 * included.
 */
struct headers_budget {
	size_t bytes;
	size_t lines;
};

/* False once there is more than the maximum. */
bool headers_spend(struct headers_budget *budget, size_t len);

/*
 * Appends one line as it came (with or without CR and LF) to `head`, ended by \n. False if it
 * holds a NUL or a CR or LF in its middle.
 */
bool headers_add(struct str *head, const char *line, size_t len);

/*
 * The n-th (from 0) value of `name` without surrounding white space, in fresh memory; NULL if
 * there is none.
 */
char *headers_value(const struct str *head, const char *name, size_t n);

/*
 * Is this header safe to send? A name is an RFC 9110 token, a value has no control characters but
 * tab, so that text from outside cannot start a new header.
 */
bool headers_may_send(const char *name, const char *value);

#endif
