/*
 * A pull reader: a cursor over chunks, a stack of one bit a level, and a state that says what may
 * come next. Knows JSON's grammar and nothing about what is in a document.
 */
#include "registry/json_reader.h"

#include <string.h>

#include "base/alloc.h"

/* What may come next at this point of the document. */
enum {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* after [ */
	EXPECT_KEY,
	EXPECT_KEY_OR_END, /* after { */
	EXPECT_COMMA_OR_END,
	EXPECT_NOTHING, /* the top value is complete */
};

#define END_OF_STREAM (-1)

void json_reader_init(struct json_reader *reader, json_fill_fn *fill, void *ctx)
{
	reader->fill = fill;
	reader->ctx = ctx;
	reader->position = 0;
	reader->filled = 0;
	reader->consumed = 0;
	reader->depth = 0;
	reader->is_object = 0;
	reader->expect = EXPECT_VALUE;
	reader->chunk = mem_resize(NULL, JSON_READER_CHUNK, 1);
	reader->text_len = 0;
	reader->text[0] = '\0';
}

void json_reader_release(struct json_reader *reader)
{
	mem_free(reader->chunk);
	reader->chunk = NULL;
}

static bool fail(const struct json_reader *reader, const char *what, struct err **err)
{
	return err_set(err, ERR_INVALID, "JSON: %s at byte %llu", what,
		(unsigned long long)(reader->consumed + reader->position));
}

/* ---- Bytes ---- */

static bool refill(struct json_reader *reader, bool *ret_ended, struct err **err)
{
	size_t len = 0;
	if (!reader->fill(reader->ctx, reader->chunk, JSON_READER_CHUNK, &len, err))
		return false;
	reader->consumed += reader->filled;
	reader->position = 0;
	reader->filled = len;
	*ret_ended = len == 0;
	return true;
}

/* The next byte without taking it, END_OF_STREAM behind the last. */
static bool peek(struct json_reader *reader, int *ret_byte, struct err **err)
{
	bool ended = false;
	if (reader->position == reader->filled && !refill(reader, &ended, err))
		return false;
	*ret_byte = ended ? END_OF_STREAM : (unsigned char)reader->chunk[reader->position];
	return true;
}

static bool take(struct json_reader *reader, int *ret_byte, struct err **err)
{
	if (!peek(reader, ret_byte, err))
		return false;
	if (*ret_byte == END_OF_STREAM)
		return fail(reader, "the document is cut off", err);
	reader->position++;
	return true;
}

static bool is_space(int byte)
{
	return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

static bool peek_past_space(struct json_reader *reader, int *ret_byte, struct err **err)
{
	int byte;
	size_t spaces = 0;
	if (!peek(reader, &byte, err))
		return false;
	while (is_space(byte)) {
		if (++spaces > JSON_READER_SPACE_MAX)
			return err_set(err, ERR_TOO_LARGE,
				"JSON: more than %d bytes of white space", JSON_READER_SPACE_MAX);
		reader->position++;
		if (!peek(reader, &byte, err))
			return false;
	}
	*ret_byte = byte;
	return true;
}

static bool add_text(struct json_reader *reader, const char *bytes, size_t len, struct err **err)
{
	if (len > JSON_READER_TEXT_MAX - reader->text_len)
		return err_set(err, ERR_TOO_LARGE, "JSON: a string of more than %d bytes",
			JSON_READER_TEXT_MAX);
	memcpy(reader->text + reader->text_len, bytes, len);
	reader->text_len += len;
	return true;
}

/* ---- Strings ---- */

static bool take_hex4(struct json_reader *reader, uint32_t *ret_unit, struct err **err)
{
	uint32_t unit = 0;
	for (int i = 0; i < 4; i++) {
		int byte;
		if (!take(reader, &byte, err))
			return false;
		if (byte >= '0' && byte <= '9')
			byte -= '0';
		else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
			byte = (byte | 0x20) - 'a' + 10;
		else
			return fail(reader, "bad \\u escape", err);
		unit = unit << 4 | (uint32_t)byte;
	}
	*ret_unit = unit;
	return true;
}

static bool add_utf8(struct json_reader *reader, uint32_t point, struct err **err)
{
	char bytes[4];
	size_t len = 0;
	if (point < 0x80) {
		bytes[len++] = (char)point;
	} else if (point < 0x800) {
		bytes[len++] = (char)(0xc0 | point >> 6);
	} else if (point < 0x10000) {
		bytes[len++] = (char)(0xe0 | point >> 12);
		bytes[len++] = (char)(0x80 | (point >> 6 & 0x3f));
	} else {
		bytes[len++] = (char)(0xf0 | point >> 18);
		bytes[len++] = (char)(0x80 | (point >> 12 & 0x3f));
		bytes[len++] = (char)(0x80 | (point >> 6 & 0x3f));
	}
	if (point >= 0x80)
		bytes[len++] = (char)(0x80 | (point & 0x3f));
	return add_text(reader, bytes, len, err);
}

static bool read_unicode_escape(struct json_reader *reader, struct err **err)
{
	uint32_t high, low;
	int backslash, letter;
	if (!take_hex4(reader, &high, err))
		return false;
	if (high < 0xd800 || high > 0xdfff)
		return add_utf8(reader, high, err);
	if (high > 0xdbff)
		return fail(reader, "lone surrogate", err);
	if (!take(reader, &backslash, err) || !take(reader, &letter, err))
		return false;
	if (backslash != '\\' || letter != 'u')
		return fail(reader, "lone surrogate", err);
	if (!take_hex4(reader, &low, err))
		return false;
	if (low < 0xdc00 || low > 0xdfff)
		return fail(reader, "lone surrogate", err);
	return add_utf8(reader, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), err);
}

static bool read_escape(struct json_reader *reader, struct err **err)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	int byte;
	if (!take(reader, &byte, err))
		return false;
	if (byte == 'u')
		return read_unicode_escape(reader, err);
	const char *letter = byte ? strchr(letters, byte) : NULL;
	if (!letter)
		return fail(reader, "unknown escape", err);
	return add_text(reader, meanings + (letter - letters), 1, err);
}

/* A bit in each byte of `word` that is zero, and perhaps in some above the first of these. */
static uint64_t zero_bytes(uint64_t word)
{
	return (word - 0x0101010101010101U) & ~word & 0x8080808080808080U;
}

/* How many bytes stand for themselves, eight at a time as long as all of them do. */
static size_t plain_bytes(const char *bytes, size_t len)
{
	const uint64_t each = 0x0101010101010101U;
	size_t i = 0;
	for (; i + sizeof(uint64_t) <= len; i += sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, bytes + i, sizeof(word));
		/* No byte below 0x20 has one of these bits; some above 0x7f have none either. */
		if (zero_bytes(word ^ (each * '"')) | zero_bytes(word ^ (each * '\\')) |
			zero_bytes(word & (each * 0x60)))
			break;
	}
	while (i < len && bytes[i] != '"' && bytes[i] != '\\' && (unsigned char)bytes[i] >= 0x20)
		i++;
	return i;
}

/* From behind the opening quote to behind the closing one. */
static bool read_string(struct json_reader *reader, struct err **err)
{
	reader->text_len = 0;
	for (;;) {
		const char *start = reader->chunk + reader->position;
		size_t plain = plain_bytes(start, reader->filled - reader->position);
		if (!add_text(reader, start, plain, err))
			return false;
		reader->position += plain;

		int byte;
		if (!take(reader, &byte, err))
			return false;
		if (byte == '"')
			break;
		if (byte == '\\') {
			if (!read_escape(reader, err))
				return false;
		} else if (byte < 0x20) {
			return fail(reader, "control character in a string", err);
		} else {
			/* The first byte of a fresh chunk. */
			reader->position--;
		}
	}
	reader->text[reader->text_len] = '\0';
	return true;
}

/* ---- Numbers and words ---- */

static size_t skip_digits(const char *text, size_t at)
{
	while (text[at] >= '0' && text[at] <= '9')
		at++;
	return at;
}

static bool number_is_valid(const char *text)
{
	size_t at = text[0] == '-' ? 1 : 0;
	size_t end = skip_digits(text, at);
	if (end == at || (text[at] == '0' && end > at + 1))
		return false;
	at = end;
	if (text[at] == '.') {
		end = skip_digits(text, at + 1);
		if (end == at + 1)
			return false;
		at = end;
	}
	if (text[at] == 'e' || text[at] == 'E') {
		at++;
		if (text[at] == '+' || text[at] == '-')
			at++;
		end = skip_digits(text, at);
		if (end == at)
			return false;
		at = end;
	}
	return text[at] == '\0';
}

/* Collects letters, digits and signs: what numbers and words consist of. */
static bool read_word(struct json_reader *reader, struct err **err)
{
	reader->text_len = 0;
	for (;;) {
		int byte;
		if (!peek(reader, &byte, err))
			return false;
		bool part = (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' ||
			byte == '.' ||
			(byte != END_OF_STREAM && (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
		if (!part)
			break;
		if (!add_text(reader, &reader->chunk[reader->position], 1, err))
			return false;
		reader->position++;
	}
	reader->text[reader->text_len] = '\0';
	return true;
}

static bool read_plain(struct json_reader *reader, enum json_token *ret_token, struct err **err)
{
	if (!read_word(reader, err))
		return false;
	if (strcmp(reader->text, "true") == 0)
		*ret_token = JSON_READ_TRUE;
	else if (strcmp(reader->text, "false") == 0)
		*ret_token = JSON_READ_FALSE;
	else if (strcmp(reader->text, "null") == 0)
		*ret_token = JSON_READ_NULL;
	else if (number_is_valid(reader->text))
		*ret_token = JSON_READ_NUMBER;
	else
		return fail(reader, "no value", err);
	return true;
}

/* ---- Structure ---- */

static void value_done(struct json_reader *reader)
{
	reader->expect = reader->depth ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
}

static bool inside_object(const struct json_reader *reader)
{
	return reader->depth && (reader->is_object >> (reader->depth - 1) & 1);
}

static bool open_level(
	struct json_reader *reader, bool object, enum json_token *ret_token, struct err **err)
{
	if (reader->depth == JSON_READER_DEPTH)
		return err_set(
			err, ERR_TOO_LARGE, "JSON: nested deeper than %d", JSON_READER_DEPTH);
	uint32_t bit = (uint32_t)1 << reader->depth++;
	reader->is_object = object ? reader->is_object | bit : reader->is_object & ~bit;
	reader->expect = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
	*ret_token = object ? JSON_READ_OBJECT : JSON_READ_ARRAY;
	return true;
}

static bool close_level(
	struct json_reader *reader, bool object, enum json_token *ret_token, struct err **err)
{
	if (!reader->depth || inside_object(reader) != object)
		return fail(reader, "unexpected end of an object or array", err);
	reader->depth--;
	value_done(reader);
	*ret_token = object ? JSON_READ_OBJECT_END : JSON_READ_ARRAY_END;
	return true;
}

static bool read_key(struct json_reader *reader, enum json_token *ret_token, struct err **err)
{
	int byte;
	reader->position++;
	if (!read_string(reader, err) || !peek_past_space(reader, &byte, err))
		return false;
	if (byte != ':')
		return fail(reader, "no colon after a key", err);
	reader->position++;
	reader->expect = EXPECT_VALUE;
	*ret_token = JSON_READ_KEY;
	return true;
}

static bool read_value(
	struct json_reader *reader, int byte, enum json_token *ret_token, struct err **err)
{
	if (byte == '{' || byte == '[') {
		reader->position++;
		return open_level(reader, byte == '{', ret_token, err);
	}
	if (byte == '"') {
		reader->position++;
		if (!read_string(reader, err))
			return false;
		*ret_token = JSON_READ_STRING;
	} else if (!read_plain(reader, ret_token, err)) {
		return false;
	}
	value_done(reader);
	return true;
}

static bool end_of_document(
	struct json_reader *reader, int byte, enum json_token *ret_token, struct err **err)
{
	if (byte != END_OF_STREAM)
		return fail(reader, "text after the document", err);
	*ret_token = JSON_READ_END;
	return true;
}

bool json_reader_next(struct json_reader *reader, enum json_token *ret_token, struct err **err)
{
	int byte;
	if (!peek_past_space(reader, &byte, err))
		return false;
	if (reader->expect == EXPECT_NOTHING)
		return end_of_document(reader, byte, ret_token, err);
	if (byte == END_OF_STREAM)
		return fail(reader, "the document is cut off", err);

	bool may_end = reader->expect != EXPECT_VALUE && reader->expect != EXPECT_KEY;
	if (may_end && (byte == '}' || byte == ']')) {
		reader->position++;
		return close_level(reader, byte == '}', ret_token, err);
	}
	if (reader->expect == EXPECT_COMMA_OR_END) {
		if (byte != ',')
			return fail(reader, "no comma", err);
		reader->position++;
		reader->expect = inside_object(reader) ? EXPECT_KEY : EXPECT_VALUE;
		if (!peek_past_space(reader, &byte, err))
			return false;
	}
	if (reader->expect == EXPECT_KEY || reader->expect == EXPECT_KEY_OR_END) {
		if (byte != '"')
			return fail(reader, "no key", err);
		return read_key(reader, ret_token, err);
	}
	return read_value(reader, byte, ret_token, err);
}

bool json_reader_skip(struct json_reader *reader, enum json_token token, struct err **err)
{
	if (token != JSON_READ_OBJECT && token != JSON_READ_ARRAY)
		return true;
	unsigned outside = reader->depth - 1;
	while (reader->depth > outside)
		if (!json_reader_next(reader, &token, err))
			return false;
	return true;
}
