/*
 * A growing byte buffer with a maximum. Every buffer that outside bytes can make grow states how
 * far. The bytes are always NUL-terminated; they may contain NUL themselves.
 *
 *	CLEANUP(str_release) struct str body = STR_INIT(64 * 1024);
 *
 * Appending past the maximum changes nothing and returns false; a caller that ignores the result
 * of a formatting helper can check `str_overflowed` once at the end. One owner at a time.
 */
#ifndef CIP_BASE_STR_H
#define CIP_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct str {
	char *bytes; /* "" until something is appended; use str_text */
	size_t len;
	size_t capacity;
	size_t max; /* bytes, not counting the terminator */
	bool overflowed;
};

#define STR_INIT(maximum)                                                                          \
	{                                                                                          \
		.max = (maximum)                                                                   \
	}

/* For text we make ourselves, whose size our own input bounds already. */
#define STR_TEXT_MAX ((size_t)64 << 20)

void str_init(struct str *s, size_t max);
void str_release(struct str *s);
void str_release_secret(struct str *s); /* overwrites the bytes first */
void str_clear(struct str *s);		/* length 0, memory kept, overflow forgotten */

bool str_add(struct str *s, const void *bytes, size_t len);
bool str_add_text(struct str *s, const char *text);
bool str_add_char(struct str *s, char c);
bool str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Never NULL; valid until the next change. */
const char *str_text(const struct str *s);

/* True if anything was refused since init or clear. */
bool str_overflowed(const struct str *s);

/* Hands the bytes (NUL-terminated) to the caller and leaves the buffer empty. Never NULL. ret_len may be NULL. */
char *str_steal(struct str *s, size_t *ret_len);

#endif
