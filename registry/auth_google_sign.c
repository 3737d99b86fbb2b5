/*
 * Signing of assertions (RFC 7515 compact form, RS256). Keys are read, used and forgotten; what the
 * JSON says is the caller's.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/enc.h"
#include "registry/auth_google_private.h"

#define JWT_MAX ((size_t)64 * 1024)
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

static void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void context_freep(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static void add_base64url(struct str *out, const void *bytes, size_t len)
{
	char *text = base64_encode(bytes, len);
	for (const char *c = text; *c && *c != '='; c++)
		str_add_char(out, *c == '+' ? '-' : *c == '/' ? '_' : *c);
	mem_free_secret_string(text);
}

/* A key with a password is no key here: nobody is there to be asked. */
static int no_password(char *text, int size, int is_writing, void *ctx)
{
	(void)text;
	(void)size;
	(void)is_writing;
	(void)ctx;
	return -1;
}

static EVP_PKEY *read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)strlen(pem));
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

bool google_sign(const char *key_pem, const char *header, const char *claims, char **ret_jwt,
	struct err **err)
{
	CLEANUP(str_release_secret) struct str jwt = STR_INIT(JWT_MAX);
	CLEANUP(key_freep) EVP_PKEY *key = read_key(key_pem);
	CLEANUP(context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t signature[RSA_BITS_MAX / 8];
	size_t len = sizeof(signature);
	if (!key || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < RSA_BITS_MIN ||
		EVP_PKEY_get_bits(key) > RSA_BITS_MAX)
		return err_set(err, ERR_INVALID,
			"\"private_key\" is no RSA key of %d to %d bits in PEM", RSA_BITS_MIN,
			RSA_BITS_MAX);
	add_base64url(&jwt, header, strlen(header));
	str_add_char(&jwt, '.');
	add_base64url(&jwt, claims, strlen(claims));
	if (str_overflowed(&jwt))
		return err_set(err, ERR_INVALID, "the assertion would be too long");
	if (!context || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(
			context, signature, &len, (const uint8_t *)str_text(&jwt), jwt.len) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_INVALID, "cannot sign with \"private_key\"");
	}
	str_add_char(&jwt, '.');
	add_base64url(&jwt, signature, len);
	if (str_overflowed(&jwt))
		return err_set(err, ERR_INVALID, "the assertion would be too long");
	*ret_jwt = str_steal(&jwt, NULL);
	return true;
}
