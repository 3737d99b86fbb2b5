/*
 * Identities whose signatures are trusted beside our own, for whoever verifies what others have
 * signed: as cip.yaml lists them (`signatures: {trusted_identities: …}`), in the verifier's form.
 */
#ifndef CIP_RECONCILER_CONFIG_IDENTITIES_H
#define CIP_RECONCILER_CONFIG_IDENTITIES_H

#include "reconciler/config.h"
#include "signer/policy.h"

/* Pairs for a struct policy. Zero is nobody. Read-only once filled, then any thread. */
struct trusted_signers {
	VEC(struct policy_signer) all;
	VEC(struct pattern *) patterns; /* owned */
};
void trusted_signers_release(struct trusted_signers *signers);

/*
 * Adds one pair; its texts are borrowed, its patterns match the whole text. ERR_USAGE, and nothing is
 * added: not exactly one of text and pattern on either side, or a pattern that cannot be read.
 */
bool trusted_signers_add(
	struct trusted_signers *signers, const struct config_identity *identity, struct err **err);

#endif
