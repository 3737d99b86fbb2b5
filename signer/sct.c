/*
 * The list in the certificate, the bytes a log signed for it, and the signatures. What a log signed
 * is the certificate's TBS part without the list: it is cut out of the DER, so that everything else
 * stays as the authority encoded it. How many logs are enough is the policy's matter.
 */
#include "signer/sct.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/str.h"
#include "signer/certificate_private.h"

#define SCT_LIST_MAX_SIZE ((size_t)64 * 1024)
#define LOG_ID_SIZE TRUST_ROOT_LOG_ID_SIZE

/* 1.3.6.1.4.1.11129.2.4.2 with tag and length, as an extension begins. */
static const uint8_t list_oid[] = {
	0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02};

static bool malformed(struct err **err)
{
	return err_set(err, ERR_INVALID, "the certificate's list of SCTs is malformed");
}

/* ---- Reading: TLS's numbers and vectors ---- */

struct reader {
	const uint8_t *data;
	size_t len;
};

static bool read_bytes(struct reader *reader, size_t len, const uint8_t **ret_bytes)
{
	if (reader->len < len)
		return false;
	*ret_bytes = reader->data;
	reader->data += len;
	reader->len -= len;
	return true;
}

static bool read_number(struct reader *reader, size_t size, uint64_t *ret_number)
{
	const uint8_t *bytes;
	uint64_t number = 0;

	if (!read_bytes(reader, size, &bytes))
		return false;
	for (size_t i = 0; i < size; i++)
		number = number << 8 | bytes[i];
	*ret_number = number;
	return true;
}

/* A vector whose length stands before it in two bytes. */
static bool read_vector(struct reader *reader, struct reader *ret_vector)
{
	uint64_t len;

	if (!read_number(reader, 2, &len) || !read_bytes(reader, len, &ret_vector->data))
		return false;
	ret_vector->len = len;
	return true;
}

struct sct {
	const uint8_t *log_id;
	uint64_t timestamp_ms;
	struct reader extensions;
	uint64_t hash, algorithm;
	struct reader signature;
};

enum { TLS_HASH_SHA256 = 4, TLS_SIGNATURE_RSA = 1, TLS_SIGNATURE_ECDSA = 3 };

static bool sct_read(struct reader text, struct sct *ret)
{
	uint64_t version;

	return read_number(&text, 1, &version) && version == 0 &&
		read_bytes(&text, LOG_ID_SIZE, &ret->log_id) &&
		read_number(&text, 8, &ret->timestamp_ms) &&
		ret->timestamp_ms <= (uint64_t)INT64_MAX && read_vector(&text, &ret->extensions) &&
		read_number(&text, 1, &ret->hash) && read_number(&text, 1, &ret->algorithm) &&
		read_vector(&text, &ret->signature) && text.len == 0;
}

/* ---- What was signed ---- */

/* One element of DER: where its content begins and the element ends. */
static bool element(
	const uint8_t *data, size_t len, const uint8_t **ret_content, const uint8_t **ret_end)
{
	const unsigned char *content = data;
	long content_len;
	int tag, class;

	int result = ASN1_get_object(&content, &content_len, &tag, &class, (long)len);
	ERR_clear_error();
	/* 0x80: malformed; 1: of indefinite length, which DER has not. */
	if (result & 0x81 || content_len < 0 ||
		(size_t)content_len > len - (size_t)(content - data))
		return false;
	*ret_content = content;
	*ret_end = content + content_len;
	return true;
}

static void add_header(struct str *out, int tag, int class, size_t len)
{
	unsigned char header[16], *end = header;

	ASN1_put_object(&end, 1, (int)len, tag, class);
	str_add(out, header, (size_t)(end - header));
}

/* The extensions between `data` and `end` without the list; *ret_cut says whether it was there. */
static bool extensions_without_list(
	const uint8_t *data, const uint8_t *end, struct str *out, bool *ret_cut)
{
	bool cut = false;

	while (data < end) {
		const uint8_t *content, *next;
		if (!element(data, (size_t)(end - data), &content, &next))
			return false;
		if ((size_t)(next - content) >= sizeof(list_oid) &&
			memcmp(content, list_oid, sizeof(list_oid)) == 0)
			cut = true;
		else
			str_add(out, data, (size_t)(next - data));
		data = next;
	}
	*ret_cut = cut;
	return true;
}

/* The TBSCertificate in the DER of a certificate, without the list of SCTs. */
static bool tbs_without_list(const struct bytes *der, struct str *out)
{
	const uint8_t *tbs, *fields, *end, *cursor, *content, *next;
	CLEANUP(str_release) struct str extensions = STR_INIT(CERTIFICATE_MAX_SIZE);
	CLEANUP(str_release) struct str list = STR_INIT(CERTIFICATE_MAX_SIZE);
	CLEANUP(str_release) struct str body = STR_INIT(CERTIFICATE_MAX_SIZE);
	bool cut = false;

	if (!element(der->data, der->len, &tbs, &end) ||
		!element(tbs, (size_t)(end - tbs), &fields, &end))
		return false;
	for (cursor = fields; cursor < end; cursor = next) {
		if (!element(cursor, (size_t)(end - cursor), &content, &next))
			return false;
		/* [3] EXPLICIT Extensions, the last field. */
		if (*cursor != 0xa3) {
			str_add(&body, cursor, (size_t)(next - cursor));
			continue;
		}
		const uint8_t *first, *last;
		if (next != end || !element(content, (size_t)(next - content), &first, &last) ||
			!extensions_without_list(first, last, &extensions, &cut))
			return false;
		add_header(&list, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, extensions.len);
		str_add(&list, extensions.bytes, extensions.len);
		add_header(&body, 3, V_ASN1_CONTEXT_SPECIFIC, list.len);
		str_add(&body, list.bytes, list.len);
	}
	add_header(out, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, body.len);
	str_add(out, body.bytes, body.len);
	return cut;
}

static void add_number(struct str *out, uint64_t number, unsigned size)
{
	for (unsigned i = size; i > 0; i--)
		str_add_char(out, (char)(number >> (8 * (i - 1)) & 0xff));
}

/* The digitally-signed struct of RFC 6962 section 3.2 for a precert_entry. */
static void signed_text(const struct sct *sct, const struct str *tbs,
	const struct certificate *issuer, struct str *out)
{
	const struct bytes *spki = public_key_spki(certificate_key(issuer));
	uint8_t issuer_key[HASH_SHA256_SIZE];

	hash_of(HASH_SHA256, spki->data, spki->len, issuer_key);
	add_number(out, 0, 1); /* version 1 */
	add_number(out, 0, 1); /* certificate_timestamp */
	add_number(out, sct->timestamp_ms, 8);
	add_number(out, 1, 2); /* precert_entry */
	str_add(out, issuer_key, sizeof(issuer_key));
	add_number(out, tbs->len, 3);
	str_add(out, tbs->bytes, tbs->len);
	add_number(out, sct->extensions.len, 2);
	str_add(out, sct->extensions.data, sct->extensions.len);
}

static bool signature_verify(const struct sct *sct, const struct str *tbs,
	const struct certificate *issuer, const struct trusted_log *log)
{
	CLEANUP(str_release) struct str text = STR_INIT(CERTIFICATE_MAX_SIZE + SCT_LIST_MAX_SIZE);
	bool is_rsa = public_key_kind(log->key) == PUBLIC_KEY_RSA;

	signed_text(sct, tbs, issuer, &text);
	struct message message = message_of_bytes(text.bytes, text.len);
	return sct->hash == TLS_HASH_SHA256 &&
		sct->algorithm == (is_rsa ? TLS_SIGNATURE_RSA : TLS_SIGNATURE_ECDSA) &&
		public_key_kind(log->key) != PUBLIC_KEY_ED25519 &&
		public_key_verify(
			log->key, HASH_SHA256, &message, sct->signature.data, sct->signature.len);
}

/* ---- The list ---- */

static bool list_of(const struct certificate *leaf, struct bytes *ret_list, struct err **err)
{
	X509 *x509 = certificate_x509(leaf);
	int position = X509_get_ext_by_NID(x509, NID_ct_precert_scts, -1);

	if (position < 0)
		return true;
	const ASN1_OCTET_STRING *outer = X509_EXTENSION_get_data(X509_get_ext(x509, position));
	const unsigned char *begin = ASN1_STRING_get0_data(outer), *end = begin;
	ASN1_OCTET_STRING *inner = d2i_ASN1_OCTET_STRING(NULL, &end, ASN1_STRING_length(outer));
	ERR_clear_error();
	bool ok = inner && end == begin + ASN1_STRING_length(outer);
	if (ok) {
		size_t len = (size_t)ASN1_STRING_length(inner);
		*ret_list = (struct bytes){mem_dup(ASN1_STRING_get0_data(inner), len), len};
	}
	ASN1_OCTET_STRING_free(inner);
	return ok || malformed(err);
}

static bool sct_accept(const struct sct *sct, const struct str *tbs,
	const struct certificate *issuer, const struct trusted_log *log, struct err **err)
{
	if (!validity_includes(&log->validity, (int64_t)sct->timestamp_ms))
		return err_set(err, ERR_INVALID,
			"the SCT of %.160s was made when that log did not count", log->base_url);
	if (!signature_verify(sct, tbs, issuer, log))
		return err_set(
			err, ERR_INVALID, "the SCT of %.160s has a wrong signature", log->base_url);
	return true;
}

static void log_add(const struct trusted_log *log, const struct trusted_log **logs, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		if (logs[i] == log)
			return;
	logs[(*count)++] = log;
}

static bool list_verify(const struct certificate *leaf, const struct certificate *issuer,
	const struct trust_root *root, const struct trusted_log *ret_logs[SCT_MAX],
	size_t *ret_count, struct err **err)
{
	CLEANUP(bytes_release) struct bytes bytes = {0};
	CLEANUP(str_release) struct str tbs = STR_INIT(CERTIFICATE_MAX_SIZE);
	size_t count = 0, seen = 0;

	if (!list_of(leaf, &bytes, err))
		return false;
	struct reader list = {bytes.data, bytes.len}, all = {0};
	if (bytes.data && (!read_vector(&list, &all) || list.len > 0))
		return malformed(err);
	if (bytes.data && !tbs_without_list(certificate_der(leaf), &tbs))
		return malformed(err);
	for (; all.len > 0; seen++) {
		struct reader text;
		struct sct sct;
		if (seen == SCT_MAX || !read_vector(&all, &text) || !sct_read(text, &sct))
			return malformed(err);
		const struct trusted_log *log = trust_root_ct_log(root, sct.log_id);
		if (!log)
			continue;
		if (!sct_accept(&sct, &tbs, issuer, log, err))
			return false;
		log_add(log, ret_logs, &count);
	}
	*ret_count = count;
	return true;
}

bool sct_verify(const struct certificate *leaf, const struct certificate *issuer,
	const struct trust_root *root, const struct trusted_log *ret_logs[SCT_MAX],
	size_t *ret_count, struct err **err)
{
	struct certificate_finding finding;

	if (certificate_recall(leaf, root->asker, &finding) && finding.issuer == issuer) {
		for (size_t i = 0; i < finding.count; i++)
			ret_logs[i] = finding.items[i];
		*ret_count = finding.count;
		return true;
	}
	if (!list_verify(leaf, issuer, root, ret_logs, ret_count, err))
		return false;
	if (*ret_count > CERTIFICATE_FINDING_MAX)
		return true;
	finding = (struct certificate_finding){root->asker, issuer, {0}, *ret_count};
	for (size_t i = 0; i < finding.count; i++)
		finding.items[i] = ret_logs[i];
	certificate_remember(leaf, &finding);
	return true;
}
