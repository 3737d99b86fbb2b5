/*
 * Descriptors are compared as JSON values: order of keys and white space say nothing. What a
 * descriptor means is not asked.
 */
#include "replicator/layers.h"

#include <jansson.h>

#include "base/alloc.h"

/* What others hold is bounded here; more are ERR_TOO_LARGE. As in cosign. */
#define LAYERS_MAX 1000
#define SIZE_CAP ((json_int_t)1 << 40)

/* The parts of a document, borrowed from it. */
struct parts {
	json_t *document; /* owned */
	json_t *list;
	bool is_index;
};

static void parts_release(struct parts *parts)
{
	json_decref(parts->document);
}

static bool load(const struct document *document, struct parts *parts, struct err **err)
{
	parts->document = json_loadb(document->bytes, document->len, JSON_REJECT_DUPLICATES, NULL);
	parts->list = json_object_get(parts->document, "layers");
	parts->is_index = !parts->list;
	if (parts->is_index)
		parts->list = json_object_get(parts->document, "manifests");
	if (!json_is_array(parts->list))
		return err_set(
			err, ERR_INVALID, "is neither an image that holds signatures nor an index");
	return json_array_size(parts->list) <= LAYERS_MAX ||
		err_set(err, ERR_TOO_LARGE, "has more than %d entries", LAYERS_MAX);
}

static bool is_same(const json_t *a, const json_t *b, bool by_digest)
{
	if (!by_digest)
		return json_equal(a, b);
	a = json_object_get(a, "digest");
	b = json_object_get(b, "digest");
	return json_is_string(a) && json_equal(a, b);
}

static bool holds(const struct parts *parts, const json_t *wanted)
{
	for (size_t i = 0; i < json_array_size(parts->list); i++)
		if (is_same(json_array_get(parts->list, i), wanted, parts->is_index))
			return true;
	return false;
}

static size_t count_missing(
	const struct parts *parts, const struct parts *other, uint64_t *ret_bytes)
{
	size_t missing = 0;

	*ret_bytes = 0;
	for (size_t i = 0; i < json_array_size(parts->list); i++) {
		const json_t *part = json_array_get(parts->list, i);
		json_int_t size = json_integer_value(json_object_get(part, "size"));

		if (holds(other, part))
			continue;
		missing++;
		/* What is said to be larger is too large as well; the sum cannot overflow. */
		if (size > 0)
			*ret_bytes += size < SIZE_CAP ? (uint64_t)size : SIZE_CAP;
	}
	return missing;
}

bool layers_compare(const struct document *left, const struct document *right,
	struct layers_compared *ret_compared, struct err **err)
{
	CLEANUP(parts_release) struct parts ours = {0};
	CLEANUP(parts_release) struct parts theirs = {0};

	if (!load(left, &ours, err) || !load(right, &theirs, err))
		return false;
	if (ours.is_index != theirs.is_index)
		return err_set(err, ERR_INVALID, "is an index, the other an image");
	ret_compared->only_left = count_missing(&ours, &theirs, &ret_compared->bytes_left);
	ret_compared->only_right = count_missing(&theirs, &ours, &ret_compared->bytes_right);
	return true;
}
