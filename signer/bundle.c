/*
 * Reads the JSON of Sigstore bundles, field by field with the limits and rules of its versions. The
 * older form is bundle_legacy.c's.
 */
#include "signer/bundle.h"

#include <string.h>

#include "signer/dsse_private.h"
#include "signer/json_private.h"
#include "signer/log_entry_private.h"
#include "signer/timestamp.h"

#define CERTIFICATES_MAX 16
#define SIGNATURE_MAX_SIZE DSSE_SIGNATURE_MAX_SIZE

static bool version_read(const struct json_t *document, struct bundle *bundle, struct err **err)
{
	static const struct {
		const char *media_type;
		enum bundle_form form;
	} types[] = {
		{"application/vnd.dev.sigstore.bundle+json;version=0.1", BUNDLE_0_1},
		{"application/vnd.dev.sigstore.bundle+json;version=0.2", BUNDLE_0_2},
		{"application/vnd.dev.sigstore.bundle+json;version=0.3", BUNDLE_0_3},
		{"application/vnd.dev.sigstore.bundle.v0.3+json", BUNDLE_0_3},
	};
	const char *text;

	if (!proto_text(document, "mediaType", &text, err))
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].media_type, text) == 0) {
			bundle->form = types[i].form;
			return true;
		}
	return err_set(err, ERR_UNSUPPORTED,
		"media type \"%.160s\" is no Sigstore bundle of version 0.1 to 0.3", text);
}

/* ---- Who signed ---- */

static bool certificate_read(
	const struct json_t *object, struct certificate **ret_certificate, struct err **err)
{
	static const char *const fields[] = {"rawBytes", NULL};
	CLEANUP(bytes_release) struct bytes der = {0};

	return proto_only(object, fields, err) &&
		proto_bytes(object, "rawBytes", CERTIFICATE_MAX_SIZE, &der, err) &&
		certificate_parse(der.data, der.len, ret_certificate, err);
}

/* Issuers come from the trust root alone; those that came along need only be harmless. */
static bool chain_read(const struct json_t *chain, struct bundle *bundle, struct err **err)
{
	static const char *const fields[] = {"certificates", NULL};
	const struct json_t *array;
	size_t count;

	if (bundle->form == BUNDLE_0_3)
		return err_set(
			err, ERR_INVALID, "a certificate chain, which version 0.3 does not allow");
	if (!proto_only(chain, fields, err) ||
		!proto_objects(chain, "certificates", CERTIFICATES_MAX, &array, &count, err))
		return false;
	if (count == 0)
		return err_set(err, ERR_INVALID, "the certificate chain is empty");
	for (size_t i = 0; i < count; i++) {
		CLEANUP(certificate_freep) struct certificate *certificate = NULL;
		if (!certificate_read(proto_element(array, i), &certificate, err))
			return false;
		if (certificate_is_self_issued(certificate))
			return err_set(err, ERR_INVALID,
				"a root certificate in it: roots come from the trusted root alone");
		if (i == 0)
			bundle->certificate = steal_ptr(&certificate);
	}
	return true;
}

static bool signer_read(const struct json_t *material, struct bundle *bundle, struct err **err)
{
	static const char *const key_fields[] = {"hint", NULL};
	const struct json_t *key, *certificate, *chain;

	if (!proto_object(material, "publicKey", &key, err) ||
		!proto_object(material, "certificate", &certificate, err) ||
		!proto_object(material, "x509CertificateChain", &chain, err))
		return false;
	if (!!key + !!certificate + !!chain != 1)
		return err_set(err, ERR_INVALID,
			"not exactly one of publicKey, certificate, x509CertificateChain");
	if (chain)
		return chain_read(chain, bundle, err);
	if (key)
		return proto_only(key, key_fields, err);
	if (!certificate_read(certificate, &bundle->certificate, err))
		return false;
	return !certificate_is_self_issued(bundle->certificate) ||
		err_set(err, ERR_INVALID, "its certificate is a root certificate");
}

/* ---- Log entries ---- */

static bool entries_read(const struct json_t *material, struct bundle *bundle, struct err **err)
{
	const struct json_t *array;
	size_t count;

	if (!proto_objects(material, "tlogEntries", BUNDLE_MAX_ENTRIES, &array, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct log_entry *entry = vec_push(&bundle->entries);
		if (!log_entry_read(proto_element(array, i), entry, err))
			return err_prefix(err, "tlogEntries[%zu]", i);
		if (bundle->form == BUNDLE_0_1 ? !entry->promise.len : !entry->has_proof)
			return err_set(err, ERR_INVALID,
				"tlogEntries[%zu]: no inclusion %s, which this version requires", i,
				bundle->form == BUNDLE_0_1 ? "promise" : "proof");
	}
	return true;
}

static bool timestamps_read(const struct json_t *material, struct bundle *bundle, struct err **err)
{
	static const char *const fields[] = {"rfc3161Timestamps", NULL};
	static const char *const element_fields[] = {"signedTimestamp", NULL};
	const struct json_t *data, *array;
	size_t count;

	if (!proto_object(material, "timestampVerificationData", &data, err) ||
		!proto_only(data, fields, err) ||
		!proto_objects(
			data, "rfc3161Timestamps", BUNDLE_MAX_TIMESTAMPS, &array, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct json_t *element = proto_element(array, i);
		if (!proto_only(element, element_fields, err) ||
			!proto_bytes(element, "signedTimestamp", TIMESTAMP_MAX_SIZE,
				vec_push(&bundle->timestamps), err))
			return err_prefix(err, "rfc3161Timestamps[%zu]", i);
	}
	return true;
}

static bool material_read(const struct json_t *document, struct bundle *bundle, struct err **err)
{
	static const char *const fields[] = {"publicKey", "certificate", "x509CertificateChain",
		"tlogEntries", "timestampVerificationData", NULL};
	const struct json_t *material;

	if (!proto_object(document, "verificationMaterial", &material, err))
		return false;
	if (!material)
		return err_set(err, ERR_INVALID, "no verificationMaterial");
	return proto_only(material, fields, err) && signer_read(material, bundle, err) &&
		entries_read(material, bundle, err) && timestamps_read(material, bundle, err);
}

/* ---- What was signed ---- */

static bool digest_read(const struct json_t *object, struct bundle *bundle, struct err **err)
{
	static const char *const fields[] = {"algorithm", "digest", NULL};
	const struct json_t *digest;
	const char *algorithm;

	if (!proto_object(object, "messageDigest", &digest, err) ||
		!proto_only(digest, fields, err) ||
		!proto_text(digest, "algorithm", &algorithm, err) ||
		!proto_bytes(digest, "digest", HASH_MAX_SIZE, &bundle->stated_digest, err))
		return false;
	for (unsigned i = 0; i < HASH_COUNT; i++)
		if (strcmp(hash_protobuf_name((enum hash)i), algorithm) == 0) {
			bundle->stated_hash = (enum hash)i;
			return bundle->stated_digest.len == hash_size((enum hash)i) ||
				err_set(err, ERR_INVALID, "messageDigest has the wrong length");
		}
	/* A hint that we cannot compare. */
	bytes_release(&bundle->stated_digest);
	return true;
}

static bool content_read(const struct json_t *document, struct bundle *bundle, struct err **err)
{
	static const char *const fields[] = {"messageDigest", "signature", NULL};
	const struct json_t *message, *envelope;

	if (!proto_object(document, "messageSignature", &message, err) ||
		!proto_object(document, "dsseEnvelope", &envelope, err))
		return false;
	if (!message == !envelope)
		return err_set(
			err, ERR_INVALID, "not exactly one of messageSignature and dsseEnvelope");
	bundle->is_envelope = envelope != NULL;
	if (envelope)
		return dsse_read(envelope, &bundle->envelope, err);
	if (!proto_only(message, fields, err) ||
		!proto_bytes(message, "signature", SIGNATURE_MAX_SIZE, &bundle->signature, err) ||
		!digest_read(message, bundle, err))
		return false;
	return bundle->signature.len > 0 || err_set(err, ERR_INVALID, "the signature is empty");
}

bool bundle_parse(const char *text, size_t len, struct bundle **ret_bundle, struct err **err)
{
	static const char *const fields[] = {
		"mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope", NULL};
	CLEANUP(json_tree_freep) struct json_t *document = NULL;
	CLEANUP(bundle_freep) struct bundle *bundle = mem_new(1, sizeof(*bundle));

	if (!proto_load(text, len, BUNDLE_MAX_SIZE, &document, err) ||
		!version_read(document, bundle, err) || !proto_only(document, fields, err) ||
		!material_read(document, bundle, err) || !content_read(document, bundle, err))
		return err_prefix(err, "bundle");
	*ret_bundle = steal_ptr(&bundle);
	return true;
}

void bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	certificate_free(bundle->certificate);
	mem_free(bundle->chain);
	for (size_t i = 0; i < bundle->entries.len; i++)
		log_entry_release(&bundle->entries.items[i]);
	for (size_t i = 0; i < bundle->timestamps.len; i++)
		bytes_release(&bundle->timestamps.items[i]);
	vec_release(&bundle->entries);
	vec_release(&bundle->timestamps);
	dsse_release(&bundle->envelope);
	bytes_release(&bundle->envelope_text);
	bytes_release(&bundle->signature);
	bytes_release(&bundle->stated_digest);
	mem_free(bundle);
}

const struct bytes *bundle_signature(const struct bundle *bundle)
{
	return bundle->is_envelope ? &bundle->envelope.signature : &bundle->signature;
}
