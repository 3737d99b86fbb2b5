/*
 * Descriptors are read with jansson and kept as text; an index is extended by inserting text, so
 * that what other tools wrote there keeps its bytes. Knows no registry.
 */
#include "registry/referrers_index.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "image/manifest.h"
#include "registry/json_text.h"

static void json_freep(json_t **value)
{
	json_decref(*value);
}

/* Fresh memory. */
static char *text_of_json(const json_t *value)
{
	size_t len = json_dumpb(value, NULL, 0, JSON_COMPACT);
	char *text = mem_new(len + 1, 1);
	json_dumpb(value, text, len, JSON_COMPACT);
	return text;
}

const char *referrers_tag(const struct digest *subject, char ret_tag[REFERRERS_TAG_SIZE])
{
	char text[DIGEST_TEXT_SIZE];
	digest_format(subject, text);
	size_t algorithm = strcspn(text, ":");
	snprintf(ret_tag, REFERRERS_TAG_SIZE, "%.*s-%.64s", (int)algorithm, text,
		text + algorithm + 1);
	return ret_tag;
}

/* ---- The set ---- */

static void referrer_clear(struct referrer *referrer)
{
	mem_free(referrer->media_type);
	mem_free(referrer->artifact_type);
	mem_free(referrer->json);
}

void referrers_release(struct referrers *referrers)
{
	for (size_t i = 0; i < referrers->items.len; i++)
		referrer_clear(&referrers->items.items[i]);
	vec_release(&referrers->items);
	*referrers = (struct referrers){0};
}

void referrers_set_release(struct referrers_set *set)
{
	const char *key;
	void *text;
	for (size_t i = 0; strmap_next(&set->by_digest, &i, &key, &text);)
		mem_free(text);
	strmap_release(&set->by_digest);
	referrers_release(&set->list);
}

bool referrers_set_has(const struct referrers_set *set, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	return strmap_get(&set->by_digest, digest_format(digest, text)) != NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

/*
 * The media type of an empty config is no artifact type, but what go-containerregistry's registry
 * lists for every artifact with one.
 */
static const char *artifact_type_of(const json_t *descriptor)
{
	const char *type = text_of(descriptor, "artifactType");
	return strcmp(type, "application/vnd.oci.empty.v1+json") == 0 ? "" : type;
}

static bool descriptor_is_valid(const json_t *value, struct digest *ret_digest)
{
	const json_t *size = json_object_get(value, "size");
	return json_is_integer(size) && json_integer_value(size) >= 0 &&
		digest_parse(text_of(value, "digest"), ret_digest, NULL);
}

static bool set_add(struct referrers_set *set, const json_t *descriptor, struct err **err)
{
	struct digest digest;
	if (!descriptor_is_valid(descriptor, &digest) || referrers_set_has(set, &digest))
		return true;
	if (set->list.items.len == REFERRERS_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %d referrers", REFERRERS_MAX);
	char *key = mem_strdup(text_of(descriptor, "digest"));
	*strmap_put(&set->by_digest, key) = key;
	*vec_push(&set->list.items) = (struct referrer){
		.digest = digest,
		.size = json_integer_value(json_object_get(descriptor, "size")),
		.media_type = mem_strdup(text_of(descriptor, "mediaType")),
		.artifact_type = mem_strdup(artifact_type_of(descriptor)),
		.json = text_of_json(descriptor),
	};
	return true;
}

/* ---- Reading ---- */

static bool index_load(const char *bytes, size_t len, json_t **ret_root, struct err **err)
{
	json_error_t reason;
	CLEANUP(json_freep) json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &reason);
	if (!root)
		return err_set(err, ERR_INVALID, "no JSON: line %d: %s", reason.line, reason.text);
	const json_t *type = json_object_get(root, "mediaType");
	const json_t *list = json_object_get(root, "manifests");
	/* Go writes null for an empty list. */
	if (!list || (!json_is_array(list) && !json_is_null(list)) ||
		(type && strcmp(text_of(root, "mediaType"), MEDIA_TYPE_OCI_INDEX) != 0))
		return err_set(err, ERR_INVALID, "no OCI image index");
	*ret_root = steal_ptr(&root);
	return true;
}

bool referrers_set_read(struct referrers_set *set, const char *bytes, size_t len,
	const char *artifact_type, struct err **err)
{
	CLEANUP(json_freep) json_t *root = NULL;
	size_t i;
	const json_t *descriptor;
	if (!index_load(bytes, len, &root, err))
		return false;
	json_array_foreach(json_object_get(root, "manifests"), i, descriptor)
	{
		const char *type = artifact_type_of(descriptor);
		if (artifact_type && *type && strcmp(type, artifact_type) != 0)
			continue;
		if (!set_add(set, descriptor, err))
			return false;
	}
	return true;
}

/* ---- The descriptor of a document ---- */

static json_t *describe(const json_t *root, const struct document *document)
{
	char digest[DIGEST_TEXT_SIZE];
	const char *type = text_of(root, "artifactType"), *media_type = document->media_type;
	if (!*type)
		type = text_of(json_object_get(root, "config"), "mediaType");
	if (!*media_type)
		media_type = text_of(root, "mediaType");
	json_t *descriptor = json_pack("{s:s,s:s,s:I}", "mediaType", media_type, "digest",
		digest_format(&document->digest, digest), "size", (json_int_t)document->len);
	if (descriptor && *type)
		json_object_set_new(descriptor, "artifactType", json_string(type));
	json_t *annotations = json_object_get(root, "annotations");
	if (descriptor && json_is_object(annotations))
		json_object_set(descriptor, "annotations", annotations);
	return descriptor;
}

bool referrers_set_add_document(struct referrers_set *set, const struct document *document,
	const struct digest *subject, struct err **err)
{
	struct digest named;
	CLEANUP(json_freep)
	json_t *root = json_loadb(document->bytes, document->len, JSON_REJECT_DUPLICATES, NULL);
	const char *text = text_of(json_object_get(root, "subject"), "digest");
	if (!digest_parse(text, &named, NULL) || !digest_equal(&named, subject))
		return err_set(err, ERR_INVALID, "the manifest does not name its subject");
	CLEANUP(json_freep) json_t *descriptor = describe(root, document);
	if (!descriptor)
		return err_set(err, ERR_INVALID, "the manifest has a media type that is no text");
	return set_add(set, descriptor, err);
}

/* ---- Extending ---- */

/* Descriptors of the set that are not in `there`, with commas between. */
static size_t list_missing(
	const struct referrers_set *set, const struct referrers_set *there, struct str *out)
{
	size_t added = 0;
	for (size_t i = 0; i < set->list.items.len; i++) {
		const struct referrer *referrer = &set->list.items.items[i];
		if (!referrers_set_has(there, &referrer->digest))
			str_addf(out, "%s%s", added++ ? "," : "", referrer->json);
	}
	return added;
}

static bool insert(
	const char *current, const struct str *missing, struct str *out, struct err **err)
{
	const char *list = json_text_member(current, "manifests");
	if (!list)
		return err_set(err, ERR_UNSUPPORTED,
			"the index writes \"manifests\" with escapes: it is left alone");
	if (*list != '[') {
		str_add(out, current, (size_t)(list - current));
		str_addf(out, "[%s]", str_text(missing));
		str_add_text(out, list + strlen("null"));
		return true;
	}
	const char *end = json_text_end(list) - 1;
	bool is_empty = list + 1 + strspn(list + 1, " \t\r\n") == end;
	str_add(out, current, (size_t)(end - current));
	str_addf(out, "%s%s", is_empty ? "" : ",", str_text(missing));
	str_add_text(out, end);
	return true;
}

bool referrers_index_extend(const struct referrers_set *set, const char *current,
	size_t current_len, struct str *out, size_t *ret_added, struct err **err)
{
	CLEANUP(referrers_set_release) struct referrers_set there = {0};
	CLEANUP(str_release) struct str missing = STR_INIT(REFERRERS_INDEX_MAX);
	if (current_len > 0 && !referrers_set_read(&there, current, current_len, NULL, err))
		return false;
	size_t added = list_missing(set, &there, &missing);
	if (added > 0 && current_len == 0)
		str_addf(out,
			"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX
			"\",\"manifests\":[%s]}",
			str_text(&missing));
	else if (added > 0 && !insert(current, &missing, out, err))
		return false;
	if (str_overflowed(out) || str_overflowed(&missing))
		return err_set(err, ERR_TOO_LARGE,
			"the index of referrers would be larger than registries take (4 MiB)");
	*ret_added = added;
	return true;
}
