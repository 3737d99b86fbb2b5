/*
 * Entries for Rekor v2. One kind for everything; the digest of an envelope is that of its pre-authentication encoding,
 * which is what the caller's message is. The log's own limits on time are longer than an answer takes: it answers
 * after its next checkpoint.
 */
#include "signer/rekor2.h"

#include "signer/json_private.h"
#include "signer/rekor_answer.h"
#include "signer/service.h"

#define REQUEST_MAX ((size_t)4 << 20) /* the log's own limit */

struct rekor2 {
	struct service service;
};

struct rekor2 *rekor2_new(struct http *http, const char *url, struct err **err)
{
	CLEANUP(rekor2_freep) struct rekor2 *log = mem_new(1, sizeof(*log));

	if (!service_init(&log->service, http, "Rekor v2", url, err))
		return NULL;
	return steal_ptr(&log);
}

void rekor2_free(struct rekor2 *log)
{
	if (!log)
		return;
	service_release(&log->service);
	mem_free(log);
}

static bool request_write(const struct logged *logged, struct str *out, struct err **err)
{
	const char *details = public_key_details(logged->key);
	const struct bytes *signer = logged->certificate ? certificate_der(logged->certificate)
							 : public_key_spki(logged->key);
	uint8_t digest[HASH_MAX_SIZE];
	enum hash hashes[2];

	/* The log takes the hash function from the key. */
	if (!details || public_key_hashes(logged->key, hashes) == 0 ||
		!message_digest(logged->message, hashes[0], digest))
		return err_set(err, ERR_UNSUPPORTED,
			"this kind of key, or of digest, cannot be logged in Rekor v2");
	str_add_text(out, "{\"hashedRekordRequestV002\":{\"digest\":");
	json_write_base64(out, digest, hash_size(hashes[0]));
	str_add_text(out, ",\"signature\":{\"content\":");
	json_write_base64(out, logged->signature->data, logged->signature->len);
	str_addf(out, ",\"verifier\":{\"%s\":{\"rawBytes\":",
		logged->certificate ? "x509Certificate" : "publicKey");
	json_write_base64(out, signer->data, signer->len);
	str_addf(out, "},\"keyDetails\":\"%s\"}}}}", details);
	return true;
}

bool rekor2_add(struct rekor2 *log, const struct logged *logged, struct log_entry *ret_entry,
	struct err **err)
{
	CLEANUP(http_response_release) struct http_response response = {0};
	CLEANUP(str_release) struct str body = STR_INIT(REQUEST_MAX);

	if (!request_write(logged, &body, err))
		return err_prefix(err, "Rekor v2");
	/* Repeated after a lost answer it may meet 409: then the caller signs anew. */
	const struct service_request request = {.method = "POST",
		.path = "/api/v2/log/entries",
		.content_type = "application/json",
		.accept = "application/json",
		.body = str_text(&body),
		.len = body.len,
		.response_max = REKOR_ANSWER_MAX_SIZE};
	if (!service_do(&log->service, &request, &response, err))
		return false;
	if (response.status != 201)
		return service_refused(&log->service, &request, &response, err);
	return rekor_answer_parse_v2(str_text(&response.body), response.body.len, ret_entry, err) ||
		service_failed(&log->service, &request, err);
}
