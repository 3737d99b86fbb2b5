/*
 * Writes JSON (RFC 8259) to a stream as it comes, so that nothing is held in memory, or appends it
 * to a text. Keys are NULL inside arrays. Text that is not UTF-8 gets U+FFFD, control characters are escaped. Errors stay in the
 * stream (ferror); the first errno is kept. One owner.
 */
#ifndef CIP_RECONCILER_JSON_OUT_H
#define CIP_RECONCILER_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/str.h"

struct json_out {
	FILE *stream;	  /* borrowed */
	struct str *text; /* borrowed; instead of a stream */
	bool follows;	  /* something stands before, in the same object or array */
	int error;	  /* errno of the first failed write; 0: none */
};

void json_out_open(struct json_out *out, const char *key, char bracket); /* '{' or '[' */
void json_out_close(struct json_out *out, char bracket);		 /* '}' or ']' */
/* text NULL writes null. */
void json_out_text(struct json_out *out, const char *key, const char *text);
void json_out_number(struct json_out *out, const char *key, uint64_t number);
/* With one decimal; not negative. */
void json_out_tenths(struct json_out *out, const char *key, double number);
void json_out_bool(struct json_out *out, const char *key, bool value);
/* RFC 3339 in UTC; null for 0. */
void json_out_time(struct json_out *out, const char *key, int64_t unix_ms);
/* A line break before the next value: white space for people and grep. */
void json_out_break(struct json_out *out);

#endif
