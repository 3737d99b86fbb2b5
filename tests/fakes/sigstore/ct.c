/*
 * The certificate transparency log: signs what RFC 6962 section 3.2 says it does for a certificate
 * to be, and puts its timestamp into it. It keeps nothing; nobody here asks it for proofs.
 */
#include <string.h>

#include "base/cleanup.h"
#include "tests/fakes/sigstore/fake.h"

#define SCT_LIST_OID "1.3.6.1.4.1.11129.2.4.2"

static void add_number(struct str *out, uint64_t number, unsigned size)
{
	for (unsigned i = size; i > 0; i--)
		str_add_char(out, (char)(number >> (8 * (i - 1)) & 0xff));
}

/* C2SP static-ct-api: one extension, the index of the leaf in 40 bits. */
static void extensions_make(struct fake_sigstore *fake, bool is_static, struct str *out)
{
	if (!is_static)
		return;
	add_number(out, 0, 1);
	add_number(out, 5, 2);
	add_number(out, fake->ct_index++, 5);
}

/* digitally-signed CertificateTimestamp of a precert_entry */
static void signed_text(X509 *certificate, const struct fake_authority *issuer,
	uint64_t timestamp_ms, const struct str *extensions, struct str *out)
{
	CLEANUP(str_release) struct str spki = STR_INIT(4096);
	uint8_t issuer_hash[FAKE_HASH_SIZE];
	unsigned char *tbs = NULL;
	int len = i2d_re_X509_tbs(certificate, &tbs);

	fake_must(len > 0);
	fake_spki(issuer->key, &spki);
	fake_sha256(spki.bytes, spki.len, issuer_hash);
	add_number(out, 0, 1);
	add_number(out, 0, 1);
	add_number(out, timestamp_ms, 8);
	add_number(out, 1, 2);
	str_add(out, issuer_hash, sizeof(issuer_hash));
	add_number(out, (uint64_t)len, 3);
	str_add(out, tbs, (size_t)len);
	add_number(out, extensions->len, 2);
	str_add(out, str_text(extensions), extensions->len);
	OPENSSL_free(tbs);
}

static void sct_make(struct fake_sigstore *fake, X509 *certificate,
	const struct fake_authority *issuer, enum fake_action fault, struct str *out)
{
	EVP_PKEY *key = fault == FAKE_UNKNOWN_SCT ? fake->strange_ct_key : fake->ct_key;
	CLEANUP(str_release) struct str text = STR_INIT(FAKE_BYTES_MAX);
	CLEANUP(str_release) struct str spki = STR_INIT(4096);
	CLEANUP(str_release) struct str extensions = STR_INIT(64);
	CLEANUP(str_release) struct str signature = STR_INIT(4096);
	uint8_t log_id[FAKE_HASH_SIZE];
	uint64_t now = (uint64_t)clock_unix_ms(fake->clock);
	enum { TLS_HASH_SHA256 = 4, TLS_SIGNATURE_ECDSA = 3 };

	fake_spki(key, &spki);
	fake_sha256(spki.bytes, spki.len, log_id);
	extensions_make(fake, fake->options.static_ct || fault == FAKE_STATIC_SCT, &extensions);
	signed_text(certificate, issuer, now, &extensions, &text);
	if (fault == FAKE_BAD_SCT)
		text.bytes[text.len / 2] ^= 1;
	fake_sign(key, text.bytes, text.len, &signature);
	add_number(out, 0, 1);
	str_add(out, log_id, sizeof(log_id));
	add_number(out, now, 8);
	add_number(out, extensions.len, 2);
	str_add(out, str_text(&extensions), extensions.len);
	add_number(out, TLS_HASH_SHA256, 1);
	add_number(out, TLS_SIGNATURE_ECDSA, 1);
	add_number(out, signature.len, 2);
	str_add(out, signature.bytes, signature.len);
}

void fake_ct_embed(struct fake_sigstore *fake, X509 *certificate,
	const struct fake_authority *issuer, enum fake_action fault)
{
	CLEANUP(str_release) struct str sct = STR_INIT(4096);
	CLEANUP(str_release) struct str list = STR_INIT(8192);
	ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new();
	unsigned char *der = NULL;

	sct_make(fake, certificate, issuer, fault, &sct);
	add_number(&list, sct.len + 2, 2);
	add_number(&list, sct.len, 2);
	str_add(&list, sct.bytes, sct.len);
	fake_must(ASN1_OCTET_STRING_set(inner, (const uint8_t *)list.bytes, (int)list.len));
	int len = i2d_ASN1_OCTET_STRING(inner, &der);
	fake_must(len > 0);
	fake_add_raw_extension(certificate, SCT_LIST_OID, false, der, (size_t)len);
	fake_must(X509_sign(certificate, issuer->key, EVP_sha256()) > 0);
	OPENSSL_free(der);
	ASN1_OCTET_STRING_free(inner);
}
