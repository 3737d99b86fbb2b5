/*
 * The bounded byte buffer. Every way in goes through make_room, so the maximum holds everywhere.
 * It does not know characters or encodings.
 */
#include "base/str.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

void str_init(struct str *s, size_t max)
{
	*s = (struct str)STR_INIT(max);
}

void str_release(struct str *s)
{
	mem_free(s->bytes);
	str_init(s, s->max);
}

void str_release_secret(struct str *s)
{
	mem_free_secret(s->bytes, s->bytes ? s->capacity : 0);
	s->bytes = NULL;
	str_release(s);
}

void str_clear(struct str *s)
{
	s->len = 0;
	s->overflowed = false;
	if (s->bytes)
		s->bytes[0] = '\0';
}

/* Room for len more bytes and the terminator. */
static bool make_room(struct str *s, size_t len)
{
	size_t needed, doubled, most;

	if (s->len > s->max || len > s->max - s->len || s->len + len == SIZE_MAX) {
		s->overflowed = true;
		return false;
	}
	needed = s->len + len + 1;
	if (needed <= s->capacity)
		return true;
	most = s->max == SIZE_MAX ? SIZE_MAX : s->max + 1;
	doubled = s->capacity ? s->capacity : FIRST_CAPACITY;
	while (doubled < needed && doubled <= SIZE_MAX / 2)
		doubled *= 2;
	if (doubled < needed || doubled > most)
		doubled = most;
	s->bytes = mem_resize(s->bytes, doubled, 1);
	s->capacity = doubled;
	return true;
}

bool str_add(struct str *s, const void *bytes, size_t len)
{
	if (!make_room(s, len))
		return false;
	if (len)
		memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
	s->bytes[s->len] = '\0';
	return true;
}

bool str_add_text(struct str *s, const char *text)
{
	return str_add(s, text, strlen(text));
}

bool str_add_char(struct str *s, char c)
{
	return str_add(s, &c, 1);
}

bool str_addf(struct str *s, const char *fmt, ...)
{
	size_t room = s->capacity - s->len;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(room ? s->bytes + s->len : NULL, room, fmt, args);
	va_end(args);
	if (len < 0 || !make_room(s, (size_t)len)) {
		s->overflowed = true;
		if (room)
			s->bytes[s->len] = '\0';
		return false;
	}
	if ((size_t)len >= room) {
		va_start(args, fmt);
		vsnprintf(s->bytes + s->len, (size_t)len + 1, fmt, args);
		va_end(args);
	}
	s->len += (size_t)len;
	return true;
}

const char *str_text(const struct str *s)
{
	return s->bytes ? s->bytes : "";
}

bool str_overflowed(const struct str *s)
{
	return s->overflowed;
}

char *str_steal(struct str *s, size_t *ret_len)
{
	char *bytes = s->bytes ? s->bytes : mem_strdup("");

	if (ret_len)
		*ret_len = s->len;
	s->bytes = NULL;
	s->len = 0;
	s->capacity = 0;
	return bytes;
}
