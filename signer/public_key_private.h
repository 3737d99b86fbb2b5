/* Keys that come out of OpenSSL's own objects. Only for the files of this room. */
#ifndef CIP_SIGNER_PUBLIC_KEY_PRIVATE_H
#define CIP_SIGNER_PUBLIC_KEY_PRIVATE_H

#include "base/str.h"
#include "signer/public_key.h"

struct evp_pkey_st;

/* Takes another reference to `pkey`, and over the bytes of `spki` (which it encodes). */
bool public_key_wrap(struct evp_pkey_st *pkey, struct bytes *spki, struct public_key **ret_key,
	struct err **err);

/* Is it a P-256 key, the point in full, in the one encoding that it has? Such are read without OpenSSL's decoders. */
bool public_key_is_plain(const void *spki, size_t len);

/*
 * The DER in one PEM block with this label; nothing but white space around it. False if it is
 * anything else.
 */
bool pem_decode(const char *text, size_t len, const char *label, struct bytes *ret_der);

/* Appends one block with a line break at its end (RFC 7468: lines of 64). */
void pem_encode(const struct bytes *der, const char *label, struct str *out);

#endif
