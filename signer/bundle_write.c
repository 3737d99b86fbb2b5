/*
 * Bundles as text: the JSON of version 0.3, and the annotations of cosign's older form. Field order and
 * spelling are those of the Go clients; nothing here judges what it writes.
 */
#include "signer/bundle_write.h"

#include <inttypes.h>

#include "base/enc.h"
#include "signer/json_private.h"
#include "signer/log_entry_private.h"
#include "signer/public_key_private.h"

#define MEDIA_TYPE "application/vnd.dev.sigstore.bundle.v0.3+json"

/* ---- Version 0.3 ---- */

static void material_write(const struct bundle *bundle, struct str *out)
{
	const struct bytes *certificate = certificate_der(bundle->certificate);

	str_add_text(out, "{\"certificate\":{\"rawBytes\":");
	json_write_base64(out, certificate->data, certificate->len);
	str_add_text(out, "}");
	for (size_t i = 0; i < bundle->entries.len; i++) {
		str_add_text(out, i ? "," : ",\"tlogEntries\":[");
		log_entry_write(&bundle->entries.items[i], out);
	}
	if (bundle->entries.len)
		str_add_text(out, "]");
	for (size_t i = 0; i < bundle->timestamps.len; i++) {
		const struct bytes *timestamp = &bundle->timestamps.items[i];
		str_add_text(
			out, i ? "," : ",\"timestampVerificationData\":{\"rfc3161Timestamps\":[");
		str_add_text(out, "{\"signedTimestamp\":");
		json_write_base64(out, timestamp->data, timestamp->len);
		str_add_text(out, "}");
	}
	if (bundle->timestamps.len)
		str_add_text(out, "]}");
	str_add_text(out, "}");
}

static void message_write(const struct bundle *bundle, struct str *out)
{
	str_add_text(out, "{");
	if (bundle->stated_digest.len) {
		str_addf(out, "\"messageDigest\":{\"algorithm\":\"%s\",\"digest\":",
			hash_protobuf_name(bundle->stated_hash));
		json_write_base64(out, bundle->stated_digest.data, bundle->stated_digest.len);
		str_add_text(out, "},");
	}
	str_add_text(out, "\"signature\":");
	json_write_base64(out, bundle->signature.data, bundle->signature.len);
	str_add_text(out, "}");
}

void bundle_write(const struct bundle *bundle, struct str *out)
{
	str_add_text(out, "{\"mediaType\":\"" MEDIA_TYPE "\",\"verificationMaterial\":");
	material_write(bundle, out);
	if (bundle->is_envelope) {
		str_add_text(out, ",\"dsseEnvelope\":");
		dsse_write(&bundle->envelope, out);
	} else {
		str_add_text(out, ",\"messageSignature\":");
		message_write(bundle, out);
	}
	str_add_text(out, "}");
}

/* ---- The older form ---- */

/* Names begin with a capital and hashes are hexadecimal: it is the JSON of Go's own structures. */
static char *entry_text(const struct log_entry *entry)
{
	struct str out = STR_INIT(STR_TEXT_MAX);
	char id[2 * TRUST_ROOT_LOG_ID_SIZE + 1];

	hex_encode(entry->log_id, sizeof(entry->log_id), id);
	str_add_text(&out, "{\"SignedEntryTimestamp\":");
	json_write_base64(&out, entry->promise.data, entry->promise.len);
	str_add_text(&out, ",\"Payload\":{\"body\":");
	json_write_base64(&out, entry->body.data, entry->body.len);
	str_addf(&out,
		",\"integratedTime\":%" PRIu64 ",\"logIndex\":%" PRIu64 ",\"logID\":\"%s\"}}",
		entry->integrated_time, entry->index, id);
	return str_steal(&out, NULL);
}

static char *timestamp_text(const struct bytes *timestamp)
{
	struct str out = STR_INIT(STR_TEXT_MAX);

	str_add_text(&out, "{\"SignedRFC3161Timestamp\":");
	json_write_base64(&out, timestamp->data, timestamp->len);
	str_add_text(&out, "}");
	return str_steal(&out, NULL);
}

static char *certificate_text(const struct certificate *certificate)
{
	struct str out = STR_INIT(STR_TEXT_MAX);

	pem_encode(certificate_der(certificate), "CERTIFICATE", &out);
	return str_steal(&out, NULL);
}

static void content_write(const struct bundle *bundle, struct legacy_text *text)
{
	struct str blob = STR_INIT(STR_TEXT_MAX * 2);

	if (!bundle->is_envelope) {
		text->signature = base64_encode(bundle->signature.data, bundle->signature.len);
		return;
	}
	text->signature = mem_strdup("");
	if (bundle->envelope_text.len)
		str_add(&blob, bundle->envelope_text.data, bundle->envelope_text.len);
	else
		dsse_write(&bundle->envelope, &blob);
	text->blob = str_steal(&blob, &text->len);
}

bool bundle_write_legacy(
	const struct bundle *bundle, struct legacy_text *ret_text, struct err **err)
{
	const struct log_entry *entry = NULL;

	for (size_t i = 0; i < bundle->entries.len && !entry; i++)
		if (bundle->entries.items[i].promise.len)
			entry = &bundle->entries.items[i];
	if (!entry)
		return err_set(err, ERR_UNSUPPORTED,
			"cosign's older form needs an entry of Rekor v1 with its signed entry "
			"timestamp");
	*ret_text = (struct legacy_text){
		.log_entry = entry_text(entry),
		.certificate = certificate_text(bundle->certificate),
		.chain = mem_strdup(bundle->chain ? bundle->chain : ""),
		.timestamp = bundle->timestamps.len ? timestamp_text(&bundle->timestamps.items[0])
						    : NULL,
	};
	content_write(bundle, ret_text);
	return true;
}

void legacy_text_release(struct legacy_text *text)
{
	mem_free(text->blob);
	mem_free(text->signature);
	mem_free(text->log_entry);
	mem_free(text->certificate);
	mem_free(text->chain);
	mem_free(text->timestamp);
}
