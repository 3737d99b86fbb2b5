/*
 * Chains of issuers from the trust root: certificate authorities of Fulcio's kind and timestamp
 * authorities. The signatures inside a chain are verified when it is made, once; afterwards a leaf
 * costs one verification, the first time it comes; moments in time are compared with the validity of
 * every link.
 * Immutable once made; any thread.
 *
 * The last certificate is the anchor: trusted as it is, self-signed or not.
 */
#ifndef CIP_SIGNER_CHAIN_H
#define CIP_SIGNER_CHAIN_H

#include "base/err.h"
#include "signer/certificate.h"

#define CHAIN_MAX 8

struct chain;

/*
 * `certificates`, nearest to the leaf first, belong to the chain on success. ERR_INVALID if one is
 * not issued by the next, is no authority, or may not issue for this use.
 */
bool chain_new(struct certificate **certificates, size_t count, enum certificate_use use,
	struct chain **ret_chain, struct err **err);
void chain_free(struct chain *chain);

/*
 * Is the leaf issued by a link of the chain, for the chain's use, without extensions that are critical and
 * unknown (RFC 5280, checked by OpenSSL, at no moment in particular)? ret_issuer is borrowed from
 * the chain. ERR_NOT_FOUND if no link issued it; ERR_INVALID if it must not be accepted.
 */
bool chain_issued(const struct chain *chain, const struct certificate *leaf,
	const struct certificate **ret_issuer, struct err **err);

/* Are `leaf`, the issuer and all links above it valid then? ERR_INVALID names the one that is not. */
bool chain_is_valid_at(const struct chain *chain, const struct certificate *issuer,
	const struct certificate *leaf, int64_t unix_seconds, struct err **err);

#endif
