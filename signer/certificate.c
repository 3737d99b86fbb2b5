/*
 * A certificate parsed once, with everything that is asked of it later. Validity is kept in seconds
 * so that both ends of a window can be compared the same way everywhere; OpenSSL's own comparison
 * leaves the last second out.
 */
#include "signer/certificate.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "signer/certificate_private.h"
#include "signer/public_key_private.h"

#define SERIAL_MAX_SIZE 64

struct certificate {
	_Atomic unsigned owners;
	struct certificate_findings *findings;
	X509 *x509;		  /* of a plain one without its key */
	_Atomic(X509 *) complete; /* of a plain one, once somebody asked for it */
	bool is_plain;
	struct bytes der;
	struct public_key *key;
	struct certificate_names names;
	char *serial;
	int64_t not_before;
	int64_t not_after;
};

static bool time_seconds(const ASN1_TIME *time, int64_t *ret_seconds)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ret_seconds = (int64_t)timegm(&tm);
	return true;
}

static char *serial_format(const ASN1_INTEGER *serial)
{
	if (ASN1_STRING_length(serial) > SERIAL_MAX_SIZE)
		return NULL;
	BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = number ? BN_bn2hex(number) : NULL;
	char *text = hex ? mem_strdup(hex) : NULL;

	for (char *c = text; c && *c; c++)
		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c - 'A' + 'a');
	OPENSSL_free(hex);
	BN_free(number);
	return text;
}

static bool key_read(X509 *x509, struct public_key **ret_key, struct err **err)
{
	EVP_PKEY *pkey = X509_get0_pubkey(x509);
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);

	if (!pkey || len <= 0) {
		OPENSSL_free(der);
		return err_set(err, ERR_UNSUPPORTED, "its public key is of no kind that we know");
	}
	CLEANUP(bytes_release)
	struct bytes spki = {mem_dup(der, (size_t)len), (size_t)len};
	OPENSSL_free(der);
	return public_key_wrap(pkey, &spki, ret_key, err);
}

static bool certificate_fill(struct certificate *certificate, struct err **err)
{
	X509 *x509 = certificate->x509;

	/* Makes OpenSSL read the extensions that it knows; says whether it could. */
	if (X509_check_purpose(x509, -1, 0) != 1)
		return err_set(err, ERR_INVALID, "its extensions are malformed");
	if (!time_seconds(X509_get0_notBefore(x509), &certificate->not_before) ||
		!time_seconds(X509_get0_notAfter(x509), &certificate->not_after))
		return err_set(err, ERR_INVALID, "its validity is malformed");
	certificate->serial = serial_format(X509_get0_serialNumber(x509));
	if (!certificate->serial)
		return err_set(err, ERR_INVALID, "its serial number is malformed");
	return (certificate->is_plain || key_read(x509, &certificate->key, err)) &&
		certificate_names_read(x509, &certificate->names, err);
}

bool certificate_parse(
	const void *der, size_t len, struct certificate **ret_certificate, struct err **err)
{
	const unsigned char *end = der;

	if (len > CERTIFICATE_MAX_SIZE)
		return err_set(err, ERR_TOO_LARGE, "certificate: larger than %zu bytes",
			CERTIFICATE_MAX_SIZE);
	CLEANUP(certificate_freep) struct certificate *certificate = certificate_known(der, len);
	if (certificate) {
		*ret_certificate = steal_ptr(&certificate);
		return true;
	}
	struct public_key *key = NULL;
	X509 *plain = certificate_read_plain(der, len, &key);
	X509 *x509 = plain ? plain : d2i_X509(NULL, &end, (long)len);
	ERR_clear_error();
	if (!x509)
		return err_set(err, ERR_INVALID, "certificate: no X.509 in DER");

	certificate = mem_new(1, sizeof(*certificate));
	certificate->findings = certificate_findings_new();
	certificate->owners = 1;
	certificate->x509 = x509;
	certificate->key = key;
	certificate->is_plain = plain != NULL;
	certificate->der = (struct bytes){mem_dup(der, len), len};
	if (!plain && end != (const unsigned char *)der + len)
		return err_set(err, ERR_INVALID, "certificate: bytes after its end");
	bool ok = certificate_fill(certificate, err);
	ERR_clear_error();
	if (!ok)
		return err_prefix(err, "certificate");
	certificate_keep(certificate);
	*ret_certificate = steal_ptr(&certificate);
	return true;
}

bool certificate_parse_pem(
	const char *text, size_t len, struct certificate **ret_certificate, struct err **err)
{
	CLEANUP(bytes_release) struct bytes der = {0};

	if (!pem_decode(text, len, "CERTIFICATE", &der))
		return err_set(err, ERR_INVALID, "not one certificate in PEM");
	return certificate_parse(der.data, der.len, ret_certificate, err);
}

struct certificate *certificate_share(const struct certificate *certificate)
{
	/* All that is ever changed in one itself is the number of its owners. */
	struct certificate *shared = (struct certificate *)(uintptr_t)certificate;

	shared->owners++;
	return shared;
}

void certificate_free(struct certificate *certificate)
{
	if (!certificate || --certificate->owners > 0)
		return;
	X509_free(certificate->x509);
	X509_free(certificate->complete);
	bytes_release(&certificate->der);
	public_key_free(certificate->key);
	certificate_names_release(&certificate->names);
	mem_free(certificate->serial);
	mem_free(certificate->findings);
	mem_free(certificate);
}

struct certificate_findings *certificate_findings(const struct certificate *certificate)
{
	return certificate->findings;
}

const struct bytes *certificate_der(const struct certificate *certificate)
{
	return &certificate->der;
}

const struct public_key *certificate_key(const struct certificate *certificate)
{
	return certificate->key;
}

const char *certificate_serial(const struct certificate *certificate)
{
	return certificate->serial;
}

const char *certificate_identity(const struct certificate *certificate)
{
	return certificate->names.identity;
}

const char *certificate_issuer(const struct certificate *certificate)
{
	return certificate->names.issuer;
}

const char *certificate_claim(const struct certificate *certificate, unsigned number)
{
	return certificate->names.claims[number - CERTIFICATE_CLAIM_FIRST];
}

int64_t certificate_not_before(const struct certificate *certificate)
{
	return certificate->not_before;
}

int64_t certificate_not_after(const struct certificate *certificate)
{
	return certificate->not_after;
}

bool certificate_is_valid_at(const struct certificate *certificate, int64_t unix_seconds)
{
	return unix_seconds >= certificate->not_before && unix_seconds <= certificate->not_after;
}

bool certificate_is_ca(const struct certificate *certificate)
{
	return X509_check_ca(certificate->x509) != 0;
}

bool certificate_is_self_issued(const struct certificate *certificate)
{
	return X509_NAME_cmp(X509_get_issuer_name(certificate->x509),
		       X509_get_subject_name(certificate->x509)) == 0;
}

static uint32_t use_bit(enum certificate_use use)
{
	return use == CERTIFICATE_CODE_SIGNING ? XKU_CODE_SIGN : XKU_TIMESTAMP;
}

/* RFC 3161 section 2.3: time stamping alone, and critical. */
static bool is_for_time_stamping(X509 *x509)
{
	int position = X509_get_ext_by_NID(x509, NID_ext_key_usage, -1);
	int critical = 0;
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(x509, NID_ext_key_usage, &critical, NULL);
	bool ok = position >= 0 && usage && critical == 1 && sk_ASN1_OBJECT_num(usage) == 1 &&
		OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, 0)) == NID_time_stamp;

	EXTENDED_KEY_USAGE_free(usage);
	return ok;
}

bool certificate_is_for(const struct certificate *certificate, enum certificate_use use)
{
	if (X509_get_extension_flags(certificate->x509) & EXFLAG_KUSAGE &&
		!(X509_get_key_usage(certificate->x509) & KU_DIGITAL_SIGNATURE))
		return false;
	if (use == CERTIFICATE_TIME_STAMPING)
		return is_for_time_stamping(certificate->x509);
	return X509_get_extension_flags(certificate->x509) & EXFLAG_XKUSAGE &&
		X509_get_extended_key_usage(certificate->x509) & (use_bit(use) | XKU_ANYEKU);
}

bool certificate_may_issue_for(const struct certificate *certificate, enum certificate_use use)
{
	return !(X509_get_extension_flags(certificate->x509) & EXFLAG_XKUSAGE) ||
		X509_get_extended_key_usage(certificate->x509) & (use_bit(use) | XKU_ANYEKU);
}

X509 *certificate_x509(const struct certificate *certificate)
{
	return certificate->x509;
}

X509 *certificate_x509_complete(const struct certificate *certificate)
{
	/* Whoever made it first: it follows from the bytes. */
	struct certificate *filled = (struct certificate *)(uintptr_t)certificate;
	const unsigned char *end = certificate->der.data;
	X509 *found = certificate->complete;

	if (!certificate->is_plain)
		return certificate->x509;
	if (found)
		return found;
	X509 *complete = d2i_X509(NULL, &end, (long)certificate->der.len);
	ERR_clear_error();
	if (!complete) /* memory ran out; without a key nothing is accepted */
		return certificate->x509;
	if (atomic_compare_exchange_strong(&filled->complete, &found, complete))
		return complete;
	X509_free(complete);
	return found;
}

bool certificate_is_signed_plainly(
	const struct certificate *certificate, const struct public_key *key)
{
	return certificate->is_plain &&
		certificate_plain_is_signed_by(&certificate->der, certificate->x509, key);
}
