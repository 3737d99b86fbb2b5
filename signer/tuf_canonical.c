/*
 * Writes canonical JSON from what jansson has parsed, since jansson's own output escapes what this
 * form must not. What the document means is tuf_metadata.c's.
 */
#include "signer/tuf_canonical.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

static void json_freep(json_t **value)
{
	json_decref(*value);
}

static bool write_value(const json_t *value, unsigned depth, struct str *out, struct err **err);

static void write_string(const char *text, struct str *out)
{
	str_add_char(out, '"');
	while (*text) {
		size_t plain = strcspn(text, "\"\\");

		str_add(out, text, plain);
		text += plain;
		if (*text) {
			str_add_char(out, '\\');
			str_add_char(out, *text++);
		}
	}
	str_add_char(out, '"');
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool write_object(const json_t *object, unsigned depth, struct str *out, struct err **err)
{
	size_t count = json_object_size(object), i = 0;
	CLEANUP(mem_freep) const char **keys = mem_new(count ? count : 1, sizeof(*keys));
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) keys[i++] = key;
	qsort(keys, count, sizeof(*keys), compare_keys);
	str_add_char(out, '{');
	for (i = 0; i < count; i++) {
		if (i)
			str_add_char(out, ',');
		write_string(keys[i], out);
		str_add_char(out, ':');
		if (!write_value(json_object_get(object, keys[i]), depth, out, err))
			return false;
	}
	str_add_char(out, '}');
	return true;
}

static bool write_array(const json_t *array, unsigned depth, struct str *out, struct err **err)
{
	str_add_char(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i)
			str_add_char(out, ',');
		if (!write_value(json_array_get(array, i), depth, out, err))
			return false;
	}
	str_add_char(out, ']');
	return true;
}

static bool write_value(const json_t *value, unsigned depth, struct str *out, struct err **err)
{
	if (depth == TUF_CANONICAL_DEPTH_MAX)
		return err_set(err, ERR_INVALID, "nested deeper than %d", TUF_CANONICAL_DEPTH_MAX);
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return write_object(value, depth + 1, out, err);
	case JSON_ARRAY:
		return write_array(value, depth + 1, out, err);
	case JSON_STRING:
		write_string(json_string_value(value), out);
		return true;
	case JSON_INTEGER:
		str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return true;
	case JSON_REAL:
		return err_set(err, ERR_INVALID, "a number that is not whole");
	case JSON_TRUE:
	case JSON_FALSE:
		str_add_text(out, json_is_true(value) ? "true" : "false");
		return true;
	case JSON_NULL:
		str_add_text(out, "null");
		return true;
	}
	return err_set(err, ERR_INTERNAL, "unknown kind of JSON value");
}

bool tuf_canonical_member(
	const char *text, size_t len, const char *member, struct str *out, struct err **err)
{
	json_error_t reason;
	CLEANUP(json_freep)
	json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &reason);
	const json_t *value = json_object_get(document, member);

	if (!document)
		return err_set(err, ERR_INVALID, "line %d: %.100s", reason.line, reason.text);
	if (!value)
		return err_set(err, ERR_INVALID, "an object with \"%s\" is needed", member);
	if (!write_value(value, 0, out, err))
		return false;
	if (str_overflowed(out))
		return err_set(err, ERR_TOO_LARGE, "more than %zu bytes", out->max);
	return true;
}
