/*
 * Tags lists: any bytes in chunks of any size. What our reader accepts, jansson must accept too,
 * and both must see the same tags.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "registry/tags_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
	const uint8_t *data;
	size_t len, at, step;
	size_t tags;
};

static bool fill(void *ctx, void *bytes, size_t max, size_t *ret_len, struct err **err)
{
	struct source *source = ctx;
	size_t len = source->len - source->at;
	(void)err;
	len = len < source->step ? len : source->step;
	len = len < max ? len : max;
	if (len)
		memcpy(bytes, source->data + source->at, len);
	source->at += len;
	*ret_len = len;
	return true;
}

static void on_tag(void *ctx, const char *tag)
{
	if (!tag_is_valid(tag))
		abort();
	((struct source *)ctx)->tags++;
}

static void on_manifest(void *ctx, const struct digest *digest)
{
	(void)ctx;
	(void)digest;
}

static void on_manifest_tag(void *ctx, const struct digest *digest, const char *tag)
{
	(void)ctx;
	(void)digest;
	if (!tag_is_valid(tag))
		abort();
}

static size_t count_tags(const json_t *root)
{
	size_t i, count = 0;
	const json_t *value;
	json_array_foreach(json_object_get(root, "tags"), i, value)
	{
		const char *text = json_string_value(value);
		if (text && strlen(text) == json_string_length(value) && tag_is_valid(text))
			count++;
	}
	return count;
}

/* jansson checks UTF-8 and the range of numbers, which the reader leaves alone. */
static bool comparable(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (data[i] >= 0x80 || data[i] == 'e' || data[i] == 'E' || data[i] == '9')
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_reader json;
	struct tags_page page;
	size_t step = size ? 1 + data[size - 1] % 16 : 1;
	struct source source = {.data = data, .len = size, .step = step};
	struct tags_visitor visitor = {on_tag, on_manifest, on_manifest_tag, &source};
	json_reader_init(&json, fill, &source);
	bool ok = tags_page_read(&json, &visitor, &page, NULL);
	json_reader_release(&json);

	if (ok && comparable(data, size)) {
		json_t *root = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
		if (!root || count_tags(root) != source.tags || page.tags < source.tags)
			abort();
		json_decref(root);
	}
	return 0;
}
