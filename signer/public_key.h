/*
 * Public keys: of logs, authorities, certificates and people. Immutable once made; any thread may
 * verify with one at the same time. ECDSA on P-256, P-384 and P-521, Ed25519, RSA (PKCS #1 v1.5,
 * 2048 to 8192 bits); anything else is ERR_UNSUPPORTED.
 */
#ifndef CIP_SIGNER_PUBLIC_KEY_H
#define CIP_SIGNER_PUBLIC_KEY_H

#include "base/err.h"
#include "signer/bytes.h"
#include "signer/message.h"

enum public_key_kind {
	PUBLIC_KEY_P256,
	PUBLIC_KEY_P384,
	PUBLIC_KEY_P521,
	PUBLIC_KEY_ED25519,
	PUBLIC_KEY_RSA,
};

struct public_key;

/* DER of a SubjectPublicKeyInfo (RFC 5280), nothing after it. ERR_INVALID, ERR_UNSUPPORTED. */
bool public_key_parse(const void *der, size_t len, struct public_key **ret_key, struct err **err);
/* DER of an RSAPublicKey (PKCS #1), as some CT logs' keys are given. */
bool public_key_parse_pkcs1(
	const void *der, size_t len, struct public_key **ret_key, struct err **err);
/* One "PUBLIC KEY" in PEM, white space around it. */
bool public_key_parse_pem(
	const char *text, size_t len, struct public_key **ret_key, struct err **err);
void public_key_free(struct public_key *key);
DEFINE_CLEANUP(struct public_key, public_key_freep, public_key_free)

enum public_key_kind public_key_kind(const struct public_key *key);
/* The SubjectPublicKeyInfo in DER; lives as long as the key. */
const struct bytes *public_key_spki(const struct public_key *key);
/* What protobuf-specs' enum PublicKeyDetails calls the key; NULL if it has no name for it. */
const char *public_key_details(const struct public_key *key);

/*
 * The functions with which a signature of this key over a message may have been made, most likely
 * first; P-384 and P-521 also occur with SHA-256. Returns how many, at most 2.
 */
size_t public_key_hashes(const struct public_key *key, enum hash ret_hashes[2]);

/*
 * Is this the key's signature over the message, with this hash function? ECDSA signatures are ASN.1
 * DER. False also when the message's digest by this function is not known. Ed25519 needs the
 * message's bytes.
 */
bool public_key_verify(const struct public_key *key, enum hash hash, const struct message *message,
	const uint8_t *signature, size_t len);

/* Is this an RSA key's PSS signature (RFC 8017, SHA-256 in all places, salt of any length)? */
bool public_key_verify_pss(const struct public_key *key, const void *bytes, size_t len,
	const uint8_t *signature, size_t signature_len);

#endif
