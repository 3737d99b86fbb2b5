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
#include "signer/legacy_image.h"
#include "signer/payload_forms.h"

#define ATTACHED_MAX 1000 /* layers of one image, referrers with bundles: more are ERR_TOO_LARGE */
#define ATTACHED_BLOB_MAX ((size_t)16 << 20)   /* of one; larger is an item with an error */
#define ATTACHED_TOTAL_MAX ((size_t)128 << 20) /* of all; what is more is too */

enum attached_kind {
	ATTACHED_SIG = 1 << 0,	  /* layers of .sig */
	ATTACHED_ATT = 1 << 1,	  /* layers of .att */
	ATTACHED_BUNDLE = 1 << 2, /* bundles v0.3 as referrers */
	/* In a query: of the referrers, only what the registry's API lists; not the index under the tag. */
	ATTACHED_BUNDLE_LISTED = 1 << 3,
};

/* The statement of a bundle that is a signature, as cosign v3 writes it. */
#define ATTACHED_SIGNATURE_PREDICATE "https://sigstore.dev/cosign/sign/v1"

/* What is wanted. Borrowed; a plain value. */
struct attached_query {
	unsigned kinds;
	/*
	 * NULL: everything. Else what says by its annotations that it is of another predicate type is
	 * not fetched; of signatures that is ATTACHED_SIGNATURE_PREDICATE, and a bundle that signs the
	 * manifest itself is one.
	 */
	const char *predicate_type;
	/*
	 * A payload with exactly this name, without annotations or with these, need not be fetched: its
	 * digest says that it is there. NULL: all are fetched.
	 */
	const char *docker_reference;
	const struct payload_annotation *annotations;
	size_t annotation_count;
	struct payload_forms *forms; /* the same with these; NULL: none */
	/*
	 * What is read may be attached elsewhere: items get their parts, and what could not stand elsewhere as it is
	 * (a descriptor that is wrong about its blob, a referrer of something else) is an item with an error.
	 */
	bool keep_parts;
	/*
	 * Narrower bounds for repositories to which people push whom nobody knows; 0: those above. What
	 * is past them is one item with an error.
	 */
	size_t max_count; /* layers of one image, referrers with bundles */
	size_t max_total; /* bytes of all */
};

/* What an item is made of, as it stands in its registry. */
struct attached_parts {
	struct repository repository;	/* borrowed of the call that read it */
	struct legacy_descriptor layer; /* of .sig and .att */
	struct bytes blob;		/* the layer's; or the bundle */
	struct document manifest;	/* of a bundle */
	struct bytes config;		/* of that manifest */
};

struct attached_item {
	enum attached_kind kind;
	struct bundle *bundle; /* owned; NULL: it cannot be read, `error` says why */
	char *error;	       /* owned; with a bundle: why it has no parts, which were asked for */
	struct bytes payload;  /* of .sig: what is signed */
	struct digest manifest;	      /* that holds it */
	size_t layer;		      /* index in that manifest */
	struct attached_parts *parts; /* owned; NULL unless they were asked for and could be read */
};

struct attached {
	VEC(struct attached_item) items;
	size_t foreign;	 /* layers and referrers that are neither: passed over */
	size_t left_out; /* of another predicate type by their annotations: not fetched */
	unsigned found;	 /* kinds of which there is something, whatever it is worth */
	bool no_api; /* ATTACHED_BUNDLE_LISTED was asked for, and the registry has no API for it */
	VEC(struct digest) others; /* with keep_parts: manifests of referrers that hold no bundle */
};
void attached_release(struct attached *attached);
void attached_item_release(struct attached_item *item);

/* The same thing: this layer with its annotations, or this referrer. Both with parts. */
bool attached_is_same(const struct attached_item *a, const struct attached_item *b);

/*
 * Reads what is attached of the kinds; none is a success. What cannot be fetched or parsed for its own sake is an
 * item with an error; a registry that cannot be read is an error. Adds to *attached, which may hold what
 * an earlier call has read.
 */
bool attached_read(struct registry *registry, const struct repository *repository,
	const struct digest *image, const struct attached_query *query, struct http_tally *tally,
	struct attached *attached, struct err **err);

/* What is to be attached. Borrowed. */
struct attach_item {
	const struct bundle *bundle;
	const void *payload; /* of a signature in the older form; else NULL */
	size_t payload_len;
	const char *predicate_type; /* of an attestation; NULL for a signature */
	/*
	 * Of an item of the same kind that was read elsewhere: it is attached as it stood there, and the
	 * rest is not looked at. Blobs are mounted where they come from the same host. Else NULL.
	 */
	const struct attached_parts *parts;
};

/*
 * Adds layers to the image under .sig or .att (one PUT for all items), creating it if need be. Existing
 * descriptors stay byte for byte, new ones follow in their order; a layer that is there with the same annotations is not added again. After
 * the PUT it reads again: what another writer took away is put back, a bounded number of times
 * (ERR_CONFLICT after that). `is_absent`: the tag was seen not to be there within the last minute (by
 * attached_read, or in a list of tags), so it is read only once, when its blobs are there and the PUT is left. ERR_CONFLICT: something else is under the
 * tag. ERR_TOO_LARGE past ATTACHED_MAX layers.
 */
bool attach_legacy(struct registry *registry, const struct repository *repository,
	const struct digest *image, enum attached_kind kind, bool is_absent,
	const struct attach_item *items, size_t count, struct http_tally *tally, struct err **err);

/*
 * PUTs each as a bundle that refers to the image (described by `subject`, a descriptor's media type and size,
 * which say nothing where all items have parts).
 * The same bundle again makes the same bytes.
 */
bool attach_bundles(struct registry *registry, const struct repository *repository,
	const struct digest *image, const char *subject_media_type, int64_t subject_size,
	const struct attach_item *items, size_t count, struct http_tally *tally, struct err **err);

#endif
