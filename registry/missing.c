/*
 * distribution puts the digest into `detail` as it is, others into an object there. Anything that is
 * not understood makes the whole no list: whoever asks then assumes nothing.
 */
#include "registry/missing.h"

#include <jansson.h>
#include <string.h>

static void json_freep(json_t **value)
{
	json_decref(*value);
}

void missing_release(struct missing *missing)
{
	vec_release(&missing->digests);
}

static bool add(struct missing *missing, const json_t *item)
{
	const char *code = json_string_value(json_object_get(item, "code"));
	const json_t *detail = json_object_get(item, "detail");
	const char *text = json_string_value(
		json_is_object(detail) ? json_object_get(detail, "digest") : detail);
	struct digest digest;
	if (!code || !text || missing->digests.len == MISSING_MAX ||
		(strcmp(code, "MANIFEST_BLOB_UNKNOWN") != 0 && strcmp(code, "BLOB_UNKNOWN") != 0) ||
		!digest_parse(text, &digest, NULL))
		return false;
	*vec_push(&missing->digests) = digest;
	return true;
}

bool missing_parse(const char *body, size_t len, struct missing *ret_missing)
{
	CLEANUP(json_freep) json_t *root = json_loadb(body, len, 0, NULL);
	struct missing missing = {0};
	const json_t *item;
	size_t i;
	bool ok = true;
	json_array_foreach(json_object_get(root, "errors"), i, item)
	{
		ok = ok && add(&missing, item);
	}
	if (ok && missing.digests.len > 0) {
		*ret_missing = missing;
		return true;
	}
	missing_release(&missing);
	return false;
}

bool missing_has(const struct missing *missing, const struct digest *digest)
{
	for (size_t i = 0; i < missing->digests.len; i++)
		if (digest_equal(&missing->digests.items[i], digest))
			return true;
	return false;
}
