/*
 * JSON as programs write it, read in a tenth of the time that jansson takes, which looks at each byte
 * several times (docs/decisions/083). The tree is jansson's, and so is the last word: this accepts
 * less than jansson does and rejects nothing. Pairs of escapes by number, numbers that are not natural or longer
 * than an int64 may be, keys with escapes or beyond ASCII, repeated keys and whatever is wrong are left to it as a whole.
 */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/json_private.h"

#define DIGITS_MAX 18 /* every such number is below 2^63 */

struct reader {
	const char *at, *end;
	unsigned depth;
	size_t values;
	/* The last string with escapes. NULL before the first; never longer than what it is written as. */
	char *decoded;
	size_t size, len, most; /* in bytes: room, filled, ever filled */
};

/* Borrowed from the document, or from the reader until the next one. */
struct text {
	const char *bytes;
	size_t len;
	bool is_ascii;
	bool is_decoded; /* it had escapes */
};

/* NULL, like all that return trees here: left to jansson. */
static json_t *value_read(struct reader *reader);

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end &&
		(*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\t' ||
			*reader->at == '\r'))
		reader->at++;
}

/* Past this byte and the white space in front of it. */
static bool take(struct reader *reader, char wanted)
{
	skip_space(reader);
	if (reader->at == reader->end || *reader->at != wanted)
		return false;
	reader->at++;
	return true;
}

/* ---- Strings and other values without members ---- */

/* Past the bytes that stand for themselves. */
static void skip_literal(struct reader *reader, bool *is_ascii)
{
	const char *at = reader->at;
	unsigned char all = 0;

	while (at < reader->end && *at != '"' && *at != '\\' && (unsigned char)*at >= ' ')
		all |= (unsigned char)*at++;
	reader->at = at;
	*is_ascii &= all < 0x80;
}

/* Four hexadecimal digits; 0 for anything else, and for 0. */
static unsigned unit_read(const char *digits)
{
	unsigned unit = 0;

	for (size_t i = 0; i < 4; i++) {
		char digit = digits[i];
		unsigned value = (unsigned)(digit >= '0' && digit <= '9' ? digit - '0'
				: digit >= 'a' && digit <= 'f'		 ? digit - 'a' + 10
				: digit >= 'A' && digit <= 'F'		 ? digit - 'A' + 10
									 : 16);
		if (value > 15)
			return 0;
		unit = unit << 4 | value;
	}
	return unit;
}

static void decoded_add(struct reader *reader, const char *bytes, size_t len)
{
	memcpy(reader->decoded + reader->len, bytes, len);
	reader->len += len;
}

/* Behind "\u". Halves of pairs are left to jansson. */
static bool decode_unit(struct reader *reader)
{
	unsigned unit = reader->end - reader->at < 4 ? 0 : unit_read(reader->at);
	const char in_one[] = {(char)unit};
	const char in_two[] = {(char)(0xc0 | unit >> 6), (char)(0x80 | (unit & 0x3f))};
	const char in_three[] = {(char)(0xe0 | unit >> 12), (char)(0x80 | (unit >> 6 & 0x3f)),
		(char)(0x80 | (unit & 0x3f))};

	if (unit == 0 || (unit >= 0xd800 && unit <= 0xdfff))
		return false;
	reader->at += 4;
	if (unit < 0x80)
		decoded_add(reader, in_one, sizeof(in_one));
	else if (unit < 0x800)
		decoded_add(reader, in_two, sizeof(in_two));
	else
		decoded_add(reader, in_three, sizeof(in_three));
	return true;
}

/* At a backslash. False if what follows is no escape, or none that is plain. */
static bool decode_escape(struct reader *reader)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";

	if (reader->end - reader->at < 2)
		return false;
	char wanted = reader->at[1];
	reader->at += 2;
	if (wanted == 'u')
		return decode_unit(reader);
	const char *letter = memchr(letters, wanted, sizeof(letters) - 1);
	if (letter)
		decoded_add(reader, meanings + (letter - letters), 1);
	return letter != NULL;
}

/* From the first escape on; `text` has what stands in front of it. */
static bool decode_rest(struct reader *reader, struct text *text)
{
	bool ok = true;

	if (!reader->decoded)
		reader->decoded = mem_new(reader->size, 1);
	reader->len = 0;
	decoded_add(reader, text->bytes, text->len);
	while (ok && reader->at < reader->end && *reader->at == '\\') {
		ok = decode_escape(reader);
		const char *begin = reader->at;
		skip_literal(reader, &text->is_ascii);
		decoded_add(reader, begin, (size_t)(reader->at - begin));
	}
	if (reader->len > reader->most)
		reader->most = reader->len;
	*text = (struct text){reader->decoded, reader->len, text->is_ascii, .is_decoded = true};
	return ok;
}

/* From behind the opening quote to behind the closing one. */
static bool text_read(struct reader *reader, struct text *ret_text)
{
	const char *begin = reader->at;
	struct text text = {.bytes = begin, .is_ascii = true};

	skip_literal(reader, &text.is_ascii);
	text.len = (size_t)(reader->at - begin);
	if (reader->at < reader->end && *reader->at == '\\' && !decode_rest(reader, &text))
		return false;
	*ret_text = text;
	return reader->at < reader->end && *reader->at++ == '"';
}

static json_t *string_read(struct reader *reader)
{
	struct text text;

	reader->at++;
	if (!text_read(reader, &text))
		return NULL;
	/* What was decoded is UTF-8 if the rest is. */
	return text.is_ascii ? json_stringn_nocheck(text.bytes, text.len)
			     : json_stringn(text.bytes, text.len);
}

static json_t *word_read(struct reader *reader, const char *word, json_t *value)
{
	size_t len = strlen(word);

	if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
		return NULL;
	reader->at += len;
	return value;
}

static json_t *number_read(struct reader *reader)
{
	const char *begin = reader->at;
	json_int_t number = 0;

	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' &&
		reader->at - begin < DIGITS_MAX)
		number = number * 10 + (*reader->at++ - '0');
	if (reader->at == begin || (*begin == '0' && reader->at - begin > 1))
		return NULL;
	/* More digits, a fraction or an exponent: noticed by whoever wants a comma or the end. */
	return json_integer(number);
}

/* ---- Objects and lists ---- */

/* What json_load_object counts, so that neither lets more pass. */
static bool count_value(struct reader *reader)
{
	return ++reader->values <= JSON_VALUES_MAX;
}

static bool member_read(struct reader *reader, json_t *object)
{
	struct text key;

	if (!take(reader, '"') || !text_read(reader, &key) || !key.is_ascii || key.is_decoded ||
		!take(reader, ':') || json_object_getn(object, key.bytes, key.len))
		return false;
	json_t *value = value_read(reader);
	return value && json_object_setn_new_nocheck(object, key.bytes, key.len, value) == 0;
}

static bool element_read(struct reader *reader, json_t *array)
{
	json_t *value = value_read(reader);

	return value && json_array_append_new(array, value) == 0;
}

/* At the opening bracket. Takes `container`, and returns it filled. */
static json_t *members_read(struct reader *reader, json_t *container, char close,
	bool (*read_one)(struct reader *reader, json_t *container))
{
	bool ok = container && count_value(reader) && ++reader->depth <= JSON_DEPTH_MAX;

	reader->at++;
	if (ok && !take(reader, close)) {
		ok = read_one(reader, container);
		while (ok && take(reader, ','))
			ok = count_value(reader) && read_one(reader, container);
		ok = ok && take(reader, close);
	}
	reader->depth--;
	if (ok)
		return container;
	json_decref(container);
	return NULL;
}

static json_t *value_read(struct reader *reader)
{
	skip_space(reader);
	if (reader->at == reader->end)
		return NULL;
	switch (*reader->at) {
	case '"':
		return string_read(reader);
	case '{':
		return members_read(reader, json_object(), '}', member_read);
	case '[':
		return members_read(reader, json_array(), ']', element_read);
	case 't':
		return word_read(reader, "true", json_true());
	case 'f':
		return word_read(reader, "false", json_false());
	case 'n':
		return word_read(reader, "null", json_null());
	default:
		return number_read(reader);
	}
}

json_t *json_load_plain(const char *text, size_t len)
{
	struct reader reader = {.at = text, .end = len ? text + len : text, .size = len};
	json_t *tree = value_read(&reader);

	skip_space(&reader);
	if (tree && (reader.at < reader.end || !json_is_object(tree))) {
		json_decref(tree);
		tree = NULL;
	}
	/* As of what jansson frees (docs/decisions/025): it may be a token. */
	mem_free_secret(reader.decoded, reader.most);
	return tree;
}
