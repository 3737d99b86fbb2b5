/*
 * Keys and signature checks on OpenSSL's EVP. Which keys count for what is tuf_metadata.c's.
 */
#include "signer/tuf_key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"

#define PUBLIC_TEXT_MAX ((size_t)16 * 1024)
#define SIGNATURE_MAX ((size_t)1024)
#define RSA_BITS_MIN 2048

enum scheme { SCHEME_P256, SCHEME_P384, SCHEME_ED25519, SCHEME_RSA_PSS, SCHEMES };

static const struct {
	const char *types; /* separated by spaces */
	const char *name;
	const char *curve;    /* of OpenSSL; NULL: none */
	const char *evp_type; /* what the key must be */
	size_t point_size;    /* of an uncompressed point, or an Ed25519 key */
} schemes[SCHEMES] = {
	[SCHEME_P256] = {"ecdsa ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", "prime256v1", "EC",
		65},
	[SCHEME_P384] = {"ecdsa ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", "secp384r1", "EC", 97},
	[SCHEME_ED25519] = {"ed25519", "ed25519", NULL, "ED25519", 32},
	[SCHEME_RSA_PSS] = {"rsa", "rsassa-pss-sha256", NULL, "RSA", 0},
};

struct tuf_key {
	EVP_PKEY *pkey;
	enum scheme scheme;
};

void tuf_key_free(struct tuf_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	mem_free(key);
}

/* ---- Reading ---- */

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
		if (strncmp(at, word, len) == 0 && (at[len] == ' ' || at[len] == '\0'))
			return len > 0;
	return false;
}

static EVP_PKEY *read_pem(const char *text)
{
	BIO *bio = BIO_new_mem_buf(text, -1);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return pkey;
}

static EVP_PKEY *read_point(enum scheme scheme, const uint8_t *point, size_t len)
{
	char curve[16];
	OSSL_PARAM params[] = {OSSL_PARAM_utf8_string("group", curve, 0),
		OSSL_PARAM_octet_string("pub", (void *)(uintptr_t)point, len), OSSL_PARAM_END};
	EVP_PKEY_CTX *context = NULL;
	EVP_PKEY *pkey = NULL;

	if (scheme == SCHEME_ED25519)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, len);
	params[0].data_size = strlen(schemes[scheme].curve);
	memcpy(curve, schemes[scheme].curve, params[0].data_size + 1);
	context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (!context || EVP_PKEY_fromdata_init(context) <= 0 ||
		EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		pkey = NULL;
	EVP_PKEY_CTX_free(context);
	return pkey;
}

static EVP_PKEY *read_hex(enum scheme scheme, const char *text)
{
	uint8_t point[97];
	size_t size = schemes[scheme].point_size;

	if (size == 0 || strlen(text) != 2 * size || !hex_decode(text, size, point))
		return NULL;
	return read_point(scheme, point, size);
}

static bool is_of_its_kind(const EVP_PKEY *pkey, enum scheme scheme)
{
	char curve[32] = "";

	if (!EVP_PKEY_is_a(pkey, schemes[scheme].evp_type))
		return false;
	if (scheme == SCHEME_RSA_PSS)
		return EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN;
	if (!schemes[scheme].curve)
		return true;
	return EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL) > 0 &&
		strcmp(curve, schemes[scheme].curve) == 0;
}

struct tuf_key *tuf_key_new(
	const char *type, const char *scheme, const char *public_text, struct err **err)
{
	CLEANUP(tuf_key_freep) struct tuf_key *key = mem_new(1, sizeof(*key));

	while (key->scheme < SCHEMES &&
		(strcmp(schemes[key->scheme].name, scheme) != 0 ||
			!has_word(schemes[key->scheme].types, type)))
		key->scheme++;
	if (key->scheme == SCHEMES) {
		err_set(err, ERR_UNSUPPORTED, "unknown kind of key (%.40s, %.40s)", type, scheme);
		return NULL;
	}
	if (strnlen(public_text, PUBLIC_TEXT_MAX + 1) <= PUBLIC_TEXT_MAX)
		key->pkey = strncmp(public_text, "-----", 5) == 0
			? read_pem(public_text)
			: read_hex(key->scheme, public_text);
	ERR_clear_error();
	if (!key->pkey || !is_of_its_kind(key->pkey, key->scheme)) {
		err_set(err, ERR_INVALID, "not a public key of the kind %s", scheme);
		return NULL;
	}
	return steal_ptr(&key);
}

bool tuf_key_equal(const struct tuf_key *a, const struct tuf_key *b)
{
	return EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

/* ---- Verifying ---- */

static bool set_padding(EVP_PKEY_CTX *context)
{
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_AUTO) > 0 &&
		EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0;
}

static const EVP_MD *hash_of(enum scheme scheme)
{
	if (scheme == SCHEME_ED25519)
		return NULL;
	return scheme == SCHEME_P384 ? EVP_sha384() : EVP_sha256();
}

bool tuf_key_verify(
	const struct tuf_key *key, const void *bytes, size_t len, const char *signature_hex)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t digits = strnlen(signature_hex, 2 * SIGNATURE_MAX + 1);
	EVP_PKEY_CTX *pkey_context = NULL;
	EVP_MD_CTX *context = NULL;
	bool ok;

	if (digits == 0 || digits % 2 || digits > 2 * SIGNATURE_MAX ||
		!hex_decode(signature_hex, digits / 2, signature))
		return false;
	context = EVP_MD_CTX_new();
	ok = context &&
		EVP_DigestVerifyInit(
			context, &pkey_context, hash_of(key->scheme), NULL, key->pkey) > 0 &&
		(key->scheme != SCHEME_RSA_PSS || set_padding(pkey_context)) &&
		EVP_DigestVerify(context, signature, digits / 2, bytes, len) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return ok;
}
