/*
 * Rekor v2: hashedrekord 0.0.2 alone, read as strictly as protobuf's JSON is; answers come with the
 * next checkpoint. Its tiles cannot be read: proofs come with the answers.
 */
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/enc.h"
#include "tests/fakes/sigstore/fake.h"

#define ENTRIES_PATH "/api/v2/log/entries"

/* ---- Requests ---- */

static const struct algorithm {
	const char *details, *hash_name;
	const EVP_MD *(*hash)(void);
	int kind, bits;
} algorithms[] = {
	{"PKIX_ECDSA_P256_SHA_256", "SHA2_256", EVP_sha256, EVP_PKEY_EC, 256},
	{"PKIX_ECDSA_P384_SHA_384", "SHA2_384", EVP_sha384, EVP_PKEY_EC, 384},
	{"PKIX_ECDSA_P521_SHA_512", "SHA2_512", EVP_sha512, EVP_PKEY_EC, 521},
	{"PKIX_RSA_PKCS1V15_2048_SHA256", "SHA2_256", EVP_sha256, EVP_PKEY_RSA, 2048},
	{"PKIX_RSA_PKCS1V15_3072_SHA256", "SHA2_256", EVP_sha256, EVP_PKEY_RSA, 3072},
	{"PKIX_RSA_PKCS1V15_4096_SHA256", "SHA2_256", EVP_sha256, EVP_PKEY_RSA, 4096},
};

static const struct algorithm *algorithm_called(const char *details)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (strcmp(algorithms[i].details, details) == 0)
			return &algorithms[i];
	return NULL;
}

static EVP_PKEY *key_of_der(const struct str *der, bool is_certificate)
{
	const unsigned char *at = (const unsigned char *)str_text(der);
	EVP_PKEY *key = NULL;

	if (!is_certificate)
		return d2i_PUBKEY(NULL, &at, (long)der->len);
	X509 *certificate = d2i_X509(NULL, &at, (long)der->len);
	if (certificate)
		key = X509_get_pubkey(certificate);
	X509_free(certificate);
	return key;
}

/* One of the two with rawBytes in it, and nothing else. */
static const char *signer_of(json_t *verifier, bool *ret_is_certificate)
{
	json_t *certificate = json_object_get(verifier, "x509Certificate");
	json_t *key = json_object_get(verifier, "publicKey");
	const char *text;

	*ret_is_certificate = certificate != NULL;
	if (!certificate == !key || json_object_size(verifier) != 2 ||
		json_unpack(certificate ? certificate : key, "{s:s!}", "rawBytes", &text) != 0)
		return NULL;
	return text;
}

static const char *signature_check(const struct algorithm *algorithm, const char *digest_text,
	const char *signature_text, const char *signer_text, bool is_certificate)
{
	CLEANUP(str_release) struct str digest = STR_INIT(EVP_MAX_MD_SIZE);
	CLEANUP(str_release) struct str signature = STR_INIT(64 * 1024);
	CLEANUP(str_release) struct str der = STR_INIT(64 * 1024);

	if (!fake_unbase64(digest_text, strlen(digest_text), &digest) ||
		!fake_unbase64(signature_text, strlen(signature_text), &signature) ||
		!fake_unbase64(signer_text, strlen(signer_text), &der))
		return "proto: invalid value for bytes field";
	EVP_PKEY *key = key_of_der(&der, is_certificate);
	bool ok = key && EVP_PKEY_get_base_id(key) == algorithm->kind &&
		EVP_PKEY_get_bits(key) == algorithm->bits &&
		digest.len == (size_t)EVP_MD_get_size(algorithm->hash()) &&
		fake_verify_digest(key, algorithm->hash(), (const uint8_t *)digest.bytes,
			digest.len, &signature);
	EVP_PKEY_free(key);
	return ok ? NULL : "invalid hashedrekord request";
}

/* The canonical body in fresh text; NULL with the reason. */
static char *body_of(json_t *request, const char **ret_why)
{
	json_t *entry = json_object_get(request, "hashedRekordRequestV002"), *verifier;
	const char *digest, *signature, *details;
	bool is_certificate;

	*ret_why = json_object_size(request) == 0 || json_object_get(request, "dsseRequestV002")
		? "invalid type, must be hashedrekord"
		: "proto: (line 1:2): unknown field";
	if (!entry || json_object_size(request) != 1)
		return NULL;
	*ret_why = "proto: (line 1:30): unknown or missing field";
	if (json_unpack(entry, "{s:s,s:{s:s,s:o!}!}", "digest", &digest, "signature", "content",
		    &signature, "verifier", &verifier) != 0 ||
		json_unpack(verifier, "{s:s}", "keyDetails", &details) != 0)
		return NULL;
	const char *signer = signer_of(verifier, &is_certificate);
	if (!signer)
		return NULL;
	const struct algorithm *algorithm = algorithm_called(details);
	*ret_why = algorithm ? signature_check(algorithm, digest, signature, signer, is_certificate)
			     : "proto: (line 1:2): invalid value for enum field keyDetails";
	if (*ret_why)
		return NULL;
	json_t *body = json_pack("{s:s,s:s,s:{s:{s:{s:s,s:s},s:O}}}", "apiVersion", "0.0.2", "kind",
		"hashedrekord", "spec", "hashedRekordV002", "data", "algorithm",
		algorithm->hash_name, "digest", digest, "signature",
		json_object_get(entry, "signature"));
	char *text = fake_canonical(body);
	json_decref(body);
	return text;
}

/* Somebody else's signature, with a key. */
static json_t *foreign_request(unsigned number)
{
	CLEANUP(str_release) struct str signature = STR_INIT(4096);
	CLEANUP(str_release) struct str spki = STR_INIT(4096);
	CLEANUP(str_release) struct str digest_bytes = STR_INIT(FAKE_HASH_SIZE);
	CLEANUP(mem_freep) char *text = mem_printf("foreign %u", number);
	uint8_t digest[FAKE_HASH_SIZE];
	EVP_PKEY *key = EVP_EC_gen("P-256");

	fake_sign(key, text, strlen(text), &signature);
	fake_spki(key, &spki);
	fake_sha256(text, strlen(text), digest);
	str_add(&digest_bytes, digest, sizeof(digest));
	EVP_PKEY_free(key);
	return json_pack("{s:{s:o,s:{s:o,s:{s:s,s:{s:o}}}}}", "hashedRekordRequestV002", "digest",
		fake_json_base64(&digest_bytes), "signature", "content",
		fake_json_base64(&signature), "verifier", "keyDetails", "PKIX_ECDSA_P256_SHA_256",
		"publicKey", "rawBytes", fake_json_base64(&spki));
}

void fake_rekor2_fill(struct fake_log *log)
{
	for (unsigned i = 0; i < FAKE_FOREIGN_ENTRIES; i++) {
		json_t *request = foreign_request(i);
		const char *why;
		char *body = body_of(request, &why);
		size_t index;
		fake_must(body != NULL && fake_log_add(log, body, 0, &index));
		json_decref(request);
	}
}

/* ---- Answers ---- */

static json_t *base64_of(const void *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = base64_encode(bytes, len);

	return json_string(text);
}

static json_t *number_of(size_t number)
{
	CLEANUP(mem_freep) char *text = mem_printf("%zu", number);

	return json_string(text);
}

static json_t *proof_tree(const struct fake_proof *proof)
{
	json_t *hashes = json_array();

	for (size_t i = 0; i < proof->path_len; i++)
		json_array_append_new(hashes, base64_of(proof->path[i].bytes, FAKE_HASH_SIZE));
	return json_pack("{s:o,s:o,s:o,s:o,s:{s:s}}", "logIndex", number_of(proof->index),
		"rootHash", base64_of(proof->root.bytes, FAKE_HASH_SIZE), "treeSize",
		number_of(proof->size), "hashes", hashes, "checkpoint", "envelope",
		proof->checkpoint);
}

static void answer_entry(struct fake_call *call, size_t index)
{
	struct fake_log *log = &call->fake->rekor2;
	const struct fake_entry *entry = &log->entries.items[index];
	struct fake_proof proof;
	uint8_t id[FAKE_HASH_SIZE];

	memcpy(id, log->id, sizeof(id));
	if (call->fault.action == FAKE_UNKNOWN_LOG)
		id[0] ^= 1;
	fake_log_prove(log, index, fake_tree_size(&log->tree), call->fault.action, &proof);
	fake_answer_json(call, 201,
		json_pack("{s:o,s:{s:o},s:{s:s,s:s},s:s,s:n,s:o,s:o}", "logIndex", number_of(index),
			"logId", "keyId", base64_of(id, sizeof(id)), "kindVersion", "kind",
			"hashedrekord", "version", "0.0.2", "integratedTime", "0",
			"inclusionPromise", "inclusionProof", proof_tree(&proof),
			"canonicalizedBody", base64_of(entry->body, entry->len)));
	mem_free(proof.checkpoint);
}

static void answer_conflict(struct fake_call *call, size_t index)
{
	str_addf(&call->headers, "x-log-index: %zu\r\n", index);
	fake_refuse_grpc(call, 409,
		"an equivalent entry already exists in the transparency log with index %zu", index);
}

/* Checkpoints are made at fixed moments after the start; a client that goes away is not waited for. */
static void await_checkpoint(struct fake_call *call)
{
	const struct fake_sigstore *fake = call->fake;
	struct pollfd client = {.fd = call->exchange->fd, .events = POLLRDHUP};
	int64_t wait = fake->options.rekor2_wait_ms;

	if (wait > 0) {
		int64_t age = clock_monotonic_ms(&clock_system) - fake->start_monotonic_ms;
		poll(&client, 1, (int)(wait - age % wait));
	}
}

static void create(struct fake_call *call)
{
	struct fake_log *log = &call->fake->rekor2;
	json_t *request = fake_call_json(call);
	const char *why = "unexpected EOF";
	char *body = request ? body_of(request, &why) : NULL;
	size_t index;

	json_decref(request);
	if (!body) {
		fake_refuse_grpc(call, 400, "%s", why);
		return;
	}
	pthread_mutex_lock(&log->lock);
	bool is_new = fake_log_add(log, body, 0, &index);
	pthread_mutex_unlock(&log->lock);
	if (is_new)
		await_checkpoint(call);
	pthread_mutex_lock(&log->lock);
	if (is_new)
		answer_entry(call, call->fault.action == FAKE_WRONG_ENTRY ? index - 1 : index);
	else
		answer_conflict(call, index);
	pthread_mutex_unlock(&log->lock);
}

void fake_rekor2(struct fake_call *call)
{
	if (fake_call_is(call, "POST", ENTRIES_PATH))
		create(call);
	else if (fake_call_is(call, "GET", "/healthz"))
		fake_answer_text(call, 200, "application/json", "{\"status\":\"SERVING\"}");
}
