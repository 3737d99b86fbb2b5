/*
 * The payload is written by hand, because its bytes are what is signed; read with jansson, where
 * only what it says counts. Who signed it is not known here.
 */
#include "signer/payload.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/go_json.h"
#include "signer/json_private.h"

#define PAYLOAD_TYPE "cosign container image signature"

/* ---- Writing ---- */

static int compare_keys(const void *a, const void *b)
{
	const struct payload_annotation *const *left = a, *const *right = b;

	return strcmp((*left)->key, (*right)->key);
}

static void add_annotations(
	struct str *out, const struct payload_annotation *annotations, size_t count)
{
	const struct payload_annotation **sorted =
		mem_new(count, sizeof(struct payload_annotation *));

	for (size_t i = 0; i < count; i++)
		sorted[i] = &annotations[i];
	qsort(sorted, count, sizeof(struct payload_annotation *), compare_keys);
	for (size_t i = 0; i < count; i++) {
		str_add_char(out, i ? ',' : '{');
		go_json_add_text(out, sorted[i]->key);
		str_add_char(out, ':');
		go_json_add_text(out, sorted[i]->value);
	}
	str_add_char(out, '}');
	mem_free(sorted);
}

void payload_write_begin(const char *docker_reference, const struct digest *digest, struct str *out)
{
	char text[DIGEST_TEXT_SIZE];

	str_add_text(out, "{\"critical\":{\"identity\":{\"docker-reference\":");
	go_json_add_text(out, docker_reference);
	str_addf(out,
		"},\"image\":{\"docker-manifest-digest\":\"%s\"},\"type\":\"" PAYLOAD_TYPE
		"\"},\"optional\":",
		digest_format(digest, text));
}

void payload_write(const char *docker_reference, const struct digest *digest,
	const struct payload_annotation *annotations, size_t count, struct str *out)
{
	payload_write_begin(docker_reference, digest, out);
	if (count > 0)
		add_annotations(out, annotations, count);
	else
		str_add_text(out, "null");
	str_add_char(out, '}');
}

/* ---- Reading ---- */

void payload_release(struct payload *payload)
{
	mem_free(payload->docker_reference);
	*payload = (struct payload){0};
}

static bool document_read(json_t *document, struct payload *payload, struct err **err)
{
	const char *reference, *digest, *type;

	if (json_unpack(document, "{s:{s:{s:s},s:{s:s},s:s}}", "critical", "identity",
		    "docker-reference", &reference, "image", "docker-manifest-digest", &digest,
		    "type", &type) != 0)
		return err_set(err, ERR_INVALID,
			"no docker-reference, docker-manifest-digest and type under critical");
	if (strcmp(type, PAYLOAD_TYPE) != 0)
		return err_set(
			err, ERR_INVALID, "its type is '%.80s', not '" PAYLOAD_TYPE "'", type);
	if (!digest_parse(digest, &payload->digest, err))
		return err_prefix(err, "docker-manifest-digest");
	payload->docker_reference = mem_strdup(reference);
	return true;
}

bool payload_parse(const void *bytes, size_t len, struct payload *ret_payload, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;
	struct payload payload = {0};

	if (!json_load_object(bytes, len, PAYLOAD_MAX_SIZE, &document, err) ||
		!document_read(document, &payload, err))
		return err_prefix(err, "payload");
	*ret_payload = payload;
	return true;
}
