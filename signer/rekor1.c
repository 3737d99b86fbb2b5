/*
 * Entries for Rekor v1: made, posted, and read back where the log has one already. What it promises and proves is
 * checked by signer/verify.h, which knows whom to believe.
 */
#include "signer/rekor1.h"

#include <string.h>

#include "base/enc.h"
#include "signer/json_private.h"
#include "signer/public_key_private.h"
#include "signer/rekor_answer.h"
#include "signer/service.h"

#define ENTRIES "/api/v1/log/entries"
/* What Rekor takes is smaller; envelopes are bounded already. */
#define REQUEST_MAX (2 * DSSE_MAX_SIZE)

struct rekor1 {
	struct service service;
};

struct rekor1 *rekor1_new(struct http *http, const char *url, struct err **err)
{
	CLEANUP(rekor1_freep) struct rekor1 *log = mem_new(1, sizeof(*log));

	if (!service_init(&log->service, http, "Rekor", url, err))
		return NULL;
	return steal_ptr(&log);
}

void rekor1_free(struct rekor1 *log)
{
	if (!log)
		return;
	service_release(&log->service);
	mem_free(log);
}

/* ---- Requests ---- */

/* Base64 of the PEM of whoever signed. */
static void signer_write(const struct logged *logged, struct str *out)
{
	CLEANUP(str_release) struct str pem = STR_INIT(2 * CERTIFICATE_MAX_SIZE);

	if (logged->certificate)
		pem_encode(certificate_der(logged->certificate), "CERTIFICATE", &pem);
	else
		pem_encode(public_key_spki(logged->key), "PUBLIC KEY", &pem);
	json_write_base64(out, str_text(&pem), pem.len);
}

static void dsse_write_request(const struct logged *logged, struct str *out)
{
	CLEANUP(str_release) struct str envelope = STR_INIT(REQUEST_MAX);

	/* The log keeps the hash of this text: it must be that of the blob which is stored. */
	if (logged->envelope_text)
		str_add(&envelope, logged->envelope_text->data, logged->envelope_text->len);
	else
		dsse_write(logged->envelope, &envelope);
	str_add_text(out,
		"{\"apiVersion\":\"0.0.1\",\"kind\":\"dsse\",\"spec\":{\"proposedContent\":{"
		"\"envelope\":");
	json_write_text(out, str_text(&envelope));
	str_add_text(out, ",\"verifiers\":[");
	signer_write(logged, out);
	str_add_text(out, "]}}}");
}

static bool hashedrekord_write(const struct logged *logged, struct str *out, struct err **err)
{
	uint8_t digest[HASH_MAX_SIZE];
	char digits[2 * HASH_MAX_SIZE + 1];

	if (!message_digest(logged->message, HASH_SHA256, digest))
		return err_set(err, ERR_UNSUPPORTED,
			"nothing is known of what was signed but another digest than SHA-256");
	hex_encode(digest, HASH_SHA256_SIZE, digits);
	str_addf(out,
		"{\"apiVersion\":\"0.0.1\",\"kind\":\"hashedrekord\",\"spec\":{\"data\":{\"hash\":{"
		"\"algorithm\":\"sha256\",\"value\":\"%s\"}},\"signature\":{\"content\":",
		digits);
	json_write_base64(out, logged->signature->data, logged->signature->len);
	str_add_text(out, ",\"publicKey\":{\"content\":");
	signer_write(logged, out);
	str_add_text(out, "}}}}");
	return true;
}

/* ---- Answers ---- */

static bool answer_read(const struct rekor1 *log, const struct service_request *request, int status,
	const struct http_response *response, struct log_entry *ret_entry, struct err **err)
{
	if (response->status != status)
		return service_refused(&log->service, request, response, err);
	return rekor_answer_parse_v1(
		       str_text(&response->body), response->body.len, ret_entry, err) ||
		service_failed(&log->service, request, err);
}

/* It was logged before: by us, if the answer to an earlier attempt was lost. */
static bool existing_read(const struct rekor1 *log, const struct service_request *refused,
	const struct http_response *refusal, struct log_entry *ret_entry, struct err **err)
{
	CLEANUP(mem_freep) char *location = http_response_header(refusal, "Location", 0);
	CLEANUP(http_response_release) struct http_response response = {0};
	char id[REKOR_ID_MAX + 1];

	if (!rekor_answer_existing(location, str_text(&refusal->body), refusal->body.len, id))
		return service_refused(&log->service, refused, refusal, err);
	CLEANUP(mem_freep) char *path = mem_printf(ENTRIES "/%s", id);
	const struct service_request request = {.method = "GET",
		.path = path,
		.accept = "application/json",
		.response_max = REKOR_ANSWER_MAX_SIZE};
	if (service_do(&log->service, &request, &response, err) &&
		answer_read(log, &request, 200, &response, ret_entry, err))
		return true;
	return err_prefix(err, "the log has this entry already");
}

bool rekor1_add(struct rekor1 *log, const struct logged *logged, struct log_entry *ret_entry,
	struct err **err)
{
	CLEANUP(http_response_release) struct http_response response = {0};
	CLEANUP(str_release) struct str body = STR_INIT(REQUEST_MAX);

	if (logged->envelope)
		dsse_write_request(logged, &body);
	else if (!hashedrekord_write(logged, &body, err))
		return err_prefix(err, "Rekor");
	if (str_overflowed(&body))
		return err_set(err, ERR_TOO_LARGE, "Rekor: the envelope is too large to be logged");
	/* The same bytes are the same entry, so a repetition is at worst answered with 409. */
	const struct service_request request = {.method = "POST",
		.path = ENTRIES,
		.content_type = "application/json",
		.accept = "application/json",
		.body = str_text(&body),
		.len = body.len,
		.response_max = REKOR_ANSWER_MAX_SIZE};
	if (!service_do(&log->service, &request, &response, err))
		return false;
	if (response.status == 409)
		return existing_read(log, &request, &response, ret_entry, err);
	return answer_read(log, &request, 201, &response, ret_entry, err);
}
