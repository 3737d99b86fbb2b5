/*
 * The escaper for terminals and logs. Decodes UTF-8 strictly (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF) and lets through what neither moves the cursor nor the
 * reading direction. It does not judge look-alikes or width.
 */
#include "base/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 4096, PIECE_MAX = 16 };

/* Length of the well-formed sequence at p, 0 if there is none. */
static size_t decode(const unsigned char *p, size_t len, uint32_t *ret_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t size = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t code = p[0];

	if (!size || size > len || p[0] > 0xf4)
		return 0;
	if (size > 1)
		code &= 0x7fu >> size;
	for (size_t i = 1; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return size;
}

static bool is_harmful(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code <= 0x9f))
		return true; /* C0, delete, C1 */
	if (code == 0x2028 || code == 0x2029)
		return true; /* line and paragraph separators */
	/* Unicode's Bidi_Control */
	return code == 0x061c || code == 0x200e || code == 0x200f ||
		(code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* Escapes what starts at p; returns how much of the input that was. */
static size_t escape_one(
	const unsigned char *p, size_t len, char ret_piece[PIECE_MAX], size_t *ret_piece_len)
{
	uint32_t code = 0;
	size_t size = decode(p, len, &code);
	int written = 0;

	if (!size || (size == 1 && is_harmful(code))) {
		written = snprintf(ret_piece, PIECE_MAX, "\\x%02x", p[0]);
		size = 1;
	} else if (is_harmful(code)) {
		written = snprintf(ret_piece, PIECE_MAX, "\\u{%04x}", (unsigned)code);
	} else if (code == '\\') {
		written = snprintf(ret_piece, PIECE_MAX, "\\\\");
	} else {
		memcpy(ret_piece, p, size);
		written = (int)size;
	}
	*ret_piece_len = (size_t)written;
	return size;
}

void escape_terminal(struct str *out, const char *bytes, size_t len, size_t max)
{
	static const char dots[] = "...";
	const unsigned char *p = (const unsigned char *)bytes;
	size_t start = out->len, cut = start, used = 0;

	while (used < len) {
		char piece[PIECE_MAX];
		size_t piece_len;
		size_t consumed = escape_one(p + used, len - used, piece, &piece_len);

		if (out->len - start + piece_len > max) {
			if (out->bytes)
				out->bytes[cut] = '\0';
			out->len = cut;
			str_add(out, dots, max < 3 ? max : 3);
			return;
		}
		if (!str_add(out, piece, piece_len))
			return;
		if (out->len - start + 3 <= max)
			cut = out->len;
		used += consumed;
	}
}

char *escape_terminal_text(const char *text)
{
	CLEANUP(str_release) struct str out = STR_INIT(TEXT_MAX);

	escape_terminal(&out, text, strlen(text), TEXT_MAX);
	return str_steal(&out, NULL);
}
