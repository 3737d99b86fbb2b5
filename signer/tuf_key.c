/*
 * The kinds of keys that TUF metadata may name, over signer/public_key.h. Which keys count for what
 * is tuf_metadata.c's.
 */
#include "signer/tuf_key.h"

#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "signer/public_key.h"

#define SIGNATURE_MAX ((size_t)1024)
#define POINT_MAX 97

/* What stands before the point in the SubjectPublicKeyInfo of a curve (RFC 5480, RFC 8410). */
static const uint8_t p256_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42,
	0x00};
static const uint8_t p384_head[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};
static const uint8_t ed25519_head[] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

struct scheme {
	const char *types[2];
	const char *name;
	enum public_key_kind kind;
	size_t point_size; /* 0: keys are in PEM only */
	const uint8_t *head;
	size_t head_size;
};

static const struct scheme schemes[] = {
	{{"ecdsa", "ecdsa-sha2-nistp256"}, "ecdsa-sha2-nistp256", PUBLIC_KEY_P256, 65, p256_head,
		sizeof(p256_head)},
	{{"ecdsa", "ecdsa-sha2-nistp384"}, "ecdsa-sha2-nistp384", PUBLIC_KEY_P384, 97, p384_head,
		sizeof(p384_head)},
	{{"ed25519", "ed25519"}, "ed25519", PUBLIC_KEY_ED25519, 32, ed25519_head,
		sizeof(ed25519_head)},
	{{"rsa", "rsa"}, "rsassa-pss-sha256", PUBLIC_KEY_RSA, 0, NULL, 0},
};

struct tuf_key {
	struct public_key *key;
	const struct scheme *scheme;
};

void tuf_key_free(struct tuf_key *key)
{
	if (!key)
		return;
	public_key_free(key->key);
	mem_free(key);
}

static const struct scheme *find_scheme(const char *type, const char *name)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strcmp(schemes[i].name, name) == 0 &&
			(strcmp(schemes[i].types[0], type) == 0 ||
				strcmp(schemes[i].types[1], type) == 0))
			return &schemes[i];
	return NULL;
}

static bool parse_point(
	const struct scheme *scheme, const char *hex, struct public_key **ret_key, struct err **err)
{
	uint8_t der[sizeof(p256_head) + POINT_MAX];

	if (scheme->point_size == 0 || strlen(hex) != 2 * scheme->point_size ||
		!hex_decode(hex, scheme->point_size, der + scheme->head_size))
		return err_set(err, ERR_INVALID, "neither PEM nor the digits of a point");
	memcpy(der, scheme->head, scheme->head_size);
	return public_key_parse(der, scheme->head_size + scheme->point_size, ret_key, err);
}

struct tuf_key *tuf_key_new(
	const char *type, const char *scheme, const char *public_text, struct err **err)
{
	CLEANUP(tuf_key_freep) struct tuf_key *key = mem_new(1, sizeof(*key));
	bool is_pem = strncmp(public_text, "-----", 5) == 0;
	bool ok;

	key->scheme = find_scheme(type, scheme);
	if (!key->scheme) {
		err_set(err, ERR_UNSUPPORTED, "unknown kind of key (%.40s, %.40s)", type, scheme);
		return NULL;
	}
	ok = is_pem ? public_key_parse_pem(public_text, strlen(public_text), &key->key, err)
		    : parse_point(key->scheme, public_text, &key->key, err);
	if (ok && public_key_kind(key->key) != key->scheme->kind)
		ok = err_set(err, ERR_INVALID, "a key of another kind");
	if (!ok) {
		/* A kind of key that is known, but not this key: not to be passed over. */
		if (err && *err)
			(*err)->kind = ERR_INVALID;
		err_prefix(err, "not a public key for %s", scheme);
		return NULL;
	}
	return steal_ptr(&key);
}

bool tuf_key_equal(const struct tuf_key *a, const struct tuf_key *b)
{
	const struct bytes *spki = public_key_spki(b->key);

	return bytes_equal(public_key_spki(a->key), spki->data, spki->len);
}

bool tuf_key_verify(
	const struct tuf_key *key, const void *bytes, size_t len, const char *signature_hex)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t digits = strnlen(signature_hex, 2 * SIGNATURE_MAX + 1);
	struct message message;

	if (digits == 0 || digits % 2 || digits > 2 * SIGNATURE_MAX ||
		!hex_decode(signature_hex, digits / 2, signature))
		return false;
	if (key->scheme->kind == PUBLIC_KEY_RSA)
		return public_key_verify_pss(key->key, bytes, len, signature, digits / 2);
	message = message_of_bytes(bytes, len);
	return public_key_verify(key->key,
		key->scheme->kind == PUBLIC_KEY_P384 ? HASH_SHA384 : HASH_SHA256, &message,
		signature, digits / 2);
}
