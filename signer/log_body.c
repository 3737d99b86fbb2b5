/*
 * The bodies that Rekor writes: reading those of v1, building that of v2. Every field that says who
 * signed what is compared with what we hold; the rest of a body is nobody's promise.
 */
#include <jansson.h>
#include <string.h>

#include "base/enc.h"
#include "signer/json_private.h"
#include "signer/log_body_private.h"
#include "signer/public_key_private.h"

static bool mismatch(struct err **err, const char *what)
{
	return err_set(err, ERR_INVALID, "the log entry is about another %s", what);
}

static bool malformed(struct err **err, const struct log_entry *entry)
{
	return err_set(err, ERR_INVALID, "the log entry's body is no %.64s %.64s", entry->kind,
		entry->version);
}

/* Base64 of PEM: our certificate, or our key. */
static bool signer_is_ours(const char *text, const struct logged *logged)
{
	CLEANUP(bytes_release) struct bytes pem = {0};
	CLEANUP(bytes_release) struct bytes der = {0};
	const struct bytes *ours = logged->certificate ? certificate_der(logged->certificate)
						       : public_key_spki(logged->key);

	return bytes_from_base64(text, &pem) &&
		pem_decode((const char *)pem.data, pem.len,
			logged->certificate ? "CERTIFICATE" : "PUBLIC KEY", &der) &&
		bytes_equal(&der, ours->data, ours->len);
}

static bool signature_is_ours(const char *text, const struct logged *logged)
{
	CLEANUP(bytes_release) struct bytes signature = {0};

	return bytes_from_base64(text, &signature) &&
		bytes_equal(logged->signature, signature.data, signature.len);
}

static bool digest_is(const char *algorithm, const char *hex, const struct message *message)
{
	uint8_t stated[HASH_MAX_SIZE], ours[HASH_MAX_SIZE];

	for (unsigned i = 0; i < HASH_COUNT; i++) {
		enum hash hash = (enum hash)i;
		if (strcmp(algorithm, hash_name(hash)) == 0)
			return strlen(hex) == 2 * hash_size(hash) &&
				hex_decode(hex, hash_size(hash), stated) &&
				message_digest(message, hash, ours) &&
				memcmp(stated, ours, hash_size(hash)) == 0;
	}
	return false;
}

static bool hashedrekord_check(
	const struct log_entry *entry, json_t *spec, const struct logged *logged, struct err **err)
{
	const char *algorithm, *value, *signature, *signer;

	if (json_unpack(spec, "{s:{s:{s:s,s:s}},s:{s:s,s:{s:s}}}", "data", "hash", "algorithm",
		    &algorithm, "value", &value, "signature", "content", &signature, "publicKey",
		    "content", &signer) != 0)
		return malformed(err, entry);
	if (!digest_is(algorithm, value, logged->message))
		return mismatch(err, "digest");
	if (!signature_is_ours(signature, logged))
		return mismatch(err, "signature");
	return signer_is_ours(signer, logged) || mismatch(err, "certificate or key");
}

static bool payload_is_ours(const char *algorithm, const char *value, const struct logged *logged)
{
	struct message payload =
		message_of_bytes(logged->envelope->payload.data, logged->envelope->payload.len);

	return digest_is(algorithm, value, &payload);
}

static bool dsse_check(
	const struct log_entry *entry, json_t *spec, const struct logged *logged, struct err **err)
{
	const char *algorithm, *value, *envelope_algorithm, *envelope_value, *signature, *signer;
	json_t *signatures;

	if (json_unpack(spec, "{s:{s:s,s:s},s:{s:s,s:s},s:o}", "payloadHash", "algorithm",
		    &algorithm, "value", &value, "envelopeHash", "algorithm", &envelope_algorithm,
		    "value", &envelope_value, "signatures", &signatures) != 0 ||
		json_array_size(signatures) != 1 ||
		json_unpack(json_array_get(signatures, 0), "{s:s,s:s}", "signature", &signature,
			"verifier", &signer) != 0)
		return malformed(err, entry);
	if (!payload_is_ours(algorithm, value, logged))
		return mismatch(err, "payload");
	if (logged->envelope_text) {
		struct message text =
			message_of_bytes(logged->envelope_text->data, logged->envelope_text->len);
		if (!digest_is(envelope_algorithm, envelope_value, &text))
			return mismatch(err, "envelope");
	}
	if (!signature_is_ours(signature, logged))
		return mismatch(err, "signature");
	return signer_is_ours(signer, logged) || mismatch(err, "certificate or key");
}

/* Base64 of the base64 that stands in the envelope. */
static bool wrapped_signature_is_ours(const char *text, const struct logged *logged)
{
	CLEANUP(bytes_release) struct bytes inner = {0};

	return bytes_from_base64(text, &inner) && strlen((const char *)inner.data) == inner.len &&
		signature_is_ours((const char *)inner.data, logged);
}

static bool intoto_check(
	const struct log_entry *entry, json_t *spec, const struct logged *logged, struct err **err)
{
	const char *algorithm, *value, *type, *signature, *signer;
	json_t *signatures;

	if (json_unpack(spec, "{s:{s:{s:s,s:s},s:{s:s,s:o}}}", "content", "payloadHash",
		    "algorithm", &algorithm, "value", &value, "envelope", "payloadType", &type,
		    "signatures", &signatures) != 0 ||
		json_array_size(signatures) != 1 ||
		json_unpack(json_array_get(signatures, 0), "{s:s,s:s}", "sig", &signature,
			"publicKey", &signer) != 0)
		return malformed(err, entry);
	if (strcmp(type, logged->envelope->payload_type) != 0 ||
		!payload_is_ours(algorithm, value, logged))
		return mismatch(err, "payload");
	if (!wrapped_signature_is_ours(signature, logged))
		return mismatch(err, "signature");
	return signer_is_ours(signer, logged) || mismatch(err, "certificate or key");
}

static const struct {
	const char *kind;
	const char *version;
	bool is_envelope;
	bool (*check)(const struct log_entry *entry, json_t *spec, const struct logged *logged,
		struct err **err);
} bodies[] = {
	{"hashedrekord", "0.0.1", false, hashedrekord_check},
	{"dsse", "0.0.1", true, dsse_check},
	{"intoto", "0.0.2", true, intoto_check},
};

bool log_body_check(const struct log_entry *entry, const struct logged *logged, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *body = NULL;
	const char *kind, *version;
	json_t *spec;
	size_t i = 0;

	while (i < sizeof(bodies) / sizeof(bodies[0]) &&
		(strcmp(bodies[i].kind, entry->kind) != 0 ||
			strcmp(bodies[i].version, entry->version) != 0))
		i++;
	if (i == sizeof(bodies) / sizeof(bodies[0]))
		return err_set(err, ERR_UNSUPPORTED, "log entries of kind %.64s %.64s", entry->kind,
			entry->version);
	if (!entry->body.data)
		return err_set(err, ERR_INVALID, "the log entry has no body");
	if (!json_load_object((const char *)entry->body.data, entry->body.len,
		    LOG_ENTRY_BODY_MAX_SIZE, &body, err))
		return err_prefix(err, "the log entry's body");
	if (json_unpack(body, "{s:s,s:s,s:o}", "kind", &kind, "apiVersion", &version, "spec",
		    &spec) != 0 ||
		strcmp(kind, entry->kind) != 0 || strcmp(version, entry->version) != 0)
		return malformed(err, entry);
	if (bodies[i].is_envelope && !logged->envelope)
		return mismatch(err, "kind of signature");
	return bodies[i].check(entry, spec, logged, err);
}

bool log_body_build(const struct logged *logged, enum hash hash, struct str *out)
{
	const char *details = public_key_details(logged->key);
	const struct bytes *signer = logged->certificate ? certificate_der(logged->certificate)
							 : public_key_spki(logged->key);
	uint8_t digest[HASH_MAX_SIZE];

	if (!details || !message_digest(logged->message, hash, digest))
		return false;
	CLEANUP(mem_freep) char *digest_text = base64_encode(digest, hash_size(hash));
	CLEANUP(mem_freep)
	char *signature = base64_encode(logged->signature->data, logged->signature->len);
	CLEANUP(mem_freep) char *signer_text = base64_encode(signer->data, signer->len);

	/* RFC 8785: keys sorted, no space; nothing in these values needs an escape. */
	const char *const parts[] = {
		"{\"apiVersion\":\"0.0.2\",\"kind\":\"hashedrekord\",\"spec\":{",
		"\"hashedRekordV002\":{\"data\":{\"algorithm\":\"",
		hash_protobuf_name(hash),
		"\",\"digest\":\"",
		digest_text,
		"\"},\"signature\":{\"content\":\"",
		signature,
		"\",\"verifier\":{\"keyDetails\":\"",
		details,
		"\",\"",
		logged->certificate ? "x509Certificate" : "publicKey",
		"\":{\"rawBytes\":\"",
		signer_text,
		"\"}}}}}}",
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		str_add_text(out, parts[i]);
	return !str_overflowed(out);
}
