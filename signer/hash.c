/*
 * Hashing by OpenSSL's EVP, with the three names each function has in Sigstore's documents.
 */
#include "signer/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
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

/* OpenSSL's own constants would be looked up anew at each use. For the life of the process. */
static const EVP_MD *fetched[HASH_COUNT];

static void fetch_all(void)
{
	const EVP_MD *own[HASH_COUNT] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};

	for (unsigned i = 0; i < HASH_COUNT; i++) {
		fetched[i] = EVP_MD_fetch(NULL, EVP_MD_get0_name(own[i]), NULL);
		if (!fetched[i])
			fetched[i] = own[i];
	}
}

const struct evp_md_st *hash_md(enum hash hash)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch_all);
	return fetched[hash];
}

void hash_of(enum hash hash, const void *bytes, size_t len, uint8_t *ret_digest)
{
	/* Fails only without memory or algorithms: nothing to carry on with. */
	if (EVP_Digest(bytes, len, ret_digest, NULL, hash_md(hash), NULL) != 1) {
		fputs("cip: OpenSSL cannot hash\n", stderr);
		abort();
	}
}
