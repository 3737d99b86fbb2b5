/*
 * Timestamp answers with OpenSSL's CMS reader. Its own TS_RESP_verify_response would build and verify
 * the authority's chain each time, by its own clock rules; here the chain is the trust root's,
 * verified once, and only the one signature of the answer is.
 */
#include "signer/timestamp.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "signer/certificate_private.h"
#include "signer/timestamp_private.h"

struct timestamp {
	TS_RESP *response;
	PKCS7 *token; /* of the response */
	PKCS7_SIGNER_INFO *signer;
	TS_TST_INFO *info;
	int64_t seconds;
};

static bool malformed(struct err **err, const char *what)
{
	return err_set(err, ERR_INVALID, "timestamp: %s", what);
}

static bool is_granted(TS_RESP *response)
{
	enum { GRANTED = 0, GRANTED_WITH_MODIFICATIONS = 1 };
	const ASN1_INTEGER *status = TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(response));
	long value = ASN1_INTEGER_get(status);

	return value == GRANTED || value == GRANTED_WITH_MODIFICATIONS;
}

/* With the authority's own words, if it has any. */
static bool refused(TS_RESP *response, struct err **err)
{
	TS_STATUS_INFO *info = TS_RESP_get_status_info(response);
	const STACK_OF(ASN1_UTF8STRING) *texts = TS_STATUS_INFO_get0_text(info);
	const ASN1_UTF8STRING *text =
		sk_ASN1_UTF8STRING_num(texts) > 0 ? sk_ASN1_UTF8STRING_value(texts, 0) : NULL;
	long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info));

	if (!text)
		return err_set(err, ERR_INVALID,
			"timestamp: the authority did not grant it (status %ld)", status);
	return err_set(err, ERR_INVALID,
		"timestamp: the authority did not grant it (status %ld): %.*s", status,
		(int)strnlen((const char *)ASN1_STRING_get0_data(text), 200),
		(const char *)ASN1_STRING_get0_data(text));
}

/* An algorithm without parameters; NID_undef for any other. */
static int algorithm_nid(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *object;
	int parameters;

	X509_ALGOR_get0(&object, &parameters, NULL, algorithm);
	return parameters == V_ASN1_UNDEF || parameters == V_ASN1_NULL ? OBJ_obj2nid(object)
								       : NID_undef;
}

/* SHA-1 and its elders count neither as imprint nor inside the signature. */
static bool hash_of_algorithm(const X509_ALGOR *algorithm, enum hash *ret_hash)
{
	int nid = algorithm_nid(algorithm);
	if (nid == NID_sha256)
		*ret_hash = HASH_SHA256;
	else if (nid == NID_sha384)
		*ret_hash = HASH_SHA384;
	else if (nid == NID_sha512)
		*ret_hash = HASH_SHA512;
	else
		return false;
	return true;
}

/*
 * OpenSSL verifies with the digest's algorithm and the key it is given; that the answer states the
 * same signature algorithm is not needed for that, but nothing in it should be free to vary.
 */
static bool algorithms_agree(const PKCS7_SIGNER_INFO *signer)
{
	int stated = algorithm_nid(signer->digest_enc_alg);
	int hash = NID_undef, key = NID_undef;

	if (stated == NID_X9_62_id_ecPublicKey || stated == NID_rsaEncryption)
		return true;
	return OBJ_find_sigid_algs(stated, &hash, &key) == 1 &&
		hash == algorithm_nid(signer->digest_alg);
}

static bool versions_are_known(const PKCS7 *token, const PKCS7_SIGNER_INFO *signer)
{
	enum { SIGNED_DATA_VERSION = 3, SIGNER_INFO_VERSION = 1 }; /* RFC 5652 section 5 */

	return ASN1_INTEGER_get(token->d.sign->version) == SIGNED_DATA_VERSION &&
		ASN1_INTEGER_get(signer->version) == SIGNER_INFO_VERSION;
}

static bool token_read(struct timestamp *timestamp, struct err **err)
{
	PKCS7 *token = TS_RESP_get_token(timestamp->response);

	if (!is_granted(timestamp->response))
		return refused(timestamp->response, err);
	if (!token)
		return malformed(err, "there is no token in it");
	if (!PKCS7_type_is_signed(token) || PKCS7_get_detached(token))
		return malformed(err, "its token is not signed");
	STACK_OF(PKCS7_SIGNER_INFO) *signers = PKCS7_get_signer_info(token);
	if (!signers || sk_PKCS7_SIGNER_INFO_num(signers) != 1)
		return malformed(err, "its token does not have exactly one signer");
	timestamp->token = token;
	timestamp->signer = sk_PKCS7_SIGNER_INFO_value(signers, 0);
	enum hash hash;
	if (!hash_of_algorithm(timestamp->signer->digest_alg, &hash) ||
		!algorithms_agree(timestamp->signer))
		return malformed(err, "it is signed with a weak hash function, or two");
	if (!versions_are_known(token, timestamp->signer))
		return malformed(err, "its token is of an unknown version");
	timestamp->info = PKCS7_to_TS_TST_INFO(token);
	if (!timestamp->info || TS_TST_INFO_get_version(timestamp->info) != 1)
		return malformed(err, "its token holds no TSTInfo of version 1");
	if (TS_TST_INFO_get_ext_by_critical(timestamp->info, 1, -1) >= 0)
		return malformed(err, "it has a critical extension");

	struct tm tm;
	const ASN1_GENERALIZEDTIME *time = TS_TST_INFO_get_time(timestamp->info);
	if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
		return malformed(err, "its time is malformed");
	timestamp->seconds = (int64_t)timegm(&tm);
	return true;
}

/* One encoding only: OpenSSL also reads what is not DER. */
static bool is_canonical(const TS_RESP *response, const void *der, size_t len)
{
	unsigned char *again = NULL;
	int again_len = i2d_TS_RESP(response, &again);
	bool ok = again_len > 0 && (size_t)again_len == len && memcmp(again, der, len) == 0;

	OPENSSL_free(again);
	return ok;
}

bool timestamp_parse(
	const void *der, size_t len, struct timestamp **ret_timestamp, struct err **err)
{
	const unsigned char *end = der;

	if (len > TIMESTAMP_MAX_SIZE)
		return err_set(
			err, ERR_TOO_LARGE, "timestamp: larger than %zu bytes", TIMESTAMP_MAX_SIZE);
	CLEANUP(timestamp_freep) struct timestamp *timestamp = mem_new(1, sizeof(*timestamp));
	timestamp->response = d2i_TS_RESP(NULL, &end, (long)len);
	bool ok = timestamp->response && end == (const unsigned char *)der + len &&
		is_canonical(timestamp->response, der, len);
	ok = ok ? token_read(timestamp, err) : malformed(err, "no TimeStampResp in DER");
	ERR_clear_error();
	if (ok)
		*ret_timestamp = steal_ptr(&timestamp);
	return ok;
}

void timestamp_free(struct timestamp *timestamp)
{
	if (!timestamp)
		return;
	TS_TST_INFO_free(timestamp->info);
	TS_RESP_free(timestamp->response);
	mem_free(timestamp);
}

/* ---- Verifying ---- */

static bool imprint_verify(
	const struct timestamp *timestamp, const struct message *message, struct err **err)
{
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(timestamp->info);
	const ASN1_OCTET_STRING *stated = TS_MSG_IMPRINT_get_msg(imprint);
	uint8_t digest[HASH_MAX_SIZE];
	enum hash hash;

	if (!hash_of_algorithm(TS_MSG_IMPRINT_get_algo(imprint), &hash))
		return malformed(err, "its hash function is none of SHA-256, SHA-384, SHA-512");
	if (!message_digest(message, hash, digest) ||
		(size_t)ASN1_STRING_length(stated) != hash_size(hash) ||
		memcmp(ASN1_STRING_get0_data(stated), digest, hash_size(hash)) != 0)
		return malformed(err, "it is for other bytes than this signature");
	return true;
}

bool timestamp_answers(const struct timestamp *timestamp, const struct message *message,
	const uint8_t nonce[TIMESTAMP_NONCE_SIZE], struct err **err)
{
	const ASN1_INTEGER *stated = TS_TST_INFO_get_nonce(timestamp->info);

	if (!stated || ASN1_STRING_type(stated) != V_ASN1_INTEGER ||
		ASN1_STRING_length(stated) != TIMESTAMP_NONCE_SIZE ||
		memcmp(ASN1_STRING_get0_data(stated), nonce, TIMESTAMP_NONCE_SIZE) != 0)
		return malformed(err, "it has another nonce than the request, or none");
	return imprint_verify(timestamp, message, err);
}

/* The same bytes: OpenSSL's own comparison of names overlooks case and kinds of strings. */
static bool names_are_equal(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *a_der, *b_der;
	size_t a_len, b_len;

	return X509_NAME_get0_der(a, &a_der, &a_len) == 1 &&
		X509_NAME_get0_der(b, &b_der, &b_len) == 1 && a_len == b_len &&
		memcmp(a_der, b_der, a_len) == 0;
}

/* Is the signer's name and serial number the one in the token? */
static bool is_signed_by(const struct timestamp *timestamp, const struct certificate *certificate)
{
	const PKCS7_ISSUER_AND_SERIAL *stated = timestamp->signer->issuer_and_serial;
	X509 *x509 = certificate_x509(certificate);

	return stated && names_are_equal(stated->issuer, X509_get_issuer_name(x509)) &&
		ASN1_INTEGER_cmp(stated->serial, X509_get0_serialNumber(x509)) == 0;
}

/* Whichever certificates of end entities came along, they are the signer's. */
static bool embedded_are(const struct timestamp *timestamp, const struct certificate *certificate)
{
	const STACK_OF(X509) *embedded = timestamp->token->d.sign->cert;

	for (int i = 0; i < sk_X509_num(embedded); i++) {
		X509 *x509 = sk_X509_value(embedded, i);
		if (X509_check_ca(x509) == 0 && X509_cmp(x509, certificate_x509(certificate)) != 0)
			return false;
	}
	return true;
}

/* RFC 5035: the signed attributes name the certificate, so that no other can take its place. */
static bool attribute_names(const struct timestamp *timestamp, X509 *x509)
{
	const ASN1_TYPE *old =
		PKCS7_get_signed_attribute(timestamp->signer, NID_id_smime_aa_signingCertificate);
	const ASN1_TYPE *new =
		PKCS7_get_signed_attribute(timestamp->signer, NID_id_smime_aa_signingCertificateV2);
	ESS_SIGNING_CERT *by_sha1 = NULL;
	ESS_SIGNING_CERT_V2 *by_hash = NULL;
	STACK_OF(X509) *chain = sk_X509_new_null();

	if (old && old->type == V_ASN1_SEQUENCE) {
		const unsigned char *der = ASN1_STRING_get0_data(old->value.sequence);
		by_sha1 = d2i_ESS_SIGNING_CERT(NULL, &der, ASN1_STRING_length(old->value.sequence));
	}
	if (new &&new->type == V_ASN1_SEQUENCE) {
		const unsigned char *der = ASN1_STRING_get0_data(new->value.sequence);
		by_hash = d2i_ESS_SIGNING_CERT_V2(
			NULL, &der, ASN1_STRING_length(new->value.sequence));
	}
	bool ok = chain && sk_X509_push(chain, x509) > 0 && (!old || by_sha1) &&
		(!new || by_hash) && OSSL_ESS_check_signing_certs(by_sha1, by_hash, chain, 1) > 0;
	ESS_SIGNING_CERT_free(by_sha1);
	ESS_SIGNING_CERT_V2_free(by_hash);
	sk_X509_free(chain);
	return ok;
}

/* The signature over the signed attributes, and the digest of the content among them. */
static bool signature_verify(const struct timestamp *timestamp, X509 *x509)
{
	uint8_t chunk[4096];
	int got;

	if (!PKCS7_get_signed_attributes(timestamp->signer))
		return false;
	BIO *content = PKCS7_dataInit(timestamp->token, NULL);
	if (!content)
		return false;
	do
		got = BIO_read(content, chunk, sizeof(chunk));
	while (got > 0);
	bool ok = PKCS7_signatureVerify(content, timestamp->token, timestamp->signer, x509) == 1;
	BIO_free_all(content);
	return ok;
}

static bool time_verify(const struct timestamp *timestamp,
	const struct trusted_authority *authority, struct err **err)
{
	if (!validity_includes(&authority->validity, timestamp->seconds * 1000))
		return malformed(err, "it was made when the authority did not count");
	if (!authority->chain)
		return certificate_is_valid_at(authority->signer, timestamp->seconds) ||
			malformed(err, "the authority's certificate was not valid then");
	return chain_is_valid_at(
		authority->chain, authority->issuer, authority->signer, timestamp->seconds, err);
}

static bool authority_verify(const struct timestamp *timestamp,
	const struct trusted_authority *authority, const struct message *message, struct err **err)
{
	X509 *x509 = certificate_x509_complete(authority->signer);

	if (!embedded_are(timestamp, authority->signer))
		return malformed(err, "the certificate in it is not the trusted authority's");
	if (!signature_verify(timestamp, x509) || !attribute_names(timestamp, x509))
		return malformed(err, "its signature is wrong");
	return imprint_verify(timestamp, message, err) && time_verify(timestamp, authority, err);
}

bool timestamp_verify(const struct timestamp *timestamp, const struct trust_root *root,
	const struct message *message, const struct trusted_authority **ret_authority,
	int64_t *ret_seconds, struct err **err)
{
	CLEANUP(err_freep) struct err *reason = NULL;

	/* The same authority may be there with several periods. */
	for (size_t i = 0; i < root->timestamp_authorities.len; i++) {
		const struct trusted_authority *authority = &root->timestamp_authorities.items[i];
		CLEANUP(err_freep) struct err *failure = NULL;
		if (!is_signed_by(timestamp, authority->signer))
			continue;
		bool ok = authority_verify(timestamp, authority, message, &failure);
		ERR_clear_error();
		if (ok) {
			*ret_authority = authority;
			*ret_seconds = timestamp->seconds;
			return true;
		}
		err_keep_first(&reason, &failure);
	}
	if (reason)
		return err_set(err, ERR_INVALID, "%s", reason->msg);
	return err_set(err, ERR_NOT_FOUND, "timestamp: made by no authority of the trusted root");
}
