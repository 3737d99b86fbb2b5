/*
 * Text forms of bytes and numbers. One spelling per value: upper-case hexadecimal, base64 with
 * missing padding, white space or stray bits in the last digit are all refused, so two different
 * texts never stand for the same bytes. Nothing here is constant-time; do not use it on keys.
 */
#include "base/enc.h"

#include "base/cleanup.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
	for (size_t i = 0; i < len; i++) {
		*ret_text++ = hex_digits[bytes[i] >> 4];
		*ret_text++ = hex_digits[bytes[i] & 15];
	}
	*ret_text = '\0';
}

/* One more than the value, 0 for what is no digit: lists of tags are mostly digests. */
static const uint8_t hex_values[256] = {
	['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
};

bool hex_decode(const char *text, size_t len, uint8_t *ret_bytes)
{
	const uint8_t *digits = (const uint8_t *)text;

	/* Stops at a terminator too, so short text is never overrun. */
	for (size_t i = 0; i < 2 * len; i++)
		if (!hex_values[digits[i]])
			return false;
	for (size_t i = 0; i < len; i++) {
		unsigned high = hex_values[digits[2 * i]] - 1U;
		unsigned low = hex_values[digits[2 * i + 1]] - 1U;

		ret_bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

char *base64_encode(const void *bytes, size_t len)
{
	const uint8_t *in = bytes;
	char *text = mem_new(len / 3 + 1, 4 + 1), *out = text;

	for (; len >= 3; len -= 3, in += 3) {
		*out++ = base64_digits[in[0] >> 2];
		*out++ = base64_digits[(in[0] & 3) << 4 | in[1] >> 4];
		*out++ = base64_digits[(in[1] & 15) << 2 | in[2] >> 6];
		*out++ = base64_digits[in[2] & 63];
	}
	if (len) {
		uint8_t second = len == 2 ? in[1] : 0;

		*out++ = base64_digits[in[0] >> 2];
		*out++ = base64_digits[(in[0] & 3) << 4 | second >> 4];
		*out++ = len == 2 ? base64_digits[(second & 15) << 2] : '=';
		*out++ = '=';
	}
	*out = '\0';
	return text;
}

#define RUN_5(n) (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4
#define RUN_10(n) RUN_5(n), RUN_5((n) + 5)
#define RUN_26(n) RUN_10(n), RUN_10((n) + 10), RUN_5((n) + 20), (n) + 25

/* Value of each digit plus one; 0: no digit. */
static const uint8_t base64_values[256] = {
	['A'] = RUN_26(1),
	['a'] = RUN_26(27),
	['0'] = RUN_10(53),
	['+'] = 63,
	['/'] = 64,
};

static int base64_value(char c)
{
	return base64_values[(unsigned char)c] - 1;
}

/* Four digits. */
static bool group_decode(const char *text, uint8_t ret_bytes[3])
{
	int first = base64_value(text[0]), second = base64_value(text[1]);
	int third = base64_value(text[2]), fourth = base64_value(text[3]);

	if ((first | second | third | fourth) < 0)
		return false;
	ret_bytes[0] = (uint8_t)(first << 2 | second >> 4);
	ret_bytes[1] = (uint8_t)(second << 4 | third >> 2);
	ret_bytes[2] = (uint8_t)(third << 6 | fourth);
	return true;
}

/* Two or three digits, whose last one has bits that must not be set. */
static bool rest_decode(const char *text, size_t digits, uint8_t ret_bytes[2])
{
	int first = base64_value(text[0]), second = base64_value(text[1]);
	int third = digits == 3 ? base64_value(text[2]) : 0;

	if ((first | second | third) < 0 || (digits == 3 ? third & 3 : second & 15))
		return false;
	ret_bytes[0] = (uint8_t)(first << 2 | second >> 4);
	if (digits == 3)
		ret_bytes[1] = (uint8_t)(second << 4 | third >> 2);
	return true;
}

uint8_t *base64_decode(const char *text, size_t len, size_t *ret_len)
{
	size_t padding = 0, filled = 0;

	if (len % 4)
		return NULL;
	if (len && text[len - 1] == '=')
		padding = text[len - 2] == '=' ? 2 : 1;
	CLEANUP(mem_freep) uint8_t *bytes = mem_new(len / 4 * 3 + 1, 1);
	const char *rest = text + (padding ? len - 4 : len);
	for (; text < rest; text += 4, filled += 3)
		if (!group_decode(text, bytes + filled))
			return NULL;
	if (padding && !rest_decode(rest, 4 - padding, bytes + filled))
		return NULL;
	*ret_len = filled + (padding ? 3 - padding : 0);
	return steal_ptr(&bytes);
}

bool number_parse(const char *text, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || digit > max || number > (max - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}
