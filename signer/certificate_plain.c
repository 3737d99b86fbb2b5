/*
 * Certificates as Fulcio issues them, read without OpenSSL's search for a decoder of the public key,
 * which takes ten times as long as all other reading (docs/decisions/043): in a library context
 * without algorithms, the key made here. It accepts less than OpenSSL does and rejects nothing:
 * whatever is not plain is left to OpenSSL as a whole.
 */
#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "base/alloc.h"
#include "signer/certificate_private.h"
#include "signer/public_key_private.h"

/* All that OpenSSL may have noticed; the fingerprint needs SHA-1. */
#define PLAIN                                                                                      \
	(EXFLAG_SET | EXFLAG_BCONS | EXFLAG_KUSAGE | EXFLAG_XKUSAGE | EXFLAG_BCONS_CRITICAL |      \
		EXFLAG_SAN_CRITICAL | EXFLAG_NO_FINGERPRINT)

/* Kept for the life of the process. NULL: nothing is plain. */
static OSSL_LIB_CTX *without_decoders;

static void without_decoders_make(void)
{
	OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();

	if (context && OSSL_PROVIDER_load(context, "null"))
		without_decoders = context;
	else
		OSSL_LIB_CTX_free(context);
}

static X509 *x509_read(const void *der, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const unsigned char *end = der;

	pthread_once(&once, without_decoders_make);
	X509 *x509 = without_decoders ? X509_new_ex(without_decoders, NULL) : NULL;
	/* Frees it on failure. */
	if (!x509 || !d2i_X509(&x509, &end, (long)len))
		return NULL;
	if (end != (const unsigned char *)der + len) {
		X509_free(x509);
		return NULL;
	}
	return x509;
}

static bool signature_hash(const X509 *x509, enum hash *ret_hash)
{
	switch (X509_get_signature_nid(x509)) {
	case NID_ecdsa_with_SHA256:
		*ret_hash = HASH_SHA256;
		return true;
	case NID_ecdsa_with_SHA384:
		*ret_hash = HASH_SHA384;
		return true;
	case NID_ecdsa_with_SHA512:
		*ret_hash = HASH_SHA512;
		return true;
	default:
		return false;
	}
}

static bool is_plain(X509 *x509)
{
	const ASN1_BIT_STRING *signature;
	const X509_ALGOR *outer;
	enum hash hash;

	/* The first time it complains that there is no SHA-1 for a fingerprint. */
	uint32_t flags = X509_get_extension_flags(x509);
	X509_get0_signature(&signature, &outer, x509);
	return flags & EXFLAG_SET && !(flags & ~(uint32_t)PLAIN) &&
		X509_check_purpose(x509, -1, 0) == 1 && X509_check_ca(x509) == 0 &&
		X509_get_ext_by_NID(x509, NID_sbgp_ipAddrBlock, -1) < 0 &&
		X509_get_ext_by_NID(x509, NID_sbgp_autonomousSysNum, -1) < 0 &&
		X509_get_ext_by_NID(x509, NID_name_constraints, -1) < 0 &&
		signature_hash(x509, &hash) &&
		X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(x509)) == 0 &&
		ASN1_STRING_type(signature) == V_ASN1_BIT_STRING && !(signature->flags & 0x07);
}

static bool key_read(const X509 *x509, struct public_key **ret_key)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
	bool ok = len > 0 && public_key_is_plain(der, (size_t)len) &&
		public_key_parse(der, (size_t)len, ret_key, NULL);

	OPENSSL_free(der);
	return ok;
}

X509 *certificate_read_plain(const void *der, size_t len, struct public_key **ret_key)
{
	X509 *x509 = x509_read(der, len);

	if (x509 && (!is_plain(x509) || !key_read(x509, ret_key))) {
		X509_free(x509);
		x509 = NULL;
	}
	ERR_clear_error();
	return x509;
}

/* The first element of the first: what is signed, in the bytes as they came. */
static bool signed_part(const struct bytes *der, const unsigned char **ret_part, size_t *ret_len)
{
	const unsigned char *outer = der->data;
	long len, part_len;
	int tag, class;

	if (ASN1_get_object(&outer, &len, &tag, &class, (long)der->len) != V_ASN1_CONSTRUCTED)
		return false;
	const unsigned char *part = outer;
	if (ASN1_get_object(&part, &part_len, &tag, &class, len) != V_ASN1_CONSTRUCTED)
		return false;
	*ret_part = outer;
	*ret_len = (size_t)(part - outer) + (size_t)part_len;
	return true;
}

bool certificate_plain_is_signed_by(
	const struct bytes *der, const X509 *x509, const struct public_key *key)
{
	const ASN1_BIT_STRING *signature;
	const unsigned char *part;
	enum hash hash;
	size_t len;

	if (public_key_kind(key) == PUBLIC_KEY_RSA || public_key_kind(key) == PUBLIC_KEY_ED25519 ||
		!signature_hash(x509, &hash) || !signed_part(der, &part, &len))
		return false;
	X509_get0_signature(&signature, NULL, x509);
	struct message message = message_of_bytes(part, len);
	return public_key_verify(key, hash, &message, ASN1_STRING_get0_data(signature),
		(size_t)ASN1_STRING_length(signature));
}
