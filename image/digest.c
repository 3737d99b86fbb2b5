/*
 * Digests: the text form, comparison, and hashing with OpenSSL's EVP. The only file below signer/
 * and net/ that sees OpenSSL. It knows nothing about what is hashed.
 */
#include "image/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"

struct algorithm {
	const char *prefix;
	size_t prefix_len;
	size_t size;
};

static const struct algorithm algorithms[] = {
	[DIGEST_SHA256] = {"sha256:", 7, DIGEST_SHA256_SIZE},
	[DIGEST_SHA512] = {"sha512:", 7, DIGEST_MAX_SIZE},
};

struct hasher {
	EVP_MD_CTX *context;
	enum digest_algorithm algorithm;
};

static bool digest_fail(const char *text, struct err **err)
{
	return err_set(err, ERR_INVALID,
		"digest '%.160s': must be \"sha256:\" and 64 lower-case hexadecimal digits, or "
		"\"sha512:\" and 128",
		text);
}

bool digest_parse(const char *text, struct digest *ret_digest, struct err **err)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		const struct algorithm *algorithm = &algorithms[i];
		if (strncmp(text, algorithm->prefix, algorithm->prefix_len) != 0)
			continue;

		struct digest digest = {.algorithm = (enum digest_algorithm)i};
		const char *digits = text + algorithm->prefix_len;
		size_t len = strnlen(digits, 2 * algorithm->size + 1);
		if (len != 2 * algorithm->size ||
			!hex_decode(digits, algorithm->size, digest.bytes))
			return digest_fail(text, err);
		*ret_digest = digest;
		return true;
	}
	return digest_fail(text, err);
}

const char *digest_format(const struct digest *digest, char ret_text[DIGEST_TEXT_SIZE])
{
	const struct algorithm *algorithm = &algorithms[digest->algorithm];
	memcpy(ret_text, algorithm->prefix, algorithm->prefix_len);
	hex_encode(digest->bytes, algorithm->size, ret_text + algorithm->prefix_len);
	return ret_text;
}

struct digest digest_from_sha256(const uint8_t bytes[DIGEST_SHA256_SIZE])
{
	struct digest digest = {.algorithm = DIGEST_SHA256};
	memcpy(digest.bytes, bytes, DIGEST_SHA256_SIZE);
	return digest;
}

int digest_compare(const struct digest *a, const struct digest *b)
{
	if (a->algorithm != b->algorithm)
		return a->algorithm < b->algorithm ? -1 : 1;
	return memcmp(a->bytes, b->bytes, algorithms[a->algorithm].size);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return digest_compare(a, b) == 0;
}

struct digest digest_of(enum digest_algorithm algorithm, const void *bytes, size_t len)
{
	CLEANUP(hasher_freep) struct hasher *hasher = hasher_new(algorithm);
	hasher_add(hasher, bytes, len);
	return hasher_finish(hasher);
}

/* OpenSSL's hashing fails only without memory or algorithms: nothing to carry on with. */
static void must(bool ok)
{
	if (!ok) {
		fputs("cip: OpenSSL cannot hash\n", stderr);
		abort();
	}
}

struct hasher *hasher_new(enum digest_algorithm algorithm)
{
	struct hasher *hasher = mem_new(1, sizeof(*hasher));
	hasher->algorithm = algorithm;
	hasher->context = EVP_MD_CTX_new();
	must(hasher->context != NULL);
	must(EVP_DigestInit_ex(hasher->context,
		     algorithm == DIGEST_SHA256 ? EVP_sha256() : EVP_sha512(), NULL) == 1);
	return hasher;
}

void hasher_add(struct hasher *hasher, const void *bytes, size_t len)
{
	must(EVP_DigestUpdate(hasher->context, bytes, len) == 1);
}

struct digest hasher_finish(struct hasher *hasher)
{
	struct digest digest = {.algorithm = hasher->algorithm};
	must(EVP_DigestFinal_ex(hasher->context, digest.bytes, NULL) == 1);
	return digest;
}

void hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	EVP_MD_CTX_free(hasher->context);
	mem_free(hasher);
}
