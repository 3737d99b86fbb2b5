/*
 * JSON (RFC 8259) token by token from a stream, in constant memory: for lists that may be larger
 * than one wants to hold. Everything is bounded and an end before the document's own end is an
 * error. Smaller documents are read with jansson; why there are two: docs/decisions/010.
 *
 * Stricter than the RFC nowhere; laxer in one thing: bytes above 0x7f in strings are not checked to
 * be UTF-8. One owner.
 */
#ifndef CIP_REGISTRY_JSON_READER_H
#define CIP_REGISTRY_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define JSON_READER_DEPTH 32	    /* nested objects and arrays */
#define JSON_READER_TEXT_MAX 4096   /* bytes of one string or number, decoded */
#define JSON_READER_SPACE_MAX 65536 /* bytes of white space in a row */
#define JSON_READER_CHUNK (64 * 1024)

/* Reads at least one byte into the buffer; *ret_len 0 at the clean end of the stream. */
typedef bool json_fill_fn(void *ctx, void *bytes, size_t max, size_t *ret_len, struct err **err);

enum json_token {
	JSON_READ_OBJECT, /* { */
	JSON_READ_OBJECT_END,
	JSON_READ_ARRAY, /* [ */
	JSON_READ_ARRAY_END,
	JSON_READ_KEY, /* the colon has been read */
	JSON_READ_STRING,
	JSON_READ_NUMBER,
	JSON_READ_TRUE,
	JSON_READ_FALSE,
	JSON_READ_NULL,
	JSON_READ_END, /* of the whole document: nothing but white space up to the end of the stream */
};

struct json_reader {
	json_fill_fn *fill;
	void *ctx;
	size_t position; /* in chunk */
	size_t filled;
	uint64_t consumed; /* bytes of earlier chunks */
	unsigned depth;
	uint32_t is_object; /* a bit a level */
	uint8_t expect;	    /* internal */
	char *chunk;	    /* JSON_READER_CHUNK bytes */
	/* Of the last key, string or number: NUL-terminated, may hold NUL if it was written \u0000. */
	size_t text_len;
	char text[JSON_READER_TEXT_MAX + 1];
};

void json_reader_init(struct json_reader *reader, json_fill_fn *fill, void *ctx);
void json_reader_release(struct json_reader *reader);

/* ERR_INVALID with the byte offset, ERR_TOO_LARGE past a bound, or the error of `fill`. */
bool json_reader_next(struct json_reader *reader, enum json_token *ret_token, struct err **err);

/* Reads and drops the rest of the value that `token` began. */
bool json_reader_skip(struct json_reader *reader, enum json_token token, struct err **err);

#endif
