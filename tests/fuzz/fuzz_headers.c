/*
 * Header blocks as they arrive line by line. Input: a name, a line break, the lines. The limits
 * must hold, and no value may contain a line break.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	const char *newline = size ? memchr(at, '\n', size) : NULL;
	struct headers_budget budget = {0};
	struct str head = STR_INIT(HEADERS_MAX_BYTES);
	struct str name = STR_INIT(SIZE_MAX - 1);
	char *value;

	str_add(&name, at, newline ? (size_t)(newline - at) : 0);
	at = newline ? newline + 1 : at;
	while (at < end) {
		newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = newline ? (size_t)(newline - at) + 1 : (size_t)(end - at);
		if (!headers_spend(&budget, len) || !headers_add(&head, at, len))
			break;
		at += len;
	}
	if (head.len > HEADERS_MAX_BYTES)
		abort();
	for (size_t n = 0; (value = headers_value(&head, str_text(&name), n)); n++) {
		if (strpbrk(value, "\r\n") || n > HEADERS_MAX_LINES)
			abort();
		headers_may_send(str_text(&name), value);
		mem_free(value);
	}
	str_release(&name);
	str_release(&head);
	return 0;
}
