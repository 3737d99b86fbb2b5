/*
 * The referrers API. `--referrers=yes` lists, in pages if there is a page size, and leaves
 * filtering to the client; `filter` does it; `lie` only says OCI-Subject, as ECR once did, and
 * knows no such path.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "tests/fakes/registry/fake.h"
#include "tests/fakes/registry/store.h"

static void json_freep(json_t **value)
{
	json_decref(*value);
}

static const char *text_at(const json_t *object, const char *member, const char *inner)
{
	const char *text =
		json_string_value(inner ? json_object_get(json_object_get(object, member), inner)
					: json_object_get(object, member));
	return text ? text : "";
}

char *subject_of(const char *bytes, size_t len)
{
	CLEANUP(json_freep) json_t *root = json_loadb(bytes ? bytes : "", len, 0, NULL);
	return mem_strdup(text_at(root, "subject", "digest"));
}

/* The descriptor of a manifest that refers to `subject` with the type; NULL if it is none. */
static json_t *referrer(const struct content *content, const char *subject, const char *type)
{
	CLEANUP(json_freep) json_t *root = json_loadb(content->bytes, content->len, 0, NULL);
	if (strcmp(text_at(root, "subject", "digest"), subject) != 0)
		return NULL;
	const char *actual = text_at(root, "artifactType", NULL);
	if (!*actual)
		actual = text_at(root, "config", "mediaType");
	if (type && strcmp(type, actual) != 0)
		return NULL;
	json_t *descriptor = json_pack("{s:s,s:s,s:I,s:s}", "mediaType", content->media_type,
		"digest", content->text, "size", (json_int_t)content->len, "artifactType", actual);
	json_t *annotations = json_object_get(root, "annotations");
	if (annotations)
		json_object_set(descriptor, "annotations", annotations);
	return descriptor;
}

static json_t *referrers_of(const char *repository, const char *subject, const char *type)
{
	struct listed listed;
	json_t *list = json_array();
	store_list(repository, &listed);
	for (size_t i = 0; i < listed.manifests.len; i++) {
		json_t *descriptor = referrer(listed.manifests.items[i], subject, type);
		if (descriptor)
			json_array_append_new(list, descriptor);
	}
	listed_release(&listed);
	return list;
}

/* The page that `last` (a number here, to others an opaque word) asks for. */
static json_t *page_of(const struct fake_request *request, const char *repository,
	const char *subject, const json_t *all, struct fake_response *response)
{
	CLEANUP(mem_freep) char *last = query_value(request->query, "last");
	json_t *page = json_array();
	uint64_t first = 0;
	if (last)
		number_parse(last, UINT32_MAX, &first);
	size_t count = json_array_size(all);
	size_t end = fake_options.page_size ? first + fake_options.page_size : count;
	for (size_t i = first; i < end && i < count; i++)
		json_array_append(page, json_array_get(all, i));
	if (end < count)
		str_addf(&response->headers, "Link: </v2/%s/referrers/%s?last=%zu>; rel=next\r\n",
			repository, subject, end);
	return page;
}

void handle_referrers(const struct fake_request *request, const char *repository,
	const char *subject, struct fake_response *response)
{
	struct digest digest;
	CLEANUP(mem_freep) char *type = query_value(request->query, "artifactType");
	bool filters = strcmp(fake_options.referrers, "filter") == 0;
	if (strcmp(fake_options.referrers, "lie") == 0) {
		respond_not_found(response);
		return;
	}
	if (!digest_parse(subject, &digest, NULL)) {
		respond_error(response, 400, "DIGEST_INVALID", "malformed digest");
		return;
	}
	CLEANUP(json_freep) json_t *all = referrers_of(repository, subject, filters ? type : NULL);
	json_t *page = page_of(request, repository, subject, all, response);
	CLEANUP(json_freep)
	json_t *index = json_pack("{s:i,s:s,s:o}", "schemaVersion", 2, "mediaType",
		"application/vnd.oci.image.index.v1+json", "manifests", page);
	CLEANUP(mem_freep) char *text = json_dumps(index, JSON_COMPACT);
	response->status = 200;
	str_add_text(
		&response->headers, "Content-Type: application/vnd.oci.image.index.v1+json\r\n");
	if (filters && type)
		str_add_text(&response->headers, "OCI-Filters-Applied: artifactType\r\n");
	str_add_text(&response->text, text);
}
