/*
 * OpenSSL as the fake services need it. None of it is the product's code: what one of them gets
 * wrong, the other shall notice.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/enc.h"
#include "tests/fakes/sigstore/fake.h"

void fake_must(int success)
{
	if (success == 1)
		return;
	ERR_print_errors_fp(stderr);
	exit(1);
}

void fake_sha256(const void *bytes, size_t len, uint8_t ret_hash[FAKE_HASH_SIZE])
{
	fake_must(EVP_Digest(bytes, len, ret_hash, NULL, EVP_sha256(), NULL));
}

/* ---- Signatures ---- */

static const EVP_MD *hash_of_key(EVP_PKEY *key)
{
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return NULL;
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_bits(key) > 384)
		return EVP_sha512();
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_bits(key) > 256)
		return EVP_sha384();
	return EVP_sha256();
}

void fake_sign(EVP_PKEY *key, const void *bytes, size_t len, struct str *out)
{
	uint8_t signature[1024];
	size_t signature_len = sizeof(signature);
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	fake_must(EVP_DigestSignInit(context, NULL, hash_of_key(key), NULL, key));
	fake_must(EVP_DigestSign(context, signature, &signature_len, bytes, len));
	EVP_MD_CTX_free(context);
	str_add(out, signature, signature_len);
}

bool fake_verify(EVP_PKEY *key, const void *bytes, size_t len, const struct str *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(context, NULL, hash_of_key(key), NULL, key) == 1 &&
		EVP_DigestVerify(context, (const uint8_t *)str_text(signature), signature->len,
			bytes, len) == 1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return ok;
}

bool fake_verify_digest(EVP_PKEY *key, const EVP_MD *hash, const uint8_t *digest, size_t len,
	const struct str *signature)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool ok = context && EVP_PKEY_verify_init(context) == 1 &&
		EVP_PKEY_CTX_set_signature_md(context, hash) == 1 &&
		EVP_PKEY_verify(context, (const uint8_t *)str_text(signature), signature->len,
			digest, len) == 1;

	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return ok;
}

/* ---- DER and PEM ---- */

void fake_spki(EVP_PKEY *key, struct str *out)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	fake_must(len > 0);
	str_add(out, der, (size_t)len);
	OPENSSL_free(der);
}

void fake_der(X509 *certificate, struct str *out)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);

	fake_must(len > 0);
	str_add(out, der, (size_t)len);
	OPENSSL_free(der);
}

static char *text_of(BIO *bio)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);
	char *text = mem_strndup(bytes, (size_t)len);

	BIO_free(bio);
	return text;
}

char *fake_pem(X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());

	fake_must(PEM_write_bio_X509(bio, certificate));
	return text_of(bio);
}

char *fake_pem_key(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	fake_must(PEM_write_bio_PUBKEY(bio, key));
	return text_of(bio);
}

EVP_PKEY *fake_key_of_pem(const struct str *pem)
{
	BIO *bio = BIO_new_mem_buf(str_text(pem), (int)pem->len);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	EVP_PKEY *key = certificate ? X509_get_pubkey(certificate) : NULL;

	X509_free(certificate);
	if (!key && BIO_reset(bio) >= 0)
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

/* ---- Text ---- */

char *fake_base64(const struct str *bytes)
{
	return base64_encode(str_text(bytes), bytes->len);
}

char *fake_base64url(const void *bytes, size_t len)
{
	char *text = base64_encode(bytes, len);
	size_t out = 0;

	for (size_t i = 0; text[i] && text[i] != '='; i++)
		text[out++] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	text[out] = '\0';
	return text;
}

bool fake_unbase64(const char *text, size_t len, struct str *out)
{
	size_t bytes_len = 0;
	CLEANUP(mem_freep) uint8_t *bytes = base64_decode(text, len, &bytes_len);

	return bytes && str_add(out, bytes, bytes_len);
}

bool fake_unbase64url(const char *text, size_t len, struct str *out)
{
	CLEANUP(str_release) struct str padded = STR_INIT(FAKE_BYTES_MAX);

	for (size_t i = 0; i < len; i++)
		str_add_char(&padded, text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
	while (padded.len % 4)
		str_add_char(&padded, '=');
	return fake_unbase64(str_text(&padded), padded.len, out);
}

char *fake_hex(const uint8_t *bytes, size_t len)
{
	char *text = mem_new(2 * len + 1, 1);

	hex_encode(bytes, len, text);
	return text;
}
