/*
 * Manifests of bundles: written by hand in the order of their fields that cosign has, read with
 * jansson. What is in the bundle is not known here.
 */
#include "signer/bundle_manifest.h"

#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "image/manifest.h"
#include "signer/go_json.h"
#include "signer/json_private.h"

#define TYPE BUNDLE_MEDIA_TYPE ".v0.3+json"
#define CONTENT "dev.sigstore.bundle.content"
#define CONTENT_MESSAGE "message-signature"
#define CONTENT_ENVELOPE "dsse-envelope"
#define PREDICATE_TYPE "dev.sigstore.bundle.predicateType"

/* ---- Writing ---- */

static void add_descriptor(
	struct str *out, const char *media_type, const char *bytes, size_t len, const char *rest)
{
	struct digest digest = digest_of(DIGEST_SHA256, bytes, len);
	char text[DIGEST_TEXT_SIZE];

	str_addf(out, "{\"mediaType\":\"%s\",\"size\":%zu,\"digest\":\"%s\"%s}", media_type, len,
		digest_format(&digest, text), rest);
}

static void add_annotations(
	struct str *out, const struct bundle *bundle, const char *predicate_type)
{
	char created[CLOCK_RFC3339_SIZE];

	str_addf(out, "{\"" CONTENT "\":\"%s\",",
		bundle->is_envelope ? CONTENT_ENVELOPE : CONTENT_MESSAGE);
	if (bundle->is_envelope) {
		str_add_text(out, "\"" PREDICATE_TYPE "\":");
		go_json_add_text(out, predicate_type);
		str_add_char(out, ',');
	}
	clock_format_rfc3339(certificate_not_before(bundle->certificate) * 1000, created);
	/* Without fractions of a second, as Go writes them. */
	str_addf(out, "\"org.opencontainers.image.created\":\"%.*sZ\"}", (int)strcspn(created, "."),
		created);
}

void bundle_manifest_write(const struct bundle *bundle, const struct str *blob,
	const char *predicate_type, const struct bundle_subject *subject, struct str *out)
{
	char text[DIGEST_TEXT_SIZE];

	str_add_text(out,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"config\":");
	add_descriptor(out, "application/vnd.oci.empty.v1+json", BUNDLE_MANIFEST_CONFIG,
		strlen(BUNDLE_MANIFEST_CONFIG), ",\"artifactType\":\"" TYPE "\"");
	str_add_text(out, ",\"layers\":[");
	add_descriptor(out, TYPE, str_text(blob), blob->len, "");
	str_add_text(out, "],\"annotations\":");
	add_annotations(out, bundle, predicate_type);
	str_add_text(out, ",\"subject\":{\"mediaType\":");
	go_json_add_text(out, subject->media_type);
	str_addf(out, ",\"size\":%lld,\"digest\":\"%s\"},\"artifactType\":\"" TYPE "\"}",
		(long long)subject->size, digest_format(subject->digest, text));
}

/* ---- Reading ---- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

void bundle_labels_release(struct bundle_labels *labels)
{
	mem_free(labels->predicate_type);
	*labels = (struct bundle_labels){0};
}

void bundle_labels_read(const char *json, size_t len, struct bundle_labels *ret_labels)
{
	CLEANUP(json_tree_freep) json_t *object = NULL;

	*ret_labels = (struct bundle_labels){0};
	if (!json_load_object(json, len, BUNDLE_MANIFEST_MAX_SIZE, &object, NULL))
		return;
	const json_t *annotations = json_object_get(object, "annotations");
	const char *type = text_of(annotations, PREDICATE_TYPE);
	ret_labels->is_message = strcmp(text_of(annotations, CONTENT), CONTENT_MESSAGE) == 0;
	ret_labels->predicate_type = *type ? mem_strdup(type) : NULL;
}

bool bundle_manifest_parse(const char *bytes, size_t len, bool *ret_found,
	struct digest *ret_digest, int64_t *ret_size, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *manifest = NULL;

	if (!json_load_object(bytes, len, BUNDLE_MANIFEST_MAX_SIZE, &manifest, err))
		return false;
	const json_t *layers = json_object_get(manifest, "layers");
	const json_t *layer = json_array_get(layers, 0);
	const json_t *size = json_object_get(layer, "size");
	if (json_array_size(layers) != 1 ||
		strncmp(text_of(layer, "mediaType"), BUNDLE_MEDIA_TYPE,
			strlen(BUNDLE_MEDIA_TYPE)) != 0) {
		*ret_found = false;
		return true;
	}
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_set(err, ERR_INVALID, "a layer without a size");
	if (!digest_parse(text_of(layer, "digest"), ret_digest, err))
		return false;
	*ret_size = json_integer_value(size);
	*ret_found = true;
	return true;
}

bool bundle_manifest_config(const char *bytes, size_t len, struct digest *ret_digest,
	int64_t *ret_size, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *manifest = NULL;

	if (!json_load_object(bytes, len, BUNDLE_MANIFEST_MAX_SIZE, &manifest, err))
		return false;
	const json_t *config = json_object_get(manifest, "config");
	const json_t *size = json_object_get(config, "size");
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_set(err, ERR_INVALID, "a config without a size");
	*ret_size = json_integer_value(size);
	return digest_parse(text_of(config, "digest"), ret_digest, err);
}
