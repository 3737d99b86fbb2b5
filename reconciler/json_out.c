/*
 * The whole grammar we write. jansson would want the document in memory, and a report of a large
 * run is hundreds of megabytes. The escaper decodes strictly: overlong forms, surrogates and
 * truncated sequences are not UTF-8.
 */
#include "reconciler/json_out.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

static void put(struct json_out *out, const char *bytes, size_t len)
{
	if (out->text)
		str_add(out->text, bytes, len);
	else if (!out->error && len && fwrite(bytes, 1, len, out->stream) != len)
		out->error = errno ? errno : EIO;
}

static void put_text(struct json_out *out, const char *text)
{
	put(out, text, strlen(text));
}

/* By the first byte; 0: none begins with it. */
static size_t sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Length of the UTF-8 sequence at `bytes` (NUL-terminated), 0 if it is none; else its code point. */
static size_t decode(const unsigned char *bytes, uint32_t *ret_point)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = sequence_length(bytes[0]);
	uint32_t point = len < 2 ? bytes[0] : bytes[0] & (0x7fU >> len);

	for (size_t i = 1; i < len; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (bytes[i] & 0x3f);
	}
	if (len == 0 || point < smallest[len] || point > 0x10ffff)
		return 0;
	if (point >= 0xd800 && point <= 0xdfff)
		return 0;
	*ret_point = point;
	return len;
}

/* More than JSON asks for: reports are also looked at. As base/escape.c does for terminals. */
static bool misleads(uint32_t point)
{
	return (point >= 0x7f && point < 0xa0) || point == 0x061c || point == 0x200e ||
		point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
		(point >= 0x2066 && point <= 0x2069);
}

static bool needs_escape(uint32_t point)
{
	return point < 0x20 || point == '"' || point == '\\' || misleads(point);
}

static void put_string(struct json_out *out, const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t plain = 0; /* bytes that wait to be written as they are */

	put_text(out, "\"");
	while (bytes[plain]) {
		uint32_t point = 0xfffd;
		size_t len = decode(bytes + plain, &point);
		char escaped[16];

		if (len && !needs_escape(point)) {
			plain += len;
			continue;
		}
		put(out, (const char *)bytes, plain);
		snprintf(escaped, sizeof(escaped), "\\u%04" PRIx32, point);
		put_text(out, escaped);
		bytes += plain + (len ? len : 1);
		plain = 0;
	}
	put(out, (const char *)bytes, plain);
	put_text(out, "\"");
}

static void begin(struct json_out *out, const char *key)
{
	if (out->follows)
		put_text(out, ",");
	out->follows = true;
	if (!key)
		return;
	put_string(out, key);
	put_text(out, ":");
}

void json_out_open(struct json_out *out, const char *key, char bracket)
{
	begin(out, key);
	put(out, &bracket, 1);
	out->follows = false;
}

void json_out_close(struct json_out *out, char bracket)
{
	put(out, &bracket, 1);
	out->follows = true;
}

void json_out_text(struct json_out *out, const char *key, const char *text)
{
	begin(out, key);
	if (text)
		put_string(out, text);
	else
		put_text(out, "null");
}

void json_out_number(struct json_out *out, const char *key, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	begin(out, key);
	put_text(out, text);
}

/* Without printf's decimal point, which follows the locale. */
void json_out_tenths(struct json_out *out, const char *key, double number)
{
	uint64_t tenths = (uint64_t)(number * 10 + 0.5);
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%u", tenths / 10, (unsigned)(tenths % 10));
	begin(out, key);
	put_text(out, text);
}

void json_out_bool(struct json_out *out, const char *key, bool value)
{
	begin(out, key);
	put_text(out, value ? "true" : "false");
}

void json_out_time(struct json_out *out, const char *key, int64_t unix_ms)
{
	char text[CLOCK_RFC3339_SIZE];

	if (unix_ms)
		clock_format_rfc3339(unix_ms, text);
	json_out_text(out, key, unix_ms ? text : NULL);
}

void json_out_break(struct json_out *out)
{
	if (out->follows)
		put_text(out, ",");
	out->follows = false;
	put_text(out, "\n");
}
