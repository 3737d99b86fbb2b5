/*
 * The terminal escaper: whatever comes in, what comes out is bounded, well-formed UTF-8 without
 * controls, and escaping cannot be undone into something else: text that needs none is unchanged.
 * The first byte of the input chooses the maximum.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Length of the sequence at p, written independently of the escaper's decoder. */
static size_t check_sequence(const unsigned char *p, size_t left)
{
	if (p[0] < 0x80) {
		require(p[0] >= 0x20 && p[0] != 0x7f);
		return 1;
	}
	require(p[0] >= 0xc2 && p[0] <= 0xf4 && left >= 2);
	if (p[0] < 0xe0) {
		require(p[0] != 0xc2 || p[1] >= 0xa0);
		require(memcmp(p, "\xd8\x9c", 2) != 0);
		return 2;
	}
	require(left >= 3);
	if (p[0] < 0xf0) {
		require(p[0] != 0xe0 || p[1] >= 0xa0);
		require(p[0] != 0xed || p[1] <= 0x9f);
		if (p[0] == 0xe2 && p[1] == 0x80)
			require(p[2] != 0x8e && p[2] != 0x8f && (p[2] < 0xa8 || p[2] > 0xae));
		if (p[0] == 0xe2 && p[1] == 0x81)
			require(p[2] < 0xa6 || p[2] > 0xa9);
		return 3;
	}
	require(left >= 4 && (p[0] != 0xf0 || p[1] >= 0x90) && (p[0] != 0xf4 || p[1] <= 0x8f));
	return 4;
}

static void check(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t at = 0; at < len;) {
		size_t size = check_sequence(p + at, len - at);

		for (size_t i = 1; i < size; i++)
			require((p[at + i] & 0xc0) == 0x80);
		at += size;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(str_release) struct str out = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str whole = STR_INIT(1 << 20);
	size_t max, start;

	if (!size || size > 65536)
		return 0;
	max = data[0];
	str_add_text(&out, "log: ");
	start = out.len;
	escape_terminal(&out, (const char *)data + 1, size - 1, max);
	require(out.len - start <= max && strlen(str_text(&out)) == out.len);
	check(str_text(&out) + start, out.len - start);

	escape_terminal(&whole, (const char *)data + 1, size - 1, SIZE_MAX);
	require(whole.len >= size - 1);
	check(str_text(&whole), whole.len);
	if (whole.len == size - 1)
		require(memcmp(str_text(&whole), data + 1, size - 1) == 0);
	if (whole.len <= max)
		require(strcmp(str_text(&out) + start, str_text(&whole)) == 0);
	else if (max >= 3)
		require(strcmp(str_text(&out) + out.len - 3, "...") == 0);
	return 0;
}
