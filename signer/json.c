/*
 * Loading and reading JSON from outside with jansson, and writing the few things that jansson would write
 * otherwise than others do. It knows the rules of JSON and of protobuf's
 * mapping, and no document in particular.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "signer/json_private.h"

#define KEY_MAX 64

/*
 * Nesting is counted before the parser, which calls itself, gets to see the text; and values, of which
 * each takes many times the memory of the two bytes it may be written with.
 */
static bool shape_is_bounded(const char *text, size_t len)
{
	bool in_string = false;
	unsigned depth = 0;
	size_t values = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX || ++values > JSON_VALUES_MAX)
				return false;
		} else if (c == ',') {
			if (++values > JSON_VALUES_MAX)
				return false;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return true;
}

bool json_load_object(
	const char *text, size_t len, size_t max, struct json_t **ret_object, struct err **err)
{
	json_error_t error;

	if (len > max)
		return err_set(err, ERR_TOO_LARGE, "larger than %zu bytes", max);
	json_t *tree = json_load_plain(text, len);
	if (!tree && !shape_is_bounded(text, len))
		return err_set(err, ERR_TOO_LARGE,
			"nested deeper than %d levels, or more than %d values", JSON_DEPTH_MAX,
			JSON_VALUES_MAX);
	if (!tree)
		tree = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!tree)
		return err_set(err, ERR_INVALID, "no valid JSON: line %d, column %d: %s",
			error.line, error.column, error.text);
	if (!json_is_object(tree)) {
		json_decref(tree);
		return err_set(err, ERR_INVALID, "no JSON object");
	}
	*ret_object = tree;
	return true;
}

void json_tree_free(struct json_t *tree)
{
	json_decref(tree);
}

/* ---- One form for protobuf's documents ---- */

/* "log_index" as "logIndex"; false if it is longer than any field's name. */
static bool key_camel(const char *key, char ret_key[KEY_MAX])
{
	size_t len = 0;

	for (; *key; key++) {
		bool joins = *key == '_' && key[1] >= 'a' && key[1] <= 'z' && len > 0;
		if (joins)
			key++;
		if (len + 1 >= KEY_MAX)
			return false;
		ret_key[len++] = joins ? (char)(*key - 'a' + 'A') : *key;
	}
	ret_key[len] = '\0';
	return true;
}

static bool normalise(json_t *value, struct err **err);

static bool normalise_member(json_t *object, const char *key, json_t *value, struct err **err)
{
	char camel[KEY_MAX];

	if (json_is_null(value)) {
		json_object_del(object, key);
		return true;
	}
	if (!normalise(value, err))
		return false;
	if (!strchr(key, '_') || !key_camel(key, camel) || strcmp(key, camel) == 0)
		return true;
	if (json_object_get(object, camel))
		return err_set(err, ERR_INVALID, "the field %s is there twice", camel);
	json_object_set(object, camel, value);
	json_object_del(object, key);
	return true;
}

static bool normalise(json_t *value, struct err **err)
{
	const char *key;
	json_t *member;
	void *next;
	size_t i;

	json_array_foreach(value, i, member)
	{
		if (!normalise(member, err))
			return false;
	}
	json_object_foreach_safe(value, next, key, member)
	{
		if (!normalise_member(value, key, member, err))
			return false;
	}
	return true;
}

bool proto_load(
	const char *text, size_t len, size_t max, struct json_t **ret_object, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *tree = NULL;

	if (!json_load_object(text, len, max, &tree, err) || !normalise(tree, err))
		return false;
	*ret_object = steal_ptr(&tree);
	return true;
}

/* ---- Getters ---- */

bool proto_only(const json_t *object, const char *const *keys, struct err **err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		size_t i = 0;
		while (keys[i] && strcmp(keys[i], key) != 0)
			i++;
		if (!keys[i])
			return err_set(err, ERR_INVALID, "unknown field \"%.64s\"", key);
	}
	return true;
}

bool proto_object(
	const json_t *parent, const char *key, const json_t **ret_object, struct err **err)
{
	const json_t *value = json_object_get(parent, key);

	if (value && !json_is_object(value))
		return err_set(err, ERR_INVALID, "%s is no object", key);
	*ret_object = value;
	return true;
}

bool proto_objects(const json_t *parent, const char *key, size_t max, const json_t **ret_array,
	size_t *ret_len, struct err **err)
{
	const json_t *value = json_object_get(parent, key);
	const json_t *element;
	size_t i;

	if (value && !json_is_array(value))
		return err_set(err, ERR_INVALID, "%s is no list", key);
	if (json_array_size(value) > max)
		return err_set(err, ERR_TOO_LARGE, "%s has more than %zu elements", key, max);
	json_array_foreach(value, i, element)
	{
		if (!json_is_object(element))
			return err_set(err, ERR_INVALID, "%s[%zu] is no object", key, i);
	}
	*ret_array = value;
	*ret_len = json_array_size(value);
	return true;
}

const json_t *proto_element(const json_t *array, size_t index)
{
	return json_array_get(array, index);
}

bool proto_text(const json_t *parent, const char *key, const char **ret_text, struct err **err)
{
	const json_t *value = json_object_get(parent, key);

	if (value && !json_is_string(value))
		return err_set(err, ERR_INVALID, "%s is no string", key);
	*ret_text = value ? json_string_value(value) : "";
	return true;
}

static bool bytes_read(
	const json_t *value, const char *key, size_t max, struct bytes *ret_bytes, struct err **err)
{
	if (!json_is_string(value))
		return err_set(err, ERR_INVALID, "%s is no string", key);
	if (json_string_length(value) / 4 * 3 > max + 2)
		return err_set(err, ERR_TOO_LARGE, "%s is larger than %zu bytes", key, max);
	if (!bytes_from_base64(json_string_value(value), ret_bytes))
		return err_set(err, ERR_INVALID, "%s is no valid base64", key);
	return true;
}

bool proto_bytes(const json_t *parent, const char *key, size_t max, struct bytes *ret_bytes,
	struct err **err)
{
	const json_t *value = json_object_get(parent, key);

	return !value || bytes_read(value, key, max, ret_bytes, err);
}

bool proto_number(const json_t *parent, const char *key, uint64_t *ret_number, struct err **err)
{
	const json_t *value = json_object_get(parent, key);
	const char *text = json_string_value(value);

	if (!value)
		*ret_number = 0;
	else if (json_is_integer(value) && json_integer_value(value) >= 0)
		*ret_number = (uint64_t)json_integer_value(value);
	else if (!text || (text[0] == '0' && text[1]) || !number_parse(text, INT64_MAX, ret_number))
		return err_set(err, ERR_INVALID, "%s is no whole number between 0 and %" PRId64,
			key, INT64_MAX);
	return true;
}

bool proto_hashes(const json_t *parent, const char *key, size_t size, size_t max,
	struct bytes *ret_bytes, struct err **err)
{
	const json_t *value = json_object_get(parent, key);
	size_t len = json_array_size(value);
	const json_t *element;
	size_t i;

	if (value && !json_is_array(value))
		return err_set(err, ERR_INVALID, "%s is no list", key);
	if (len > max)
		return err_set(err, ERR_TOO_LARGE, "%s has more than %zu elements", key, max);

	CLEANUP(mem_freep) uint8_t *all = mem_new(len + 1, size);
	json_array_foreach(value, i, element)
	{
		CLEANUP(bytes_release) struct bytes hash = {0};
		if (!bytes_read(element, key, size, &hash, err))
			return false;
		if (!hash.data || hash.len != size)
			return err_set(err, ERR_INVALID, "%s[%zu] has %zu bytes instead of %zu",
				key, i, hash.len, size);
		memcpy(all + i * size, hash.data, size);
	}
	*ret_bytes = (struct bytes){steal_ptr(&all), len * size};
	return true;
}

/* ---- Writing ---- */

void json_write_text(struct str *out, const char *text)
{
	static const char named[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";

	str_add_char(out, '"');
	while (*text) {
		size_t plain = 0;
		while ((unsigned char)text[plain] >= ' ' && text[plain] != '"' &&
			text[plain] != '\\')
			plain++;
		str_add(out, text, plain);
		text += plain;
		if (!*text)
			break;
		const char *name = strchr(named, *text);
		if (name)
			str_addf(out, "\\%c", names[name - named]);
		else
			str_addf(out, "\\u%04x", (unsigned)*text);
		text++;
	}
	str_add_char(out, '"');
}

void json_write_base64(struct str *out, const void *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = base64_encode(bytes, len);

	str_add_char(out, '"');
	str_add_text(out, text);
	str_add_char(out, '"');
}
