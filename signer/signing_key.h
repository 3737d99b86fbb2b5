/*
 * Private keys for signing: ECDSA on P-256, made for one certificate, kept in memory only, wiped when
 * released. Immutable once made; any thread may sign with one at the same time.
 */
#ifndef CIP_SIGNER_SIGNING_KEY_H
#define CIP_SIGNER_SIGNING_KEY_H

#include "base/err.h"
#include "signer/public_key.h"

struct signing_key;

/* ERR_INTERNAL if OpenSSL cannot make one. */
struct signing_key *signing_key_new(struct err **err);
void signing_key_free(struct signing_key *key);
DEFINE_CLEANUP(struct signing_key, signing_key_freep, signing_key_free)

/* Borrowed; lives as long as the key. */
const struct public_key *signing_key_public(const struct signing_key *key);

/*
 * ECDSA over the message's SHA-256, which must be known; ASN.1 DER. `ret_signature` must be empty.
 * ERR_INTERNAL.
 */
bool signing_key_sign(const struct signing_key *key, const struct message *message,
	struct bytes *ret_signature, struct err **err);

#endif
