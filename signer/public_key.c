/*
 * Keys as OpenSSL reads them, the list of kinds we accept, and verification. It does not know who a
 * key belongs to or how long it is valid.
 */
#include "signer/public_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "base/str.h"
#include "signer/hash_private.h"
#include "signer/public_key_private.h"

#define KEY_MAX_SIZE 4096
#define PEM_LINE 64
#define PEM_MAX_SIZE ((size_t)128 * 1024)
#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192

struct public_key {
	EVP_PKEY *pkey;
	enum public_key_kind kind;
	struct bytes spki;
};

DEFINE_CLEANUP(EVP_PKEY, evp_pkey_freep, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, evp_pkey_ctx_freep, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_MD_CTX, evp_md_ctx_freep, EVP_MD_CTX_free)

static bool kind_of_curve(EVP_PKEY *pkey, enum public_key_kind *ret_kind)
{
	static const struct {
		const char *name;
		enum public_key_kind kind;
	} curves[] = {
		{"prime256v1", PUBLIC_KEY_P256},
		{"secp384r1", PUBLIC_KEY_P384},
		{"secp521r1", PUBLIC_KEY_P521},
	};
	char name[64];
	size_t len;

	if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), &len) != 1)
		return false;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(name, curves[i].name) == 0) {
			*ret_kind = curves[i].kind;
			return true;
		}
	return false;
}

static bool kind_of(EVP_PKEY *pkey, enum public_key_kind *ret_kind)
{
	int bits = EVP_PKEY_get_bits(pkey);

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_EC:
		return kind_of_curve(pkey, ret_kind);
	case EVP_PKEY_ED25519:
		*ret_kind = PUBLIC_KEY_ED25519;
		return true;
	case EVP_PKEY_RSA:
		*ret_kind = PUBLIC_KEY_RSA;
		return bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS;
	default:
		return false;
	}
}

bool public_key_wrap(
	EVP_PKEY *pkey, struct bytes *spki, struct public_key **ret_key, struct err **err)
{
	enum public_key_kind kind;

	if (!kind_of(pkey, &kind))
		return err_set(err, ERR_UNSUPPORTED,
			"a public key that is none of ECDSA P-256, P-384, P-521, Ed25519, RSA of "
			"%d to %d bits",
			RSA_MIN_BITS, RSA_MAX_BITS);
	struct public_key *key = mem_new(1, sizeof(*key));
	EVP_PKEY_up_ref(pkey);
	*key = (struct public_key){.pkey = pkey, .kind = kind, .spki = *spki};
	*spki = (struct bytes){0};
	*ret_key = key;
	return true;
}

static bool spki_encode(EVP_PKEY *pkey, struct bytes *ret_spki)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(pkey, &der);

	if (len <= 0)
		return false;
	*ret_spki = (struct bytes){mem_dup(der, (size_t)len), (size_t)len};
	OPENSSL_free(der);
	return true;
}

/* SubjectPublicKeyInfo of a P-256 key up to its point: id-ecPublicKey, prime256v1, no unused bits, uncompressed. */
static const uint8_t plain_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42,
	0x00, 0x04};

enum { P256_POINT_SIZE = 65, PLAIN_SIZE = sizeof(plain_prefix) - 1 + P256_POINT_SIZE };

bool public_key_is_plain(const void *spki, size_t len)
{
	return len == PLAIN_SIZE && memcmp(spki, plain_prefix, sizeof(plain_prefix)) == 0;
}

/* Any key on the curve; a copy of it with another point costs a quarter of making one with its curve. */
static EVP_PKEY *p256_template;

static void p256_template_make(void)
{
	p256_template = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

/* NULL if the point is none of the curve's. */
static EVP_PKEY *plain_read(const uint8_t *spki)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, p256_template_make);
	CLEANUP(evp_pkey_freep)
	EVP_PKEY *pkey = p256_template ? EVP_PKEY_new() : NULL;
	/* The curve alone: nothing of the template's own point and secret goes along. */
	if (!pkey || EVP_PKEY_copy_parameters(pkey, p256_template) != 1 ||
		EVP_PKEY_set1_encoded_public_key(
			pkey, spki + PLAIN_SIZE - P256_POINT_SIZE, P256_POINT_SIZE) != 1)
		return NULL;
	return steal_ptr(&pkey);
}

static EVP_PKEY *pkey_read(const uint8_t *der, size_t len)
{
	const unsigned char *end = der;

	if (public_key_is_plain(der, len))
		return plain_read(der);
	return len <= KEY_MAX_SIZE ? d2i_PUBKEY(NULL, &end, (long)len) : NULL;
}

bool public_key_parse(const void *der, size_t len, struct public_key **ret_key, struct err **err)
{
	CLEANUP(evp_pkey_freep) EVP_PKEY *pkey = pkey_read(der, len);
	CLEANUP(bytes_release) struct bytes spki = {0};

	ERR_clear_error();
	if (pkey && public_key_is_plain(der, len)) {
		spki = (struct bytes){mem_dup(der, len), len};
		return public_key_wrap(pkey, &spki, ret_key, err);
	}
	/* One encoding per key: its digest is its name. */
	if (!pkey || !spki_encode(pkey, &spki) || !bytes_equal(&spki, der, len))
		return err_set(err, ERR_INVALID, "a public key that is no SubjectPublicKeyInfo");
	return public_key_wrap(pkey, &spki, ret_key, err);
}

bool public_key_parse_pkcs1(
	const void *der, size_t len, struct public_key **ret_key, struct err **err)
{
	const unsigned char *end = der;
	CLEANUP(evp_pkey_freep)
	EVP_PKEY *pkey =
		len <= KEY_MAX_SIZE ? d2i_PublicKey(EVP_PKEY_RSA, NULL, &end, (long)len) : NULL;
	CLEANUP(bytes_release) struct bytes spki = {0};

	ERR_clear_error();
	if (!pkey || end != (const unsigned char *)der + len || !spki_encode(pkey, &spki))
		return err_set(err, ERR_INVALID, "a public key that is no RSAPublicKey");
	return public_key_wrap(pkey, &spki, ret_key, err);
}

static const char *skip_space(const char *text, const char *end)
{
	while (text < end && strchr(" \t\r\n", *text) && *text)
		text++;
	return text;
}

/* The line at *cursor is "-----<which> <label>-----". */
static bool is_boundary(const char **cursor, const char *end, const char *which, const char *label)
{
	CLEANUP(mem_freep) char *line = mem_printf("-----%s %s-----", which, label);
	size_t len = strlen(line);

	if ((size_t)(end - *cursor) < len || memcmp(*cursor, line, len) != 0)
		return false;
	*cursor += len;
	return true;
}

/* Up to the end of the line, which may be CR LF and must be there. */
static bool line_add(const char **cursor, const char *end, struct str *out)
{
	const char *newline = memchr(*cursor, '\n', (size_t)(end - *cursor));

	if (!newline)
		return false;
	size_t len = (size_t)(newline - *cursor);
	str_add(out, *cursor, len > 0 && newline[-1] == '\r' ? len - 1 : len);
	*cursor = newline + 1;
	return true;
}

/*
 * RFC 7468 in its strict form, but for lines of any length. OpenSSL's reader lets more pass: a text
 * must not have many spellings where what is compared is what it says.
 */
bool pem_decode(const char *text, size_t len, const char *label, struct bytes *ret_der)
{
	CLEANUP(str_release) struct str base64 = STR_INIT(PEM_MAX_SIZE);
	const char *end = text + len, *cursor = skip_space(text, end);

	if (len > PEM_MAX_SIZE || !is_boundary(&cursor, end, "BEGIN", label) ||
		!line_add(&cursor, end, &base64) || base64.len > 0)
		return false;
	while (cursor < end && *cursor != '-')
		if (!line_add(&cursor, end, &base64))
			return false;
	if (!is_boundary(&cursor, end, "END", label) || skip_space(cursor, end) != end)
		return false;
	ret_der->data = base64_decode(str_text(&base64), base64.len, &ret_der->len);
	if (ret_der->data && ret_der->len == 0)
		bytes_release(ret_der);
	return ret_der->data != NULL;
}

void pem_encode(const struct bytes *der, const char *label, struct str *out)
{
	CLEANUP(mem_freep) char *text = base64_encode(der->data, der->len);

	str_addf(out, "-----BEGIN %s-----\n", label);
	for (size_t i = 0, len = strlen(text); i < len; i += PEM_LINE)
		str_addf(out, "%.*s\n", PEM_LINE, text + i);
	str_addf(out, "-----END %s-----\n", label);
}

bool public_key_parse_pem(
	const char *text, size_t len, struct public_key **ret_key, struct err **err)
{
	CLEANUP(bytes_release) struct bytes der = {0};

	if (!pem_decode(text, len, "PUBLIC KEY", &der))
		return err_set(err, ERR_INVALID,
			"not one public key in PEM (\"-----BEGIN PUBLIC KEY-----\")");
	return public_key_parse(der.data, der.len, ret_key, err);
}

void public_key_free(struct public_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	bytes_release(&key->spki);
	mem_free(key);
}

enum public_key_kind public_key_kind(const struct public_key *key)
{
	return key->kind;
}

const struct bytes *public_key_spki(const struct public_key *key)
{
	return &key->spki;
}

const char *public_key_details(const struct public_key *key)
{
	switch (key->kind) {
	case PUBLIC_KEY_P256:
		return "PKIX_ECDSA_P256_SHA_256";
	case PUBLIC_KEY_P384:
		return "PKIX_ECDSA_P384_SHA_384";
	case PUBLIC_KEY_P521:
		return "PKIX_ECDSA_P521_SHA_512";
	case PUBLIC_KEY_ED25519:
		return "PKIX_ED25519";
	case PUBLIC_KEY_RSA:
		break;
	}
	switch (EVP_PKEY_get_bits(key->pkey)) {
	case 2048:
		return "PKIX_RSA_PKCS1V15_2048_SHA256";
	case 3072:
		return "PKIX_RSA_PKCS1V15_3072_SHA256";
	case 4096:
		return "PKIX_RSA_PKCS1V15_4096_SHA256";
	default:
		return NULL;
	}
}

size_t public_key_hashes(const struct public_key *key, enum hash ret_hashes[2])
{
	ret_hashes[1] = HASH_SHA256;
	switch (key->kind) {
	case PUBLIC_KEY_P384:
		ret_hashes[0] = HASH_SHA384;
		return 2;
	case PUBLIC_KEY_P521:
		ret_hashes[0] = HASH_SHA512;
		return 2;
	case PUBLIC_KEY_P256:
	case PUBLIC_KEY_ED25519:
	case PUBLIC_KEY_RSA:
		break;
	}
	ret_hashes[0] = HASH_SHA256;
	return 1;
}

static bool verify_ed25519(const struct public_key *key, const struct message *message,
	const uint8_t *signature, size_t len)
{
	CLEANUP(evp_md_ctx_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();

	return message->bytes && context &&
		EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
		EVP_DigestVerify(context, signature, len, message->bytes, message->len) == 1;
}

static bool verify_digest(const struct public_key *key, enum hash hash, const uint8_t *digest,
	const uint8_t *signature, size_t len)
{
	CLEANUP(evp_pkey_ctx_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);

	if (!context || EVP_PKEY_verify_init(context) != 1)
		return false;
	/* ECDSA takes the digest as it is; RSA's padding names the function. */
	if (key->kind == PUBLIC_KEY_RSA &&
		(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1 ||
			EVP_PKEY_CTX_set_signature_md(context, hash_md(hash)) != 1))
		return false;
	return EVP_PKEY_verify(context, signature, len, digest, hash_size(hash)) == 1;
}

bool public_key_verify(const struct public_key *key, enum hash hash, const struct message *message,
	const uint8_t *signature, size_t len)
{
	uint8_t digest[HASH_MAX_SIZE];
	bool ok;

	if (key->kind == PUBLIC_KEY_ED25519)
		ok = verify_ed25519(key, message, signature, len);
	else
		ok = message_digest(message, hash, digest) &&
			verify_digest(key, hash, digest, signature, len);
	ERR_clear_error();
	return ok;
}

bool public_key_verify_pss(const struct public_key *key, const void *bytes, size_t len,
	const uint8_t *signature, size_t signature_len)
{
	CLEANUP(evp_md_ctx_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *settings = NULL;
	bool ok = key->kind == PUBLIC_KEY_RSA && context &&
		EVP_DigestVerifyInit(context, &settings, EVP_sha256(), NULL, key->pkey) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_AUTO) == 1 &&
		EVP_DigestVerify(context, signature, signature_len, bytes, len) == 1;

	ERR_clear_error();
	return ok;
}
