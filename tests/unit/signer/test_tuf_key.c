#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/enc.h"
#include "signer/tuf_key.h"

static const char message[] = "what is signed";

static char *pem_of(EVP_PKEY *pkey)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes, *text;

	PEM_write_bio_PUBKEY(bio, pkey);
	long len = BIO_get_mem_data(bio, &bytes);
	text = mem_printf("%.*s", (int)len, bytes);
	BIO_free(bio);
	return text;
}

static char *signature_of(EVP_PKEY *pkey, const EVP_MD *hash, bool pss)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey_context;
	unsigned char bytes[512];
	size_t len = sizeof(bytes);
	char *hex = mem_new(2 * sizeof(bytes) + 1, 1);

	cr_assert_eq(EVP_DigestSignInit(context, &pkey_context, hash, NULL, pkey), 1);
	if (pss)
		EVP_PKEY_CTX_set_rsa_padding(pkey_context, RSA_PKCS1_PSS_PADDING);
	cr_assert_eq(EVP_DigestSign(
			     context, bytes, &len, (const unsigned char *)message, strlen(message)),
		1);
	hex_encode(bytes, len, hex);
	EVP_MD_CTX_free(context);
	return hex;
}

static void verifies(const char *type, const char *scheme, const char *public_text, EVP_PKEY *pkey,
	const EVP_MD *hash, bool pss)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(tuf_key_freep) struct tuf_key *key = tuf_key_new(type, scheme, public_text, &err);
	CLEANUP(mem_freep) char *signature = signature_of(pkey, hash, pss);

	cr_assert(key, "%s: %s", scheme, err ? err->msg : "");
	cr_assert(tuf_key_verify(key, message, strlen(message), signature), "%s", scheme);
	cr_assert(!tuf_key_verify(key, message, strlen(message) - 1, signature));
	cr_assert(!tuf_key_verify(key, message, strlen(message), ""));
	cr_assert(!tuf_key_verify(key, message, strlen(message), "zz"));
	cr_assert(!tuf_key_verify(key, message, strlen(message), "abc"));
	signature[10] = signature[10] == '0' ? '1' : '0';
	cr_assert(!tuf_key_verify(key, message, strlen(message), signature), "%s", scheme);
}

Test(tuf_key, kinds)
{
	EVP_PKEY *p256 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	EVP_PKEY *p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	CLEANUP(mem_freep) char *p256_pem = pem_of(p256);
	CLEANUP(mem_freep) char *p384_pem = pem_of(p384);
	CLEANUP(mem_freep) char *rsa_pem = pem_of(rsa);
	unsigned char raw[97];
	char hex[2 * sizeof(raw) + 1];
	size_t len = sizeof(raw);

	verifies("ecdsa", "ecdsa-sha2-nistp256", p256_pem, p256, EVP_sha256(), false);
	verifies("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", p256_pem, p256, EVP_sha256(), false);
	verifies("ecdsa", "ecdsa-sha2-nistp384", p384_pem, p384, EVP_sha384(), false);
	verifies("rsa", "rsassa-pss-sha256", rsa_pem, rsa, EVP_sha256(), true);
	EVP_PKEY_get_raw_public_key(ed, raw, &len);
	hex_encode(raw, len, hex);
	verifies("ed25519", "ed25519", hex, ed, NULL, false);
	EVP_PKEY_get_octet_string_param(p256, "encoded-pub-key", raw, sizeof(raw), &len);
	hex_encode(raw, len, hex);
	verifies("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", hex, p256, EVP_sha256(), false);

	/* One key in two spellings is one key. */
	CLEANUP(tuf_key_freep)
	struct tuf_key *a = tuf_key_new("ecdsa", "ecdsa-sha2-nistp256", hex, NULL);
	CLEANUP(tuf_key_freep)
	struct tuf_key *b = tuf_key_new("ecdsa", "ecdsa-sha2-nistp256", p256_pem, NULL);
	CLEANUP(tuf_key_freep)
	struct tuf_key *c = tuf_key_new("rsa", "rsassa-pss-sha256", rsa_pem, NULL);
	cr_assert(a && b && c && tuf_key_equal(a, b) && !tuf_key_equal(a, c));
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(ed);
	EVP_PKEY_free(rsa);
}

static void refused(
	const char *type, const char *scheme, const char *public_text, enum err_kind kind)
{
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(!tuf_key_new(type, scheme, public_text, &err));
	cr_assert_eq(err->kind, kind, "%s %s: %s", type, scheme, err->msg);
}

Test(tuf_key, refuses)
{
	EVP_PKEY *p384 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	EVP_PKEY *weak = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	CLEANUP(mem_freep) char *p384_pem = pem_of(p384);
	CLEANUP(mem_freep) char *weak_pem = pem_of(weak);
	CLEANUP(mem_freep) char *off_curve = mem_printf("04%0128d", 7);

	refused("rsa", "rsa-md5", "x", ERR_UNSUPPORTED);
	refused("", "", "x", ERR_UNSUPPORTED);
	refused("ecd", "ecdsa-sha2-nistp256", "x", ERR_UNSUPPORTED);
	refused("ecdsa", "ecdsa-sha2-nistp256", "", ERR_INVALID);
	refused("ecdsa", "ecdsa-sha2-nistp256", "-----BEGIN PUBLIC KEY-----\n", ERR_INVALID);
	refused("ecdsa", "ecdsa-sha2-nistp256", p384_pem, ERR_INVALID);
	refused("ecdsa", "ecdsa-sha2-nistp256", off_curve, ERR_INVALID);
	refused("ed25519", "ed25519", "abcd", ERR_INVALID);
	refused("ed25519", "ed25519", p384_pem, ERR_INVALID);
	refused("rsa", "rsassa-pss-sha256", p384_pem, ERR_INVALID);
	refused("rsa", "rsassa-pss-sha256", weak_pem, ERR_INVALID);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(weak);
}
