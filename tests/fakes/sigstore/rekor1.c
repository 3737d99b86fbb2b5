/*
 * Rekor v1: hashedrekord 0.0.1 and dsse 0.0.1, verified before they are taken, stored in their
 * canonical form. Its tree is one shard of a log that has been going on for longer: the index in the
 * log and in the tree differ.
 */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/enc.h"
#include "tests/fakes/sigstore/fake.h"

#define ENTRIES_PATH "/api/v1/log/entries"
#define SHARD_BEGIN 41000
#define ENTRY_ID_SIZE 80
#define TREE_ID_SIZE 16
#define VALIDATION "validation failure: " /* refused before it is looked at */

static void refuse(struct fake_call *call, int status, const char *message)
{
	fake_answer_json(call, status, json_pack("{s:i,s:s}", "code", status, "message", message));
}

/* ---- Proposed entries ---- */

static const EVP_MD *hash_called(const char *name)
{
	return strcmp(name, "sha256") == 0    ? EVP_sha256()
		: strcmp(name, "sha384") == 0 ? EVP_sha384()
		: strcmp(name, "sha512") == 0 ? EVP_sha512()
					      : NULL;
}

static json_t *hashedrekord_of(json_t *spec, const char **ret_why)
{
	CLEANUP(str_release) struct str signature = STR_INIT(64 * 1024);
	CLEANUP(str_release) struct str pem = STR_INIT(64 * 1024);
	const char *algorithm, *value, *signature_text, *pem_text;
	uint8_t digest[EVP_MAX_MD_SIZE];

	if (json_unpack(spec, "{s:{s:{s:s,s:s}},s:{s:s,s:{s:s}}}", "data", "hash", "algorithm",
		    &algorithm, "value", &value, "signature", "content", &signature_text,
		    "publicKey", "content", &pem_text) != 0) {
		*ret_why = VALIDATION "spec";
		return NULL;
	}
	const EVP_MD *hash = hash_called(algorithm);
	size_t size = hash ? (size_t)EVP_MD_get_size(hash) : 0;
	if (!hash || strlen(value) != 2 * size || !hex_decode(value, size, digest)) {
		*ret_why = "error processing entry: invalid value for hash";
		return NULL;
	}
	EVP_PKEY *key =
		fake_unbase64(pem_text, strlen(pem_text), &pem) ? fake_key_of_pem(&pem) : NULL;
	if (!key) {
		*ret_why = "error processing entry: invalid public key: failure decoding PEM";
		return NULL;
	}
	bool ok = fake_unbase64(signature_text, strlen(signature_text), &signature) &&
		fake_verify_digest(key, hash, digest, size, &signature);

	EVP_PKEY_free(key);
	*ret_why = "error processing entry: verifying signature: invalid signature when validating "
		   "ASN.1 encoded signature";
	/* Whatever else it held is not kept. */
	return ok ? json_pack("{s:s,s:s,s:{s:{s:{s:s,s:s}},s:{s:s,s:{s:s}}}}", "apiVersion",
			    "0.0.1", "kind", "hashedrekord", "spec", "data", "hash", "algorithm",
			    algorithm, "value", value, "signature", "content", signature_text,
			    "publicKey", "content", pem_text)
		  : NULL;
}

static void pae_of(const char *type, const struct str *payload, struct str *out)
{
	str_addf(out, "DSSEv1 %zu %s %zu ", strlen(type), type, payload->len);
	str_add(out, str_text(payload), payload->len);
}

/* Is one of the keys the signature's? *ret_verifier is its text. */
static bool verifier_find(json_t *verifiers, const struct str *pae, const struct str *signature,
	const char **ret_verifier)
{
	size_t i;
	json_t *verifier;

	json_array_foreach(verifiers, i, verifier)
	{
		CLEANUP(str_release) struct str pem = STR_INIT(64 * 1024);
		const char *text = json_string_value(verifier);
		if (!text || !fake_unbase64(text, strlen(text), &pem))
			return false;
		EVP_PKEY *key = fake_key_of_pem(&pem);
		bool ok = key && fake_verify(key, pae->bytes, pae->len, signature);
		EVP_PKEY_free(key);
		if (ok) {
			*ret_verifier = text;
			return true;
		}
	}
	return false;
}

static json_t *hash_tree(const void *bytes, size_t len)
{
	uint8_t hash[FAKE_HASH_SIZE];

	fake_sha256(bytes, len, hash);
	CLEANUP(mem_freep) char *hex = fake_hex(hash, sizeof(hash));
	return json_pack("{s:s,s:s}", "algorithm", "sha256", "value", hex);
}

/* The signatures of an envelope with their verifiers; NULL unless all are good. */
static json_t *signatures_of(json_t *signatures, json_t *verifiers, const struct str *pae)
{
	json_t *array = json_array(), *element;
	size_t i;

	json_array_foreach(signatures, i, element)
	{
		CLEANUP(str_release) struct str signature = STR_INIT(64 * 1024);
		const char *text = json_string_value(json_object_get(element, "sig")), *verifier;
		if (!text || !fake_unbase64(text, strlen(text), &signature) ||
			!verifier_find(verifiers, pae, &signature, &verifier)) {
			json_decref(array);
			return NULL;
		}
		json_array_append_new(
			array, json_pack("{s:s,s:s}", "signature", text, "verifier", verifier));
	}
	return array;
}

static json_t *dsse_body(
	const char *text, json_t *envelope, json_t *verifiers, const char **ret_why)
{
	CLEANUP(str_release) struct str payload = STR_INIT(FAKE_BYTES_MAX);
	CLEANUP(str_release) struct str pae = STR_INIT(FAKE_BYTES_MAX);
	const char *payload_text, *type;
	json_t *signatures;

	*ret_why = "error processing entry: envelope";
	if (json_unpack(envelope, "{s:s,s:s,s:o}", "payload", &payload_text, "payloadType", &type,
		    "signatures", &signatures) != 0 ||
		!fake_unbase64(payload_text, strlen(payload_text), &payload) ||
		json_array_size(signatures) == 0)
		return NULL;
	pae_of(type, &payload, &pae);
	json_t *verified = signatures_of(signatures, verifiers, &pae);
	*ret_why = "error processing entry: could not verify envelope";
	if (!verified)
		return NULL;
	return json_pack("{s:s,s:s,s:{s:o,s:o,s:o}}", "apiVersion", "0.0.1", "kind", "dsse", "spec",
		"envelopeHash", hash_tree(text, strlen(text)), "payloadHash",
		hash_tree(str_text(&payload), payload.len), "signatures", verified);
}

static json_t *dsse_of(json_t *spec, const char **ret_why)
{
	const char *text;
	json_t *verifiers, *envelope, *body = NULL;

	*ret_why = VALIDATION "spec";
	/* Go's clients also send the fields that only the log fills, empty. */
	if (json_unpack(spec, "{s:{s:s,s:o!}}", "proposedContent", "envelope", &text, "verifiers",
		    &verifiers) != 0 ||
		json_array_size(verifiers) == 0)
		return NULL;
	envelope = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (envelope)
		body = dsse_body(text, envelope, verifiers, ret_why);
	json_decref(envelope);
	return body;
}

/* The canonical body in fresh text; NULL with the reason. */
static char *body_of(json_t *proposed, const char **ret_why)
{
	const char *version, *kind;
	json_t *spec, *body = NULL;

	*ret_why = VALIDATION "kind, apiVersion, spec";
	if (json_unpack(proposed, "{s:s,s:s,s:o!}", "apiVersion", &version, "kind", &kind, "spec",
		    &spec) != 0 ||
		strcmp(version, "0.0.1") != 0)
		return NULL;
	if (strcmp(kind, "hashedrekord") == 0)
		body = hashedrekord_of(spec, ret_why);
	else if (strcmp(kind, "dsse") == 0)
		body = dsse_of(spec, ret_why);
	char *text = body ? fake_canonical(body) : NULL;
	json_decref(body);
	return text;
}

/* Somebody else's signature, with a key. */
static json_t *foreign_entry(unsigned number)
{
	CLEANUP(str_release) struct str signature = STR_INIT(4096);
	CLEANUP(str_release) struct str pem_bytes = STR_INIT(4096);
	CLEANUP(mem_freep) char *text = mem_printf("foreign %u", number);
	uint8_t digest[FAKE_HASH_SIZE];
	EVP_PKEY *key = EVP_EC_gen("P-256");

	CLEANUP(mem_freep) char *pem = fake_pem_key(key);
	fake_sign(key, text, strlen(text), &signature);
	fake_sha256(text, strlen(text), digest);
	str_add_text(&pem_bytes, pem);
	CLEANUP(mem_freep) char *hex = fake_hex(digest, sizeof(digest));
	EVP_PKEY_free(key);
	return json_pack("{s:s,s:s,s:{s:{s:{s:s,s:s}},s:{s:o,s:{s:o}}}}", "apiVersion", "0.0.1",
		"kind", "hashedrekord", "spec", "data", "hash", "algorithm", "sha256", "value", hex,
		"signature", "content", fake_json_base64(&signature), "publicKey", "content",
		fake_json_base64(&pem_bytes));
}

void fake_rekor1_fill(struct fake_log *log)
{
	for (unsigned i = 0; i < FAKE_FOREIGN_ENTRIES; i++) {
		json_t *entry = foreign_entry(i);
		const char *why;
		char *body = body_of(entry, &why);
		size_t index;
		fake_must(body != NULL && fake_log_add(log, body, 1700000000 + i, &index));
		json_decref(entry);
	}
}

/* ---- Entries as they are answered ---- */

static char *entry_id(const struct fake_log *log, size_t index)
{
	CLEANUP(mem_freep)
	char *leaf = fake_hex(log->tree.levels[0].items[index].bytes, FAKE_HASH_SIZE);

	return mem_printf("%016" PRIx64 "%s", FAKE_REKOR1_TREE, leaf);
}

static json_t *set_of(const struct fake_log *log, json_t *payload, enum fake_action fault)
{
	CLEANUP(str_release) struct str signature = STR_INIT(4096);
	CLEANUP(mem_freep) char *text = fake_canonical(payload);

	fake_sign(log->key, text, strlen(text), &signature);
	if (fault == FAKE_BAD_SET)
		signature.bytes[signature.len - 1] ^= 1;
	return fake_json_base64(&signature);
}

static json_t *proof_tree(const struct fake_proof *proof)
{
	json_t *hashes = json_array();

	for (size_t i = 0; i < proof->path_len; i++) {
		CLEANUP(mem_freep) char *hex = fake_hex(proof->path[i].bytes, FAKE_HASH_SIZE);
		json_array_append_new(hashes, json_string(hex));
	}
	CLEANUP(mem_freep) char *root = fake_hex(proof->root.bytes, FAKE_HASH_SIZE);
	return json_pack("{s:s,s:o,s:I,s:s,s:I}", "checkpoint", proof->checkpoint, "hashes", hashes,
		"logIndex", (json_int_t)proof->index, "rootHash", root, "treeSize",
		(json_int_t)proof->size);
}

/* {"ID": {...}} with the log's lock held. */
static json_t *entry_tree(struct fake_call *call, size_t index)
{
	struct fake_log *log = &call->fake->rekor1;
	enum fake_action fault = call->fault.action;
	const struct fake_entry *entry = &log->entries.items[index];
	int64_t late = fault == FAKE_LATE ? fake_fault_number(&call->fault) : 0;
	struct fake_proof proof;
	uint8_t id[FAKE_HASH_SIZE];

	memcpy(id, log->id, sizeof(id));
	if (fault == FAKE_UNKNOWN_LOG)
		id[0] ^= 1;
	CLEANUP(mem_freep) char *log_id = fake_hex(id, sizeof(id));
	CLEANUP(mem_freep) char *body = base64_encode(entry->body, entry->len);
	CLEANUP(mem_freep) char *name = entry_id(log, index);
	json_t *tree = json_pack("{s:s,s:I,s:s,s:I}", "body", body, "integratedTime",
		(json_int_t)entry->time_s + late, "logID", log_id, "logIndex",
		(json_int_t)index + SHARD_BEGIN);
	json_t *set = set_of(log, tree, fault);

	fake_log_prove(log, index, fake_tree_size(&log->tree), fault, &proof);
	json_t *verification = json_pack("{s:o}", "inclusionProof", proof_tree(&proof));
	if (fault == FAKE_NO_SET)
		json_decref(set);
	else
		json_object_set_new(verification, "signedEntryTimestamp", set);
	json_object_set_new(tree, "verification", verification);
	mem_free(proof.checkpoint);
	return json_pack("{s:o}", name, tree);
}

/* ---- Endpoints ---- */

/* Another entry than the one that was asked for, but a whole one. */
static size_t answered_index(const struct fake_call *call, size_t index)
{
	return call->fault.action == FAKE_WRONG_ENTRY ? index - 1 : index;
}

static void answer_conflict(struct fake_call *call, const char *id)
{
	CLEANUP(mem_freep)
	char *message = mem_printf(
		"an equivalent entry already exists in the transparency log with UUID %s", id);

	str_addf(&call->headers, "Location: " ENTRIES_PATH "/%s\r\n", id);
	refuse(call, 409, message);
}

static void create(struct fake_call *call)
{
	struct fake_log *log = &call->fake->rekor1;
	json_t *proposed = fake_call_json(call);
	const char *why;
	char *body = proposed ? body_of(proposed, &why) : NULL;
	size_t index;

	if (!proposed)
		refuse(call, 500, "unexpected EOF");
	else if (!body)
		refuse(call, strncmp(why, VALIDATION, strlen(VALIDATION)) == 0 ? 422 : 400, why);
	json_decref(proposed);
	if (!body)
		return;
	pthread_mutex_lock(&log->lock);
	bool is_new = fake_log_add(log, body, fake_now_s(call->fake), &index);
	CLEANUP(mem_freep) char *id = entry_id(log, index);
	if (is_new) {
		str_addf(&call->headers, "ETag: %s\r\nLocation: " ENTRIES_PATH "/%s\r\n", id, id);
		fake_answer_json(call, 201, entry_tree(call, answered_index(call, index)));
	} else {
		answer_conflict(call, id);
	}
	pthread_mutex_unlock(&log->lock);
}

/* By entry id, or by the leaf's hash alone. With the log's lock held. */
static bool find(const struct fake_log *log, const char *id, size_t *ret_index)
{
	CLEANUP(mem_freep) char *tree = mem_printf("%016" PRIx64, FAKE_REKOR1_TREE);
	struct fake_hash leaf;
	size_t len = strlen(id);

	if (len != ENTRY_ID_SIZE && len != ENTRY_ID_SIZE - TREE_ID_SIZE)
		return false;
	if (len == ENTRY_ID_SIZE && strncmp(id, tree, TREE_ID_SIZE) != 0)
		return false;
	return hex_decode(id + len - (size_t)2 * FAKE_HASH_SIZE, FAKE_HASH_SIZE, leaf.bytes) &&
		fake_log_find(log, &leaf, ret_index);
}

static void get_entry(struct fake_call *call, const char *id)
{
	struct fake_log *log = &call->fake->rekor1;
	size_t index;

	pthread_mutex_lock(&log->lock);
	if (find(log, id, &index))
		fake_answer_json(call, 200, entry_tree(call, answered_index(call, index)));
	else
		fake_answer_text(call, 404, "application/json", "");
	pthread_mutex_unlock(&log->lock);
}

static void get_by_index(struct fake_call *call)
{
	CLEANUP(mem_freep) char *text = tiny_parameter(call->query, "logIndex");
	struct fake_log *log = &call->fake->rekor1;
	uint64_t number = 0;

	pthread_mutex_lock(&log->lock);
	if (number_parse(text, INT64_MAX, &number) && number >= SHARD_BEGIN &&
		number - SHARD_BEGIN < log->entries.len)
		fake_answer_json(call, 200, entry_tree(call, (size_t)number - SHARD_BEGIN));
	else
		fake_answer_text(call, 404, "application/json", "");
	pthread_mutex_unlock(&log->lock);
}

/* What a request asks for by one element; false if there is no such entry. */
static bool find_asked(const struct fake_log *log, json_t *element, size_t *ret_index)
{
	const char *why;

	if (json_is_string(element))
		return find(log, json_string_value(element), ret_index);
	if (json_is_integer(element)) {
		*ret_index = (size_t)(json_integer_value(element) - SHARD_BEGIN);
		return *ret_index < log->entries.len;
	}
	CLEANUP(mem_freep) char *body = body_of(element, &why);
	struct fake_hash leaf;
	if (!body)
		return false;
	fake_leaf_hash(body, strlen(body), &leaf);
	return fake_log_find(log, &leaf, ret_index);
}

static void retrieve(struct fake_call *call)
{
	static const char *const keys[] = {"entryUUIDs", "logIndexes", "entries"};
	struct fake_log *log = &call->fake->rekor1;
	json_t *request = fake_call_json(call), *found = json_array(), *element;
	size_t i, index;

	pthread_mutex_lock(&log->lock);
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		json_array_foreach(json_object_get(request, keys[k]), i, element)
		{
			if (find_asked(log, element, &index))
				json_array_append_new(found, entry_tree(call, index));
		}
	pthread_mutex_unlock(&log->lock);
	fake_answer_json(call, 200, found);
	json_decref(request);
}

static void answer_key(struct fake_call *call)
{
	CLEANUP(mem_freep) char *pem = fake_pem_key(call->fake->rekor1.key);

	fake_answer_text(call, 200, "application/x-pem-file", pem);
}

void fake_rekor1(struct fake_call *call)
{
	bool gets = strcmp(call->exchange->method, "GET") == 0;

	if (fake_call_is(call, "POST", ENTRIES_PATH))
		create(call);
	else if (fake_call_is(call, "POST", ENTRIES_PATH "/retrieve"))
		retrieve(call);
	else if (fake_call_is(call, "GET", ENTRIES_PATH))
		get_by_index(call);
	else if (gets && strncmp(call->path, ENTRIES_PATH "/", strlen(ENTRIES_PATH) + 1) == 0)
		get_entry(call, call->path + strlen(ENTRIES_PATH) + 1);
	else if (fake_call_is(call, "GET", "/api/v1/log/publicKey"))
		answer_key(call);
	else if (fake_call_is(call, "GET", "/ping"))
		fake_answer_text(call, 200, "text/plain", "pong");
}
