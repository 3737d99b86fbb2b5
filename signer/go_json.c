/* Go's escaping of JSON strings, byte for byte. Numbers and nesting are the callers' own affair. */
#include "signer/go_json.h"

#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\\ufffd"

static bool is_continuation(uint8_t byte)
{
	return byte >= 0x80 && byte <= 0xbf;
}

/* Length of the UTF-8 sequence at `text` (RFC 3629), 0 if there is none. */
static size_t sequence_len(const uint8_t *text)
{
	uint8_t first = text[0], second = text[1];

	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return is_continuation(second) ? 2 : 0;
	if (!is_continuation(second) || !is_continuation(text[2]))
		return 0;
	if (first >= 0xe0 && first <= 0xef) {
		bool overlong = first == 0xe0 && second < 0xa0;
		bool surrogate = first == 0xed && second > 0x9f;
		return overlong || surrogate ? 0 : 3;
	}
	if (first < 0xf0 || first > 0xf4 || (first == 0xf0 && second < 0x90) ||
		(first == 0xf4 && second > 0x8f))
		return 0;
	return is_continuation(text[3]) ? 4 : 0;
}

static void add_ascii(struct str *out, char c)
{
	switch (c) {
	case '"':
	case '\\':
		str_addf(out, "\\%c", c);
		break;
	case '\b':
		str_add_text(out, "\\b");
		break;
	case '\f':
		str_add_text(out, "\\f");
		break;
	case '\n':
		str_add_text(out, "\\n");
		break;
	case '\r':
		str_add_text(out, "\\r");
		break;
	case '\t':
		str_add_text(out, "\\t");
		break;
	default:
		if ((unsigned char)c < 0x20 || c == '<' || c == '>' || c == '&')
			str_addf(out, "\\u%04x", (unsigned)c);
		else
			str_add_char(out, c);
	}
}

void go_json_add_text(struct str *out, const char *text)
{
	str_add_char(out, '"');
	for (size_t len; *text; text += len) {
		len = sequence_len((const uint8_t *)text);
		if (len == 0) {
			str_add_text(out, REPLACEMENT);
			len = 1;
		} else if (len == 1) {
			add_ascii(out, *text);
		} else if (memcmp(text, "\xe2\x80\xa8", 3) == 0) {
			str_add_text(out, "\\u2028");
		} else if (memcmp(text, "\xe2\x80\xa9", 3) == 0) {
			str_add_text(out, "\\u2029");
		} else {
			str_add(out, text, len);
		}
	}
	str_add_char(out, '"');
}
