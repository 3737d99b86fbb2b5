/*
 * Reads image manifests and indexes by their shape: which blobs and children they reference.
 * Knows the document rules that keep two readers from seeing two images in one digest (one shape,
 * no duplicate keys, one media type). It does not judge configs, platforms or annotations, and
 * never writes a document.
 */
#include "image/manifest.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base/strmap.h"

#define DESCRIPTORS_MAX 10000

#define MEDIA_TYPE_OCI_ARTIFACT "application/vnd.oci.artifact.manifest.v1+json"
#define MEDIA_TYPE_SCHEMA1 "application/vnd.docker.distribution.manifest.v1+json"
#define MEDIA_TYPE_SCHEMA1_SIGNED "application/vnd.docker.distribution.manifest.v1+prettyjws"

/* Schema 1 is asked for so that a registry sends it, and we can say what it is, rather than 404. */
const char *const manifest_accept = MEDIA_TYPE_OCI_INDEX
	", " MEDIA_TYPE_OCI_MANIFEST ", " MEDIA_TYPE_DOCKER_LIST ", " MEDIA_TYPE_DOCKER_MANIFEST
	", " MEDIA_TYPE_OCI_ARTIFACT ", " MEDIA_TYPE_SCHEMA1_SIGNED ", " MEDIA_TYPE_SCHEMA1;

static void json_freep(json_t **value)
{
	json_decref(*value);
}

static bool invalid(struct err **err, const char *what)
{
	return err_set(err, ERR_INVALID, "image manifest: %s", what);
}

/* ---- Media types ---- */

static bool type_is_nondistributable(const char *media_type)
{
	static const char oci[] = "application/vnd.oci.image.layer.nondistributable.v1.tar";
	return strncmp(media_type, oci, sizeof(oci) - 1) == 0 ||
		strcmp(media_type, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip") ==
		0;
}

/* A server that says one of these says nothing about the document. */
static bool type_is_generic(const char *media_type)
{
	static const char *const generic[] = {
		"", "application/json", "application/octet-stream", "text/plain"};
	for (size_t i = 0; i < sizeof(generic) / sizeof(generic[0]); i++)
		if (strcasecmp(media_type, generic[i]) == 0)
			return true;
	return false;
}

static bool type_is_schema1(const char *media_type)
{
	return strcmp(media_type, MEDIA_TYPE_SCHEMA1) == 0 ||
		strcmp(media_type, MEDIA_TYPE_SCHEMA1_SIGNED) == 0;
}

static bool type_fits_shape(const char *media_type, enum manifest_shape shape)
{
	if (strcmp(media_type, MEDIA_TYPE_OCI_INDEX) == 0 ||
		strcmp(media_type, MEDIA_TYPE_DOCKER_LIST) == 0)
		return shape == MANIFEST_INDEX;
	if (strcmp(media_type, MEDIA_TYPE_OCI_MANIFEST) == 0 ||
		strcmp(media_type, MEDIA_TYPE_OCI_ARTIFACT) == 0 ||
		strcmp(media_type, MEDIA_TYPE_DOCKER_MANIFEST) == 0)
		return shape == MANIFEST_IMAGE;
	return true;
}

/* "application/json; charset=utf-8" without its parameters and spaces, in fresh memory. */
static char *type_without_parameters(const char *content_type)
{
	const char *start = content_type ? content_type : "";
	start += strspn(start, " \t");
	size_t len = strcspn(start, ";");
	while (len > 0 && strchr(" \t", start[len - 1]))
		len--;
	return mem_strndup(start, len);
}

/* ---- Descriptors ---- */

static void descriptors_release(struct descriptor *items, size_t len)
{
	for (size_t i = 0; i < len; i++)
		mem_free(items[i].media_type);
}

struct reader {
	struct manifest *manifest;
	struct strmap seen; /* digest text (borrowed from the JSON tree) -> position + 1 */
	size_t count;
};

static bool descriptor_read(const json_t *value, struct descriptor *ret, struct err **err)
{
	const json_t *digest = json_object_get(value, "digest");
	const json_t *size = json_object_get(value, "size");
	const json_t *type = json_object_get(value, "mediaType");
	if (!json_is_object(value) || !json_is_string(digest))
		return invalid(err, "a descriptor without a digest");
	if (!digest_parse(json_string_value(digest), &ret->digest, err))
		return err_prefix(err, "image manifest");
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return invalid(err, "a descriptor without a size");
	if (type && !json_is_string(type))
		return invalid(err, "a descriptor whose mediaType is no string");
	ret->size = json_integer_value(size);
	ret->nondistributable = type && type_is_nondistributable(json_string_value(type));
	return true;
}

/* One digest has one size; it is left out only if every mention of it may be. */
static bool descriptor_merge(
	struct descriptor *known, const struct descriptor *again, struct err **err)
{
	if (known->size != again->size)
		return invalid(err, "one digest with two sizes");
	known->nondistributable = known->nondistributable && again->nondistributable;
	return true;
}

static bool read_descriptor(
	struct reader *reader, const json_t *value, bool child, struct err **err)
{
	struct manifest *manifest = reader->manifest;
	struct descriptor read = {0};
	if (++reader->count > DESCRIPTORS_MAX)
		return err_set(err, ERR_TOO_LARGE, "image manifest: more than %d descriptors",
			DESCRIPTORS_MAX);
	if (!descriptor_read(value, &read, err))
		return false;

	const char *key = json_string_value(json_object_get(value, "digest"));
	void **position = strmap_put(&reader->seen, key);
	if (*position) {
		size_t index = (uintptr_t)*position - 1;
		return descriptor_merge(
			child ? &manifest->children.items[index] : &manifest->blobs.items[index],
			&read, err);
	}
	const char *type = json_string_value(json_object_get(value, "mediaType"));
	read.media_type = mem_strdup(type ? type : "");
	if (child)
		*vec_push(&manifest->children) = read;
	else
		*vec_push(&manifest->blobs) = read;
	*position = (void *)(uintptr_t)(child ? manifest->children.len : manifest->blobs.len);
	return true;
}

/* null counts as absent: Go writes it for an empty list. */
static bool read_list(
	struct reader *reader, const json_t *root, const char *name, bool child, struct err **err)
{
	const json_t *list = json_object_get(root, name);
	size_t i;
	const json_t *value;
	if (!list || json_is_null(list))
		return true;
	if (!json_is_array(list))
		return err_set(err, ERR_INVALID, "image manifest: '%s' is no list", name);
	json_array_foreach(list, i, value)
	{
		if (!read_descriptor(reader, value, child, err))
			return false;
	}
	return true;
}

/* ---- The document ---- */

static bool read_shape(const json_t *root, const char *media_type, enum manifest_shape *ret_shape,
	struct err **err)
{
	bool index = json_object_get(root, "manifests") != NULL;
	bool image = json_object_get(root, "config") || json_object_get(root, "layers") ||
		json_object_get(root, "blobs");
	if (index && image)
		return invalid(err, "both an index (manifests) and an image (config, layers)");
	if (!index && !image && strcmp(media_type, MEDIA_TYPE_OCI_ARTIFACT) != 0)
		return invalid(err, "neither an index (manifests) nor an image (config, layers)");
	*ret_shape = index ? MANIFEST_INDEX : MANIFEST_IMAGE;
	return true;
}

static bool check_schema1(const json_t *root, const char *media_type, struct err **err)
{
	const json_t *version = json_object_get(root, "schemaVersion");
	if (!type_is_schema1(media_type) &&
		!(json_is_integer(version) && json_integer_value(version) == 1))
		return true;
	return err_set(err, ERR_UNSUPPORTED,
		"image manifest: Docker schema 1, which registries no longer accept; push the "
		"image "
		"again with a current client and declare the new digest");
}

/* The one media type of the document, in fresh memory; "" if nobody says. */
static bool read_type(
	const json_t *root, const char *content_type, char **ret_type, struct err **err)
{
	const json_t *own = json_object_get(root, "mediaType");
	CLEANUP(mem_freep) char *said = type_without_parameters(content_type);
	if (own && !json_is_string(own))
		return invalid(err, "mediaType is no string");
	if (own && *json_string_value(own)) {
		if (!type_is_generic(said) && strcasecmp(said, json_string_value(own)) != 0)
			return err_set(err, ERR_INVALID,
				"image manifest: the server calls it '%.100s', it calls itself "
				"'%.100s'",
				said, json_string_value(own));
		*ret_type = mem_strdup(json_string_value(own));
		return true;
	}
	*ret_type = mem_strdup(type_is_generic(said) ? "" : said);
	return true;
}

static bool read_head(
	const json_t *root, const char *content_type, struct manifest *manifest, struct err **err)
{
	if (!json_is_object(root))
		return invalid(err, "no JSON object");
	if (!read_type(root, content_type, &manifest->media_type, err) ||
		!check_schema1(root, manifest->media_type, err) ||
		!read_shape(root, manifest->media_type, &manifest->shape, err))
		return false;
	if (!type_fits_shape(manifest->media_type, manifest->shape))
		return err_set(err, ERR_INVALID, "image manifest: '%s' does not fit its content",
			manifest->media_type);
	if (!*manifest->media_type) {
		mem_free(manifest->media_type);
		manifest->media_type =
			mem_strdup(manifest->shape == MANIFEST_INDEX ? MEDIA_TYPE_OCI_INDEX
								     : MEDIA_TYPE_OCI_MANIFEST);
	}
	return true;
}

static bool read_body(struct reader *reader, const json_t *root, struct err **err)
{
	const json_t *config = json_object_get(root, "config");
	if (reader->manifest->shape == MANIFEST_INDEX)
		return read_list(reader, root, "manifests", true, err);
	if (config && !json_is_null(config) && !read_descriptor(reader, config, false, err))
		return false;
	return read_list(reader, root, "layers", false, err) &&
		read_list(reader, root, "blobs", false, err);
}

bool manifest_parse(const char *bytes, size_t len, const char *content_type,
	struct manifest *ret_manifest, struct err **err)
{
	json_error_t reason;
	CLEANUP(json_freep) json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &reason);
	if (!root)
		return err_set(err, ERR_INVALID, "image manifest: no JSON: line %d: %s",
			reason.line, reason.text);

	CLEANUP(manifest_release) struct manifest manifest = {0};
	struct reader reader = {.manifest = &manifest};
	bool ok = read_head(root, content_type, &manifest, err) && read_body(&reader, root, err);
	strmap_release(&reader.seen);
	if (!ok)
		return false;
	*ret_manifest = manifest;
	manifest = (struct manifest){0};
	return true;
}

void manifest_release(struct manifest *manifest)
{
	descriptors_release(manifest->blobs.items, manifest->blobs.len);
	descriptors_release(manifest->children.items, manifest->children.len);
	vec_release(&manifest->blobs);
	vec_release(&manifest->children);
	mem_free(manifest->media_type);
	*manifest = (struct manifest){0};
}
