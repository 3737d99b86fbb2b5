/*
 * Hashing by OpenSSL's EVP, with the three names each function has in Sigstore's documents.
 */
#include "signer/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "signer/hash_private.h"

static const struct {
	size_t size;
	const char *name;
	const char *protobuf_name;
} hashes[HASH_COUNT] = {
	[HASH_SHA256] = {32, "sha256", "SHA2_256"},
	[HASH_SHA384] = {48, "sha384", "SHA2_384"},
	[HASH_SHA512] = {64, "sha512", "SHA2_512"},
};

size_t hash_size(enum hash hash)
{
	return hashes[hash].size;
}

const char *hash_name(enum hash hash)
{
	return hashes[hash].name;
}

const char *hash_protobuf_name(enum hash hash)
{
	return hashes[hash].protobuf_name;
}

const struct evp_md_st *hash_md(enum hash hash)
{
	if (hash == HASH_SHA256)
		return EVP_sha256();
	return hash == HASH_SHA384 ? EVP_sha384() : EVP_sha512();
}

void hash_of(enum hash hash, const void *bytes, size_t len, uint8_t *ret_digest)
{
	/* Fails only without memory or algorithms: nothing to carry on with. */
	if (EVP_Digest(bytes, len, ret_digest, NULL, hash_md(hash), NULL) != 1) {
		fputs("cip: OpenSSL cannot hash\n", stderr);
		abort();
	}
}
