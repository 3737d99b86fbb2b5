/*
 * Private keys as OpenSSL keeps them: it overwrites the secret number when it frees the key. The key
 * has no encoding here: nothing can be written down that is never made.
 */
#include "signer/signing_key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/alloc.h"
#include "signer/public_key_private.h"

/* SEQUENCE of two INTEGERs of 33 bytes at most. */
#define SIGNATURE_MAX_SIZE 72

struct signing_key {
	EVP_PKEY *pkey;
	struct public_key *public;
};

DEFINE_CLEANUP(EVP_PKEY_CTX, evp_pkey_ctx_freep, EVP_PKEY_CTX_free)

static bool public_read(EVP_PKEY *pkey, struct public_key **ret_key, struct err **err)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(pkey, &der);
	bool ok = len > 0 && public_key_parse(der, (size_t)len, ret_key, err);

	OPENSSL_free(der);
	return ok;
}

struct signing_key *signing_key_new(struct err **err)
{
	CLEANUP(signing_key_freep) struct signing_key *key = mem_new(1, sizeof(*key));

	key->pkey = EVP_EC_gen("P-256");
	ERR_clear_error();
	if (!key->pkey || !public_read(key->pkey, &key->public, NULL)) {
		err_set(err, ERR_INTERNAL, "OpenSSL cannot make a key on the curve P-256");
		return NULL;
	}
	return steal_ptr(&key);
}

void signing_key_free(struct signing_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	public_key_free(key->public);
	mem_free(key);
}

const struct public_key *signing_key_public(const struct signing_key *key)
{
	return key->public;
}

bool signing_key_sign(const struct signing_key *key, const struct message *message,
	struct bytes *ret_signature, struct err **err)
{
	CLEANUP(evp_pkey_ctx_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);
	uint8_t digest[HASH_MAX_SIZE], signature[SIGNATURE_MAX_SIZE];
	size_t len = sizeof(signature);
	bool ok = message_digest(message, HASH_SHA256, digest) && context &&
		EVP_PKEY_sign_init(context) == 1 &&
		EVP_PKEY_sign(context, signature, &len, digest, HASH_SHA256_SIZE) == 1;

	ERR_clear_error();
	if (!ok)
		return err_set(err, ERR_INTERNAL, "OpenSSL cannot sign");
	*ret_signature = (struct bytes){mem_dup(signature, len), len};
	return true;
}
