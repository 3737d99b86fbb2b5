/*
 * Envelopes out of and into JSON, and what is signed of them. The payload is bytes here; statement.h reads it.
 */
#include "signer/dsse.h"

#include <string.h>

#include "signer/dsse_private.h"
#include "signer/json_private.h"

bool dsse_read(const struct json_t *object, struct dsse_envelope *envelope, struct err **err)
{
	static const char *const fields[] = {"payload", "payloadType", "signatures", NULL};
	static const char *const signature_fields[] = {"sig", "keyid", NULL};
	const struct json_t *signatures;
	const char *type;
	size_t count;

	if (!proto_only(object, fields, err) || !proto_text(object, "payloadType", &type, err) ||
		!proto_bytes(object, "payload", DSSE_MAX_SIZE, &envelope->payload, err) ||
		!proto_objects(object, "signatures", 16, &signatures, &count, err))
		return false;
	if (count != 1)
		return err_set(
			err, ERR_INVALID, "the envelope has %zu signatures instead of one", count);
	envelope->payload_type = mem_strdup(type);
	const struct json_t *signature = proto_element(signatures, 0);
	if (!proto_only(signature, signature_fields, err) ||
		!proto_bytes(signature, "sig", DSSE_SIGNATURE_MAX_SIZE, &envelope->signature, err))
		return false;
	return envelope->signature.len > 0 ||
		err_set(err, ERR_INVALID, "the envelope's signature is empty");
}

bool dsse_parse(const char *text, size_t len, struct dsse_envelope *ret_envelope, struct err **err)
{
	CLEANUP(json_tree_freep) struct json_t *document = NULL;
	CLEANUP(dsse_release) struct dsse_envelope envelope = {0};

	if (!proto_load(text, len, DSSE_MAX_SIZE, &document, err) ||
		!dsse_read(document, &envelope, err))
		return err_prefix(err, "DSSE envelope");
	*ret_envelope = envelope;
	envelope = (struct dsse_envelope){0};
	return true;
}

void dsse_release(struct dsse_envelope *envelope)
{
	mem_free(envelope->payload_type);
	bytes_release(&envelope->payload);
	bytes_release(&envelope->signature);
}

void dsse_pae(const struct dsse_envelope *envelope, struct str *out)
{
	str_addf(out, "DSSEv1 %zu %s %zu ", strlen(envelope->payload_type), envelope->payload_type,
		envelope->payload.len);
	str_add(out, envelope->payload.data, envelope->payload.len);
}

void dsse_write(const struct dsse_envelope *envelope, struct str *out)
{
	str_add_text(out, "{\"payload\":");
	json_write_base64(out, envelope->payload.data, envelope->payload.len);
	str_add_text(out, ",\"payloadType\":");
	json_write_text(out, envelope->payload_type);
	str_add_text(out, ",\"signatures\":[{\"sig\":");
	json_write_base64(out, envelope->signature.data, envelope->signature.len);
	str_add_text(out, "}]}");
}
