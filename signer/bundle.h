/*
 * Signatures with everything that is needed to verify them: Sigstore bundles v0.1 to v0.3
 * (protobuf-specs sigstore_bundle.proto in protobuf's JSON), and the older form of cosign, which
 * keeps the same things in annotations of a layer. Both are read into one structure.
 *
 * Reading checks form and bounds, never trust; nothing here is worth anything before verify.h has
 * said so. Unknown fields, duplicate keys and root certificates are refused. One owner; once read, any
 * thread may read it.
 */
#ifndef CIP_SIGNER_BUNDLE_H
#define CIP_SIGNER_BUNDLE_H

#include "base/err.h"
#include "base/vec.h"
#include "signer/certificate.h"
#include "signer/dsse.h"
#include "signer/log_entry.h"

#define BUNDLE_MAX_SIZE ((size_t)96 << 20)
#define BUNDLE_MAX_ENTRIES 32
#define BUNDLE_MAX_TIMESTAMPS 32

enum bundle_form {
	BUNDLE_0_1,    /* every log entry has a promise */
	BUNDLE_0_2,    /* every log entry has an inclusion proof */
	BUNDLE_0_3,    /* the same, and a certificate without its chain */
	BUNDLE_LEGACY, /* cosign's annotations: promises only */
};

struct bundle {
	enum bundle_form form;
	struct certificate *certificate; /* NULL: signed with a key that the verifier must have */
	char *chain; /* one that we made: PEM of the issuers as Fulcio sent it; NULL: none. Never read */
	VEC(struct log_entry) entries;
	VEC(struct bytes) timestamps; /* RFC 3161 answers in DER */

	/* A signature over an artifact, or an envelope. */
	bool is_envelope;
	struct dsse_envelope envelope;
	struct bytes envelope_text; /* legacy: as stored. The log and timestamps are about it */
	struct bytes signature;	    /* of the artifact */
	struct bytes stated_digest; /* what the bundle says is the artifact's; empty: nothing */
	enum hash stated_hash;
};

/* The JSON of a bundle. ERR_INVALID, ERR_TOO_LARGE, ERR_UNSUPPORTED (version, key). */
bool bundle_parse(const char *text, size_t len, struct bundle **ret_bundle, struct err **err);

/* A layer of cosign's .sig and .att images. Texts are annotations, NULL if not there. */
struct legacy_layer {
	const void *blob; /* of a .sig: what is signed; of an .att: the envelope */
	size_t len;
	bool is_envelope;
	const char *signature;	 /* dev.cosignproject.cosign/signature; not of an envelope */
	const char *log_entry;	 /* dev.sigstore.cosign/bundle */
	const char *certificate; /* dev.sigstore.cosign/certificate */
	const char *timestamp;	 /* dev.sigstore.cosign/rfc3161timestamp */
};

/* As bundle_parse. The blob is copied if it is an envelope. */
bool bundle_of_legacy(
	const struct legacy_layer *layer, struct bundle **ret_bundle, struct err **err);

void bundle_free(struct bundle *bundle);
DEFINE_CLEANUP(struct bundle, bundle_freep, bundle_free)

/* The signature itself, of whichever content. */
const struct bytes *bundle_signature(const struct bundle *bundle);

#endif
