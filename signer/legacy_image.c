/*
 * Manifests and configs of .sig and .att images as text. Read with jansson; extended by inserting
 * text, so that what other tools wrote keeps its bytes and order. Whether anything in them is a
 * valid signature is not known here.
 */
#include "signer/legacy_image.h"

#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "image/manifest.h"
#include "registry/json_text.h"
#include "signer/go_json.h"
#include "signer/json_private.h"

#define TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define EMPTY_HISTORY "{\"created\":\"0001-01-01T00:00:00Z\"}"

static const char *const annotation_names[LEGACY_ANNOTATION_COUNT] = {
	[LEGACY_SIGNATURE] = "dev.cosignproject.cosign/signature",
	[LEGACY_LOG_ENTRY] = "dev.sigstore.cosign/bundle",
	[LEGACY_CERTIFICATE] = "dev.sigstore.cosign/certificate",
	[LEGACY_CHAIN] = "dev.sigstore.cosign/chain",
	[LEGACY_TIMESTAMP] = "dev.sigstore.cosign/rfc3161timestamp",
	[LEGACY_PREDICATE_TYPE] = "predicateType",
};

/* ---- Reading ---- */

void legacy_descriptor_release(struct legacy_descriptor *descriptor)
{
	mem_free(descriptor->json);
	mem_free(descriptor->media_type);
	for (size_t i = 0; i < LEGACY_ANNOTATION_COUNT; i++)
		mem_free(descriptor->annotations[i]);
	*descriptor = (struct legacy_descriptor){0};
}

void legacy_image_release(struct legacy_image *image)
{
	for (size_t i = 0; i < image->layers.len; i++)
		legacy_descriptor_release(&image->layers.items[i]);
	vec_release(&image->layers);
	mem_free(image->media_type);
	*image = (struct legacy_image){0};
}

static bool invalid(struct err **err, const char *what)
{
	return err_set(err, ERR_INVALID, "%s", what);
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static bool layer_read(const json_t *value, struct legacy_descriptor *layer, struct err **err)
{
	const json_t *size = json_object_get(value, "size");
	const json_t *annotations = json_object_get(value, "annotations");

	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return invalid(err, "a layer without a size");
	if (!digest_parse(text_of(value, "digest"), &layer->digest, err))
		return err_prefix(err, "a layer");
	layer->size = json_integer_value(size);
	layer->media_type = mem_strdup(text_of(value, "mediaType"));
	for (size_t i = 0; i < LEGACY_ANNOTATION_COUNT; i++) {
		const char *text =
			json_string_value(json_object_get(annotations, annotation_names[i]));
		layer->annotations[i] = text ? mem_strdup(text) : NULL;
	}
	return true;
}

static bool document_read(const json_t *document, struct legacy_image *image, struct err **err)
{
	const json_t *config = json_object_get(document, "config");
	const json_t *layers = json_object_get(document, "layers");
	const json_t *value;
	size_t i;

	if (json_object_get(document, "manifests"))
		return invalid(err, "an image index");
	if (!json_is_object(config) || !json_is_array(layers))
		return invalid(err, "no image manifest");
	if (json_array_size(layers) > LEGACY_IMAGE_MAX_LAYERS)
		return err_set(err, ERR_TOO_LARGE, "more than %d layers", LEGACY_IMAGE_MAX_LAYERS);
	image->media_type = mem_strdup(text_of(document, "mediaType"));
	if (!digest_parse(text_of(config, "digest"), &image->config, err))
		return err_prefix(err, "its config");
	json_array_foreach(layers, i, value)
	{
		if (!layer_read(value, vec_push(&image->layers), err))
			return false;
	}
	return true;
}

/* The text of each layer. */
static void keep_json(const char *manifest, struct legacy_image *image)
{
	const char *at = json_text_member(manifest, "layers");

	for (size_t i = 0; at && i < image->layers.len; i++) {
		at += 1 + strspn(at + 1, " \t\r\n");
		const char *end = json_text_end(at);
		image->layers.items[i].json = mem_strndup(at, (size_t)(end - at));
		at = end + strspn(end, " \t\r\n");
	}
}

bool legacy_image_parse(
	const char *bytes, size_t len, struct legacy_image *ret_image, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;
	CLEANUP(legacy_image_release) struct legacy_image image = {0};

	if (!json_load_object(bytes, len, MANIFEST_MAX_SIZE, &document, err) ||
		!document_read(document, &image, err))
		return false;
	keep_json(bytes, &image);
	*ret_image = image;
	image = (struct legacy_image){0};
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

bool legacy_descriptor_equal(const struct legacy_descriptor *a, const struct legacy_descriptor *b)
{
	for (size_t i = 0; i < LEGACY_ANNOTATION_COUNT; i++)
		if (!same_text(a->annotations[i], b->annotations[i]))
			return false;
	return digest_equal(&a->digest, &b->digest) && same_text(a->media_type, b->media_type);
}

void legacy_descriptor_copy(
	const struct legacy_descriptor *descriptor, struct legacy_descriptor *ret_copy)
{
	*ret_copy = *descriptor;
	ret_copy->json = descriptor->json ? mem_strdup(descriptor->json) : NULL;
	ret_copy->media_type = mem_strdup(descriptor->media_type);
	for (size_t i = 0; i < LEGACY_ANNOTATION_COUNT; i++) {
		const char *text = descriptor->annotations[i];
		ret_copy->annotations[i] = text ? mem_strdup(text) : NULL;
	}
}

bool legacy_image_has(const struct legacy_image *image, const struct legacy_descriptor *layer)
{
	for (size_t i = 0; i < image->layers.len; i++)
		if (legacy_descriptor_equal(&image->layers.items[i], layer))
			return true;
	return false;
}

/* ---- The config ---- */

static void add_history(struct str *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		str_addf(out, "%s" EMPTY_HISTORY, i ? "," : "");
}

static void add_diff_ids(struct str *out, const struct legacy_descriptor *layers, size_t count)
{
	char text[DIGEST_TEXT_SIZE];

	/* The layers are not compressed. */
	for (size_t i = 0; i < count; i++)
		str_addf(out, "%s\"%s\"", i ? "," : "", digest_format(&layers[i].digest, text));
}

void legacy_image_config(const struct legacy_descriptor *layers, size_t count, struct str *out)
{
	str_add_text(
		out, "{\"architecture\":\"\",\"created\":\"0001-01-01T00:00:00Z\",\"history\":[");
	add_history(out, count);
	str_add_text(out, "],\"os\":\"\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	add_diff_ids(out, layers, count);
	str_add_text(out, "]},\"config\":{}}");
}

/* Copies `text` up to the end of the list at `list`, its bracket excepted; returns that. */
static const char *add_to_list_end(struct str *out, const char *text, const char *list)
{
	const char *end = json_text_end(list) - 1;
	bool is_empty = list + 1 + strspn(list + 1, " \t\r\n") == end;

	str_add(out, text, (size_t)(end - text));
	if (!is_empty)
		str_add_char(out, ',');
	return end;
}

static bool has_lists(const char *config, size_t len)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;

	return json_load_object(config, len, MANIFEST_MAX_SIZE, &document, NULL) &&
		json_is_array(json_object_get(document, "history")) &&
		json_is_array(json_object_get(json_object_get(document, "rootfs"), "diff_ids"));
}

bool legacy_image_extend_config(const char *config, size_t len,
	const struct legacy_descriptor *layers, size_t count, struct str *out)
{
	if (!has_lists(config, len))
		return false;
	const char *history = json_text_member(config, "history");
	const char *rootfs = json_text_member(config, "rootfs");
	const char *ids = rootfs ? json_text_member(rootfs, "diff_ids") : NULL;
	if (!history || !ids)
		return false;
	bool history_first = history < ids;
	const char *at = add_to_list_end(out, config, history_first ? history : ids);
	if (history_first)
		add_history(out, count);
	else
		add_diff_ids(out, layers, count);
	at = add_to_list_end(out, at, history_first ? ids : history);
	if (history_first)
		add_diff_ids(out, layers, count);
	else
		add_history(out, count);
	str_add_text(out, at);
	if (!str_overflowed(out))
		return true;
	str_clear(out);
	return false;
}

/* ---- The manifest ---- */

static void add_layer(struct str *out, const struct legacy_descriptor *layer)
{
	char text[DIGEST_TEXT_SIZE];
	bool any = false;

	if (layer->json) {
		str_add_text(out, layer->json);
		return;
	}
	str_add_text(out, "{\"mediaType\":");
	go_json_add_text(out, layer->media_type);
	str_addf(out, ",\"size\":%lld,\"digest\":\"%s\",\"annotations\":{", (long long)layer->size,
		digest_format(&layer->digest, text));
	for (size_t i = 0; i < LEGACY_ANNOTATION_COUNT; i++) {
		if (!layer->annotations[i])
			continue;
		if (any)
			str_add_char(out, ',');
		any = true;
		go_json_add_text(out, annotation_names[i]);
		str_add_char(out, ':');
		go_json_add_text(out, layer->annotations[i]);
	}
	str_add_text(out, "}}");
}

static void add_layers(struct str *out, const struct legacy_descriptor *layers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			str_add_char(out, ',');
		add_layer(out, &layers[i]);
	}
}

static void add_config(struct str *out, const char *media_type, const struct str *config)
{
	struct digest digest = digest_of(DIGEST_SHA256, str_text(config), config->len);
	char text[DIGEST_TEXT_SIZE];

	str_add_text(out, "{\"mediaType\":");
	go_json_add_text(out, media_type);
	str_addf(
		out, ",\"size\":%zu,\"digest\":\"%s\"}", config->len, digest_format(&digest, text));
}

static void add_new(struct str *out, const struct legacy_descriptor *layers, size_t count,
	const struct str *config)
{
	str_add_text(out,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"config\":");
	add_config(out, TYPE_CONFIG, config);
	str_add_text(out, ",\"layers\":[");
	add_layers(out, layers, count);
	str_add_text(out, "]}");
}

/* Of the config that is there: Docker's manifests have another. Fresh text. */
static char *config_type(const char *manifest)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;

	json_load_object(manifest, strlen(manifest), MANIFEST_MAX_SIZE, &document, NULL);
	const char *type = text_of(json_object_get(document, "config"), "mediaType");
	return mem_strdup(*type ? type : TYPE_CONFIG);
}

static bool add_extended(struct str *out, const char *current,
	const struct legacy_descriptor *layers, size_t count, const struct str *config,
	struct err **err)
{
	const char *old = json_text_member(current, "config");
	const char *list = json_text_member(current, "layers");

	if (!old || !list)
		return err_set(err, ERR_UNSUPPORTED,
			"the manifest writes \"config\" or \"layers\" with escapes: it is left "
			"alone");
	CLEANUP(mem_freep) char *type = config_type(current);
	const char *at = current;
	if (list < old) {
		at = add_to_list_end(out, at, list);
		add_layers(out, layers, count);
	}
	str_add(out, at, (size_t)(old - at));
	add_config(out, type, config);
	at = json_text_end(old);
	if (old < list) {
		at = add_to_list_end(out, at, list);
		add_layers(out, layers, count);
	}
	str_add_text(out, at);
	return true;
}

bool legacy_image_extend(const char *current, const struct legacy_descriptor *layers, size_t count,
	const struct str *config, struct str *out, struct err **err)
{
	CLEANUP(legacy_image_release) struct legacy_image image = {0};

	if (!current)
		add_new(out, layers, count, config);
	else if (!add_extended(out, current, layers, count, config, err))
		return false;
	if (str_overflowed(out))
		return err_set(err, ERR_TOO_LARGE,
			"the manifest would be larger than registries take (4 MiB)");
	/* Nothing that could not be read again. */
	return legacy_image_parse(str_text(out), out->len, &image, err);
}
