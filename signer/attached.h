/*
 * Signatures and attestations that are attached to an image in its registry: cosign's images under the tags
 * "sha256-<hex>.sig" and ".att", and Sigstore bundles as OCI referrers (sigstore-wire facts 5, 6). Reads
 * them all into bundles; adds to them without losing or doubling anything.
 *
 * Nothing read here is verified; anybody who may push can attach. Any thread; adding to one image is
 * serialised within the process. `registry` is a client of the signing class (registry_for_signing).
 */
#ifndef CIP_SIGNER_ATTACHED_H
#define CIP_SIGNER_ATTACHED_H

#include "registry/registry.h"
#include "signer/bundle.h"

#define ATTACHED_MAX 1000 /* layers of one image, referrers with bundles: more are ERR_TOO_LARGE */

enum attached_kind {
	ATTACHED_SIG = 1 << 0,	  /* layers of .sig */
	ATTACHED_ATT = 1 << 1,	  /* layers of .att */
	ATTACHED_BUNDLE = 1 << 2, /* bundles v0.3 as referrers */
};

struct attached_item {
	enum attached_kind kind;
	struct bundle *bundle;	/* owned; NULL: it cannot be read, `error` says why */
	char *error;		/* owned */
	struct bytes payload;	/* of .sig: what is signed */
	struct digest manifest; /* that holds it */
	size_t layer;		/* index in that manifest */
};

struct attached {
	VEC(struct attached_item) items;
	size_t foreign; /* layers and referrers that are neither: passed over */
};
void attached_release(struct attached *attached);

/*
 * Reads what is attached of the `kinds`; none is a success. What cannot be parsed is an item with an error;
 * a registry that cannot be read is an error.
 */
bool attached_read(struct registry *registry, const struct repository *repository,
	const struct digest *image, unsigned kinds, struct http_tally *tally,
	struct attached *ret_attached, struct err **err);

/* What is to be attached. Borrowed. */
struct attach_item {
	const struct bundle *bundle;
	const void *payload; /* of a signature in the older form; else NULL */
	size_t payload_len;
	const char *predicate_type; /* of an attestation; NULL for a signature */
};

/*
 * Adds layers to the image under .sig or .att (one PUT for all items), creating it if need be. Existing descriptors stay byte for byte. After
 * the PUT it reads again: what another writer took away is put back, a bounded number of times (ERR_CONFLICT after that).
 */
bool attach_legacy(struct registry *registry, const struct repository *repository,
	const struct digest *image, enum attached_kind kind, const struct attach_item *items,
	size_t count, struct http_tally *tally, struct err **err);

/*
 * PUTs each as a bundle that refers to the image (described by `subject`, a descriptor's media type and size).
 */
bool attach_bundles(struct registry *registry, const struct repository *repository,
	const struct digest *image, const char *subject_media_type, int64_t subject_size,
	const struct attach_item *items, size_t count, struct http_tally *tally, struct err **err);

#endif
