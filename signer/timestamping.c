/*
 * Requests for timestamps, built with OpenSSL's TS objects. No certificate is asked for: verifiers have the
 * authority's in their trust root and may not use another, so it would only double the size.
 */
#include "signer/timestamping.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <string.h>
#include <strings.h>

#include "signer/service.h"
#include "signer/timestamp_private.h"

#define QUERY "application/timestamp-query"
#define REPLY "application/timestamp-reply"

static bool fill(TS_REQ *request, TS_MSG_IMPRINT *imprint, X509_ALGOR *algorithm,
	ASN1_INTEGER *nonce, const struct message *message,
	const uint8_t random[TIMESTAMP_NONCE_SIZE])
{
	uint8_t digest[HASH_MAX_SIZE];

	if (!request || !imprint || !algorithm || !nonce ||
		!message_digest(message, HASH_SHA256, digest))
		return false;
	X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL);
	return ASN1_STRING_set(nonce, random, TIMESTAMP_NONCE_SIZE) == 1 &&
		TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
		TS_MSG_IMPRINT_set_msg(imprint, digest, HASH_SHA256_SIZE) == 1 &&
		TS_REQ_set_version(request, 1) == 1 &&
		TS_REQ_set_msg_imprint(request, imprint) == 1 &&
		TS_REQ_set_nonce(request, nonce) == 1;
}

static bool query_write(const struct message *message, const uint8_t nonce[TIMESTAMP_NONCE_SIZE],
	struct bytes *ret_der, struct err **err)
{
	TS_REQ *request = TS_REQ_new();
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *algorithm = X509_ALGOR_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	unsigned char *der = NULL;
	int len = 0;

	if (fill(request, imprint, algorithm, number, message, nonce))
		len = i2d_TS_REQ(request, &der);
	if (len > 0)
		*ret_der = (struct bytes){mem_dup(der, (size_t)len), (size_t)len};
	OPENSSL_free(der);
	ASN1_INTEGER_free(number);
	X509_ALGOR_free(algorithm);
	TS_MSG_IMPRINT_free(imprint);
	TS_REQ_free(request);
	ERR_clear_error();
	return len > 0 ||
		err_set(err, ERR_INTERNAL, "OpenSSL cannot write a request for a timestamp");
}

/* Neither negative nor shorter than it is: the first bit is off, the second on. */
static bool nonce_make(uint8_t ret_nonce[TIMESTAMP_NONCE_SIZE], struct err **err)
{
	if (RAND_bytes(ret_nonce, TIMESTAMP_NONCE_SIZE) != 1)
		return err_set(err, ERR_INTERNAL, "OpenSSL has no random numbers");
	ret_nonce[0] = (uint8_t)((ret_nonce[0] & 0x7f) | 0x40);
	return true;
}

static bool is_reply(const struct http_response *response)
{
	CLEANUP(mem_freep) char *type = http_response_header(response, "Content-Type", 0);

	/* Parameters may follow. */
	return type && strncasecmp(type, REPLY, strlen(REPLY)) == 0 &&
		strchr(" ;", type[strlen(REPLY)]) != NULL;
}

static bool answer_check(const struct http_response *response, const struct message *message,
	const uint8_t nonce[TIMESTAMP_NONCE_SIZE], struct err **err)
{
	CLEANUP(timestamp_freep) struct timestamp *timestamp = NULL;

	if (!is_reply(response))
		return err_set(err, ERR_INVALID, "it answered something else than " REPLY);
	return timestamp_parse(str_text(&response->body), response->body.len, &timestamp, err) &&
		timestamp_answers(timestamp, message, nonce, err);
}

bool timestamping_request(struct http *http, const char *url, const void *bytes, size_t len,
	struct bytes *ret_response, struct err **err)
{
	CLEANUP(http_response_release) struct http_response response = {0};
	CLEANUP(service_release) struct service service = {0};
	CLEANUP(bytes_release) struct bytes query = {0};
	struct message message = message_of_bytes(bytes, len);
	uint8_t nonce[TIMESTAMP_NONCE_SIZE];

	if (!service_init(&service, http, "timestamp authority", url, err) ||
		!nonce_make(nonce, err) || !query_write(&message, nonce, &query, err))
		return false;
	const struct service_request request = {.method = "POST",
		.path = "",
		.content_type = QUERY,
		.accept = REPLY,
		.body = query.data,
		.len = query.len,
		.response_max = TIMESTAMP_MAX_SIZE};
	if (!service_do(&service, &request, &response, err))
		return false;
	if (response.status != 200 && response.status != 201)
		return service_refused(&service, &request, &response, err);
	if (!answer_check(&response, &message, nonce, err))
		return service_failed(&service, &request, err);
	*ret_response = (struct bytes){
		mem_dup(str_text(&response.body), response.body.len), response.body.len};
	return true;
}
