/*
 * cosign's older form: what a bundle holds, in annotations of a layer. Only Rekor v1's promises fit
 * into it. Who looks up layers and images is not known here.
 */
#include <jansson.h>
#include <string.h>

#include "base/enc.h"
#include "signer/bundle.h"
#include "signer/json_private.h"
#include "signer/log_entry_private.h"
#include "signer/timestamp.h"

#define ANNOTATION_MAX_SIZE ((size_t)16 << 20)

static bool base64_read(
	const char *text, size_t max, const char *what, struct bytes *ret_bytes, struct err **err)
{
	if (strlen(text) / 4 * 3 > max + 2)
		return err_set(err, ERR_TOO_LARGE, "%s is larger than %zu bytes", what, max);
	return bytes_from_base64(text, ret_bytes) ||
		err_set(err, ERR_INVALID, "%s is no valid base64", what);
}

static bool entry_fill(json_t *document, struct log_entry *entry, struct err **err)
{
	const char *promise, *body, *log_id;
	json_int_t time, index;

	/* Exactly these fields. */
	if (json_unpack(document, "{s:s,s:{s:s,s:I,s:I,s:s!}!}", "SignedEntryTimestamp", &promise,
		    "Payload", "body", &body, "integratedTime", &time, "logIndex", &index, "logID",
		    &log_id) != 0 ||
		time < 0 || time > LOG_ENTRY_TIME_MAX || index < 0)
		return err_set(err, ERR_INVALID,
			"not a SignedEntryTimestamp and a Payload with body, integratedTime, "
			"logIndex, logID");
	if (strlen(log_id) != 2 * sizeof(entry->log_id) ||
		!hex_decode(log_id, sizeof(entry->log_id), entry->log_id))
		return err_set(err, ERR_INVALID, "logID is not 64 hexadecimal digits");
	entry->integrated_time = (uint64_t)time;
	entry->index = (uint64_t)index;
	return base64_read(promise, LOG_ENTRY_PROMISE_MAX_SIZE, "SignedEntryTimestamp",
		       &entry->promise, err) &&
		base64_read(body, LOG_ENTRY_BODY_MAX_SIZE, "body", &entry->body, err) &&
		log_entry_read_kind(entry, err);
}

static bool entry_read(const char *text, struct bundle *bundle, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;
	struct log_entry *entry = vec_push(&bundle->entries);

	if (!json_load_object(text, strlen(text), ANNOTATION_MAX_SIZE, &document, err) ||
		!entry_fill(document, entry, err))
		return err_prefix(err, "annotation dev.sigstore.cosign/bundle");
	return entry->promise.len > 0 ||
		err_set(err, ERR_UNSUPPORTED,
			"annotation dev.sigstore.cosign/bundle: no signed entry timestamp; an "
			"entry of Rekor v2 cannot be verified in this form");
}

static bool timestamp_read(const char *text, struct bundle *bundle, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;
	const char *answer;

	if (!json_load_object(text, strlen(text), ANNOTATION_MAX_SIZE, &document, err))
		return err_prefix(err, "annotation dev.sigstore.cosign/rfc3161timestamp");
	if (json_unpack(document, "{s:s!}", "SignedRFC3161Timestamp", &answer) != 0)
		return err_set(err, ERR_INVALID,
			"annotation dev.sigstore.cosign/rfc3161timestamp: no "
			"SignedRFC3161Timestamp");
	return base64_read(answer, TIMESTAMP_MAX_SIZE,
		"annotation dev.sigstore.cosign/rfc3161timestamp", vec_push(&bundle->timestamps),
		err);
}

static bool content_read(const struct legacy_layer *layer, struct bundle *bundle, struct err **err)
{
	bundle->is_envelope = layer->is_envelope;
	if (layer->is_envelope) {
		bundle->envelope_text =
			(struct bytes){mem_dup(layer->blob, layer->len), layer->len};
		return dsse_parse(layer->blob, layer->len, &bundle->envelope, err);
	}
	if (!layer->signature || !*layer->signature)
		return err_set(err, ERR_INVALID,
			"no annotation dev.cosignproject.cosign/signature: it is not signed");
	return base64_read(layer->signature, DSSE_SIGNATURE_MAX_SIZE,
		"annotation dev.cosignproject.cosign/signature", &bundle->signature, err);
}

static bool layer_read(const struct legacy_layer *layer, struct bundle *bundle, struct err **err)
{
	const char *certificate = layer->certificate;

	if (!content_read(layer, bundle, err))
		return false;
	if (certificate && *certificate &&
		!certificate_parse_pem(certificate, strlen(certificate), &bundle->certificate, err))
		return err_prefix(err, "annotation dev.sigstore.cosign/certificate");
	if (bundle->certificate && certificate_is_self_issued(bundle->certificate))
		return err_set(err, ERR_INVALID, "its certificate is a root certificate");
	if (layer->log_entry && *layer->log_entry && !entry_read(layer->log_entry, bundle, err))
		return false;
	return !layer->timestamp || !*layer->timestamp ||
		timestamp_read(layer->timestamp, bundle, err);
}

bool bundle_of_legacy(
	const struct legacy_layer *layer, struct bundle **ret_bundle, struct err **err)
{
	CLEANUP(bundle_freep) struct bundle *bundle = mem_new(1, sizeof(*bundle));

	bundle->form = BUNDLE_LEGACY;
	if (!layer_read(layer, bundle, err))
		return err_prefix(err, "signature");
	*ret_bundle = steal_ptr(&bundle);
	return true;
}
