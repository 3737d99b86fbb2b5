/*
 * Descriptors are compared as JSON values: order of keys and white space say nothing. What a
 * descriptor means is not asked.
 */
#include "replicator/layers.h"

#include <jansson.h>

#include "base/alloc.h"

/* What others hold is bounded here; more are ERR_TOO_LARGE. As in cosign. */
#define LAYERS_MAX 1000

static void json_freep(json_t **json)
{
	json_decref(*json);
}

/* A new reference to the document; its layers are borrowed from it. */
static json_t *load(const struct document *document, json_t **ret_layers, struct err **err)
{
	CLEANUP(json_freep)
	json_t *json = json_loadb(document->bytes, document->len, JSON_REJECT_DUPLICATES, NULL);
	json_t *layers = json_object_get(json, "layers");

	if (!json_is_array(layers)) {
		err_set(err, ERR_INVALID, "is no image that holds signatures");
		return NULL;
	}
	if (json_array_size(layers) > LAYERS_MAX) {
		err_set(err, ERR_TOO_LARGE, "has more than %d layers", LAYERS_MAX);
		return NULL;
	}
	*ret_layers = layers;
	return json_incref(json);
}

static bool holds(const json_t *layers, const json_t *wanted)
{
	for (size_t i = 0; i < json_array_size(layers); i++)
		if (json_equal(json_array_get(layers, i), wanted))
			return true;
	return false;
}

static size_t count_missing(const json_t *layers, const json_t *other, uint64_t *ret_bytes)
{
	size_t missing = 0;

	*ret_bytes = 0;
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const json_t *layer = json_array_get(layers, i);
		json_int_t size = json_integer_value(json_object_get(layer, "size"));

		if (holds(other, layer))
			continue;
		missing++;
		*ret_bytes += size > 0 ? (uint64_t)size : 0;
	}
	return missing;
}

bool layers_compare(const struct document *left, const struct document *right,
	struct layers_compared *ret_compared, struct err **err)
{
	json_t *left_layers = NULL, *right_layers = NULL;
	CLEANUP(json_freep) json_t *left_json = load(left, &left_layers, err);
	CLEANUP(json_freep)
	json_t *right_json = left_json ? load(right, &right_layers, err) : NULL;

	if (!right_json)
		return false;
	ret_compared->only_left =
		count_missing(left_layers, right_layers, &ret_compared->bytes_left);
	ret_compared->only_right =
		count_missing(right_layers, left_layers, &ret_compared->bytes_right);
	return true;
}
