/* Certificates: roots and intermediates of Fulcio and of the timestamp authority, and the parts of leaves. */
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tests/fakes/sigstore/fake.h"

enum { DAY_S = 24 * 3600, YEARS_S = 10 * 365 * DAY_S };

static void add_name(X509_NAME *name, const char *field, const char *value)
{
	fake_must(X509_NAME_add_entry_by_txt(
		name, field, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0));
}

static void set_serial(X509 *certificate)
{
	unsigned char bytes[20];
	BIGNUM *number;

	fake_must(RAND_bytes(bytes, sizeof(bytes)));
	bytes[0] = (bytes[0] & 0x7f) | 0x40;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	fake_must(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL);
	BN_free(number);
}

X509 *fake_certificate_new(const struct fake_authority *issuer, EVP_PKEY *key, int64_t not_before_s,
	int64_t not_after_s)
{
	X509 *certificate = X509_new();

	fake_must(X509_set_version(certificate, X509_VERSION_3));
	set_serial(certificate);
	fake_must(X509_set_issuer_name(certificate, X509_get_subject_name(issuer->certificate)));
	fake_must(ASN1_TIME_set(X509_getm_notBefore(certificate), not_before_s) != NULL);
	fake_must(ASN1_TIME_set(X509_getm_notAfter(certificate), not_after_s) != NULL);
	fake_must(X509_set_pubkey(certificate, key));
	return certificate;
}

void fake_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	fake_must(extension && X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
}

void fake_add_raw_extension(
	X509 *certificate, const char *oid, bool is_critical, const void *bytes, size_t len)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	fake_must(ASN1_OCTET_STRING_set(value, bytes, (int)len));
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, is_critical, value);
	fake_must(extension && X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
}

void fake_authority_init(struct fake_authority *authority, const char *name,
	const struct fake_authority *issuer, bool is_time_stamping, int64_t now_ms)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	int64_t begin = now_ms / 1000 - DAY_S;
	bool is_leaf = issuer && is_time_stamping;
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);

	fake_must(key != NULL);
	add_name(subject, "O", "cip tests");
	add_name(subject, "CN", name);
	/* A root is its own issuer: only its name is looked at. */
	struct fake_authority self = {key, certificate};
	issuer = issuer ? issuer : &self;
	authority->key = key;
	authority->certificate = fake_certificate_new(issuer, key, begin, begin + YEARS_S);
	fake_must(X509_set_subject_name(authority->certificate, subject));
	X509_free(certificate);
	X509 *above = issuer == &self ? authority->certificate : issuer->certificate;
	if (!is_leaf)
		fake_add_extension(authority->certificate, above, NID_basic_constraints,
			issuer == &self ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0");
	fake_add_extension(authority->certificate, above, NID_key_usage,
		is_leaf ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
	if (is_leaf)
		fake_add_extension(
			authority->certificate, above, NID_ext_key_usage, "critical,timeStamping");
	else if (issuer != &self)
		fake_add_extension(authority->certificate, above, NID_ext_key_usage, "codeSigning");
	fake_add_extension(authority->certificate, above, NID_subject_key_identifier, "hash");
	fake_add_extension(authority->certificate, above, NID_authority_key_identifier, "keyid");
	fake_must(X509_sign(authority->certificate, issuer->key, EVP_sha256()) > 0);
}

void fake_authority_release(struct fake_authority *authority)
{
	EVP_PKEY_free(authority->key);
	X509_free(authority->certificate);
}
