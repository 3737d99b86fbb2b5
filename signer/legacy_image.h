/*
 * The images that hold cosign's older signatures and attestations (sigstore-wire facts 5.2 to 5.4): a
 * layer each, whose annotations say the rest. Reads such manifests, and adds layers to them without
 * touching a byte of the layers that are there. Pure, any thread; registries are attached.h's matter.
 */
#ifndef CIP_SIGNER_LEGACY_IMAGE_H
#define CIP_SIGNER_LEGACY_IMAGE_H

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include "image/digest.h"

#define LEGACY_IMAGE_MAX_LAYERS 1000 /* as in cosign */
#define LEGACY_TYPE_PAYLOAD "application/vnd.dev.cosign.simplesigning.v1+json"
#define LEGACY_TYPE_ENVELOPE "application/vnd.dsse.envelope.v1+json"

/* The annotations that we know, in the order in which Go writes them. */
enum legacy_annotation {
	LEGACY_SIGNATURE,
	LEGACY_LOG_ENTRY,
	LEGACY_CERTIFICATE,
	LEGACY_CHAIN,
	LEGACY_TIMESTAMP,
	LEGACY_PREDICATE_TYPE,
};
#define LEGACY_ANNOTATION_COUNT (LEGACY_PREDICATE_TYPE + 1)

struct legacy_descriptor {
	char *json; /* owned; as it stands in a manifest, to be written there again; NULL: a new one */
	char *media_type; /* owned; "" if not said */
	struct digest digest;
	int64_t size;				    /* bytes, never negative */
	char *annotations[LEGACY_ANNOTATION_COUNT]; /* owned; NULL: none, or no text */
};
void legacy_descriptor_release(struct legacy_descriptor *descriptor);

struct legacy_image {
	char *media_type; /* as the document says; "" if it does not. Owned */
	struct digest config;
	VEC(struct legacy_descriptor) layers;
};
void legacy_image_release(struct legacy_image *image);

/*
 * `bytes` end with a NUL. ERR_INVALID: no image manifest (an index, say), or malformed. ERR_TOO_LARGE: more layers than
 * LEGACY_IMAGE_MAX_LAYERS.
 */
bool legacy_image_parse(
	const char *bytes, size_t len, struct legacy_image *ret_image, struct err **err);

/* The same layer, the same annotations included? Unknown ones do not count. */
bool legacy_descriptor_equal(const struct legacy_descriptor *a, const struct legacy_descriptor *b);

void legacy_descriptor_copy(
	const struct legacy_descriptor *descriptor, struct legacy_descriptor *ret_copy);

/* Has it this layer? As in legacy_descriptor_equal. */
bool legacy_image_has(const struct legacy_image *image, const struct legacy_descriptor *layer);

/*
 * Appends the config that belongs to these layers: an empty history item and a diff ID each. What
 * cosign writes byte for byte.
 */
void legacy_image_config(const struct legacy_descriptor *layers, size_t count, struct str *out);

/*
 * `config` with as many history items and diff IDs more as layers are added, all else as it is. False if
 * it has not the form for that, or would be too large; then `out` is empty, as before.
 */
bool legacy_image_extend_config(const char *config, size_t len,
	const struct legacy_descriptor *layers, size_t count, struct str *out);

/*
 * `current`, a manifest that legacy_image_parse has read (or NULL: a new one), with these layers behind its own and
 * the given config. ERR_UNSUPPORTED: written in a way that cannot be extended. ERR_TOO_LARGE: past
 * LEGACY_IMAGE_MAX_LAYERS, or what registries take (4 MiB).
 */
bool legacy_image_extend(const char *current, const struct legacy_descriptor *layers, size_t count,
	const struct str *config, struct str *out, struct err **err);
#define LEGACY_IMAGE_MAX_SIZE ((size_t)4 << 20)

#endif
