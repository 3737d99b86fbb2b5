/*
 * Is this image signed, or attested, by somebody whom the policy accepts? Over attached.h and verify.h: what
 * counts as a signature, what as an attestation (trust rules 7, 8).
 *
 * A signature is a payload of cosign's type or a statement "https://sigstore.dev/cosign/sign/v1" or a bundle that signs the
 * manifest's digest directly, that names this digest and, where the form says one, the docker-reference. An attestation is a
 * statement of the wanted predicate type about this digest. Everything else counts for neither.
 */
#ifndef CIP_SIGNER_IMAGE_VERIFY_H
#define CIP_SIGNER_IMAGE_VERIFY_H

#include "signer/attached.h"
#include "signer/verify.h"

struct image_policy {
	const struct trust_root *root;
	const struct policy *policy;
	const char *docker_reference; /* that a payload must name; NULL: any */
	const char *
		predicate_type; /* NULL: a signature is asked for; else an attestation of this type */
	bool any_statement;	/* with NULL: an attestation of any type counts as well */
};

/* Of one attached item. */
struct image_verdict {
	const struct attached_item *item;
	bool counts;			  /* verified, and of the sort that was asked for */
	struct verify_result result;	  /* refers to the item */
	char *docker_reference;		  /* owned; of a payload */
	struct bytes predicate_statement; /* owned; the verified statement of an attestation */
	char *why_not;			  /* owned, unless it counts */
};
struct image_verdicts {
	VEC(struct image_verdict) items;
	size_t counting;
};
void image_verdicts_release(struct image_verdicts *verdicts);

/* Judges everything; fails never: an empty result is no signature. Pure, any thread. */
void image_verify(const struct image_policy *policy, const struct digest *image,
	const struct attached *attached, struct image_verdicts *ret_verdicts);

#endif
