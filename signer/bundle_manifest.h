/*
 * The manifests that make bundles referrers of an image (sigstore-wire facts 6.2), as cosign writes them.
 * Pure, any thread; registries are attached.h's matter.
 */
#ifndef CIP_SIGNER_BUNDLE_MANIFEST_H
#define CIP_SIGNER_BUNDLE_MANIFEST_H

#include "base/str.h"
#include "image/digest.h"
#include "signer/bundle.h"

#define BUNDLE_MANIFEST_MAX_SIZE ((size_t)1 << 20)
/* What the media types of bundles of all versions begin with. */
#define BUNDLE_MEDIA_TYPE "application/vnd.dev.sigstore.bundle"
/* The config of such a manifest; its blob. */
#define BUNDLE_MANIFEST_CONFIG "{}"

/* What is referred to. Borrowed. */
struct bundle_subject {
	const struct digest *digest;
	const char *media_type;
	int64_t size; /* bytes */
};

/*
 * Appends the manifest of a bundle whose blob is `blob`. `predicate_type` is that of its statement. The
 * time in it is the certificate's, so that the same bundle makes the same bytes.
 */
void bundle_manifest_write(const struct bundle *bundle, const struct str *blob,
	const char *predicate_type, const struct bundle_subject *subject, struct str *out);

/* What annotations say of a bundle: of a manifest, or of a descriptor that has copied them. */
struct bundle_labels {
	bool is_message;      /* it signs the subject itself */
	char *predicate_type; /* owned; NULL: not said */
};
void bundle_labels_release(struct bundle_labels *labels);

/* Of a JSON object with `annotations`; malformed ones say nothing. */
void bundle_labels_read(const char *json, size_t len, struct bundle_labels *ret_labels);

/*
 * Where the bundle is that a manifest holds. *ret_found false: it holds something else. ERR_INVALID,
 * ERR_TOO_LARGE for what is no manifest.
 */
bool bundle_manifest_parse(const char *bytes, size_t len, bool *ret_found,
	struct digest *ret_digest, int64_t *ret_size, struct err **err);

/* The config of a manifest that bundle_manifest_parse has read. ERR_INVALID without one. */
bool bundle_manifest_config(const char *bytes, size_t len, struct digest *ret_digest,
	int64_t *ret_size, struct err **err);

#endif
