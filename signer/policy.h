/*
 * What a signature must have to be accepted. Everything is said; nothing follows from what happens
 * to be missing in a trust root or a bundle. All borrowed; a plain value.
 */
#ifndef CIP_SIGNER_POLICY_H
#define CIP_SIGNER_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "signer/pattern.h"
#include "signer/public_key.h"

/* Either of the two. */
struct policy_name {
	const char *exact; /* byte for byte */
	const struct pattern *pattern;
};

/* Who may have signed: this identity, vouched for by this issuer. */
struct policy_signer {
	struct policy_name identity;
	struct policy_name issuer;
};

struct policy {
	/* One of these pairs must fit; or, without a certificate, the key must be this. */
	const struct policy_signer *signers;
	size_t signer_count;
	const struct public_key *key;

	size_t logs;  /* different transparency logs that must have the signature */
	size_t times; /* verified moments; certificates need at least one */
	size_t scts;  /* different certificate transparency logs; 0 for a Fulcio without one */
};

/* One log, one time, one SCT, and nobody who may have signed. */
#define POLICY_INIT                                                                                \
	{                                                                                          \
		.logs = 1, .times = 1, .scts = 1                                                   \
	}

/* The errors of pattern_matches: one that cannot be decided is no match. */
bool policy_accepts_signer(const struct policy *policy, const char *identity, const char *issuer,
	bool *ret_accepts, struct err **err);

#endif
