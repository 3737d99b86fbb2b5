/*
 * Public keys of TUF metadata (specification 4.2) and the signatures they make: ECDSA on P-256 and
 * P-384, Ed25519, RSA-PSS. Immutable, any thread. Internal to signer/.
 */
#ifndef CIP_SIGNER_TUF_KEY_H
#define CIP_SIGNER_TUF_KEY_H

#include "base/err.h"

struct tuf_key;

/*
 * From the members keytype, scheme and keyval.public: PEM, or for elliptic curves a point in
 * hexadecimal digits. NULL with ERR_UNSUPPORTED for a kind we do not know, ERR_INVALID for a key
 * that is not of its kind.
 */
struct tuf_key *tuf_key_new(
	const char *type, const char *scheme, const char *public_text, struct err **err);
void tuf_key_free(struct tuf_key *key);
DEFINE_CLEANUP(struct tuf_key, tuf_key_freep, tuf_key_free)

/* The same key, whatever it is called. */
bool tuf_key_equal(const struct tuf_key *a, const struct tuf_key *b);

/* False for a wrong signature and for one that is not even hexadecimal. */
bool tuf_key_verify(
	const struct tuf_key *key, const void *bytes, size_t len, const char *signature_hex);

#endif
