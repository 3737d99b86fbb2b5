/*
 * What logs answer, in two dialects: v1 writes plain JSON with numbers and hexadecimal, v2 protobuf's. Both
 * become the structure that bundles are made of.
 */
#include "signer/rekor_answer.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/enc.h"
#include "signer/json_private.h"
#include "signer/log_entry_private.h"

#define HASH_DIGITS ((size_t)2 * MERKLE_HASH_SIZE)

/* ---- Rekor v1 ---- */

static bool malformed(struct err **err, const char *what)
{
	return err_set(err, ERR_INVALID, "the entry's %s is missing or malformed", what);
}

static bool number_read(
	const json_t *object, const char *key, uint64_t *ret_number, struct err **err)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return malformed(err, key);
	*ret_number = (uint64_t)json_integer_value(value);
	return true;
}

static bool hash_read(const json_t *value, uint8_t ret_hash[MERKLE_HASH_SIZE])
{
	return json_is_string(value) && json_string_length(value) == HASH_DIGITS &&
		hex_decode(json_string_value(value), MERKLE_HASH_SIZE, ret_hash);
}

static bool path_read(const json_t *hashes, struct log_entry *entry, struct err **err)
{
	size_t count = json_array_size(hashes);
	const json_t *hash;
	size_t i;

	if (!json_is_array(hashes) || count > MERKLE_PROOF_MAX)
		return malformed(err, "inclusionProof.hashes");
	CLEANUP(mem_freep) uint8_t *path = mem_new(count + 1, MERKLE_HASH_SIZE);
	json_array_foreach(hashes, i, hash)
	{
		if (!hash_read(hash, path + i * MERKLE_HASH_SIZE))
			return malformed(err, "inclusionProof.hashes");
	}
	entry->proof_path = (struct bytes){steal_ptr(&path), count * MERKLE_HASH_SIZE};
	return true;
}

static bool proof_read(const json_t *proof, struct log_entry *entry, struct err **err)
{
	const char *checkpoint = json_string_value(json_object_get(proof, "checkpoint"));
	uint8_t root[MERKLE_HASH_SIZE];

	if (!hash_read(json_object_get(proof, "rootHash"), root))
		return malformed(err, "inclusionProof.rootHash");
	if (!checkpoint || !*checkpoint)
		return malformed(err, "inclusionProof.checkpoint");
	entry->has_proof = true;
	entry->proof_root = (struct bytes){mem_dup(root, sizeof(root)), sizeof(root)};
	entry->checkpoint = mem_strdup(checkpoint);
	/* The index in its tree: the one outside counts over all trees that the log ever had. */
	return number_read(proof, "logIndex", &entry->proof_index, err) &&
		number_read(proof, "treeSize", &entry->proof_size, err) &&
		path_read(json_object_get(proof, "hashes"), entry, err);
}

static bool entry_read(const json_t *object, struct log_entry *entry, struct err **err)
{
	const json_t *verification = json_object_get(object, "verification");
	const char *promise =
		json_string_value(json_object_get(verification, "signedEntryTimestamp"));
	const char *body = json_string_value(json_object_get(object, "body"));

	if (!body || !*body || !bytes_from_base64(body, &entry->body))
		return malformed(err, "body");
	if (!hash_read(json_object_get(object, "logID"), entry->log_id))
		return malformed(err, "logID");
	if (!promise || !*promise || strlen(promise) > 2 * LOG_ENTRY_PROMISE_MAX_SIZE ||
		!bytes_from_base64(promise, &entry->promise))
		return malformed(err, "signedEntryTimestamp");
	if (!number_read(object, "logIndex", &entry->index, err) ||
		!number_read(object, "integratedTime", &entry->integrated_time, err))
		return false;
	if (entry->integrated_time > LOG_ENTRY_TIME_MAX)
		return malformed(err, "integratedTime");
	return log_entry_read_kind(entry, err) &&
		proof_read(json_object_get(verification, "inclusionProof"), entry, err);
}

static bool id_is_well_formed(const char *id)
{
	size_t len = strlen(id);

	return (len == REKOR_ID_MAX || len == HASH_DIGITS) && strspn(id, "0123456789abcdef") == len;
}

/* An id ends in the hash of the leaf: a log that mixes up its entries is found out here already. */
static bool id_is_of(const char *id, const struct log_entry *entry)
{
	uint8_t stated[MERKLE_HASH_SIZE], leaf[MERKLE_HASH_SIZE];

	merkle_leaf(entry->body.data, entry->body.len, leaf);
	return hex_decode(id + strlen(id) - HASH_DIGITS, sizeof(stated), stated) &&
		memcmp(stated, leaf, sizeof(leaf)) == 0;
}

bool rekor_answer_parse_v1(
	const char *text, size_t len, struct log_entry *ret_entry, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;
	CLEANUP(log_entry_release) struct log_entry entry = {0};

	if (!json_load_object(text, len, REKOR_ANSWER_MAX_SIZE, &document, err))
		return err_prefix(err, "its answer");
	void *member = json_object_iter(document);
	if (!member || json_object_size(document) != 1)
		return err_set(err, ERR_INVALID, "its answer has %zu entries instead of one",
			json_object_size(document));
	const char *id = json_object_iter_key(member);
	if (!id_is_well_formed(id))
		return err_set(err, ERR_INVALID,
			"its answer is about \"%.100s\", which is no entry id", id);
	if (!entry_read(json_object_iter_value(member), &entry, err))
		return err_prefix(err, "its answer");
	if (!id_is_of(id, &entry))
		return err_set(err, ERR_INVALID,
			"its answer: the entry id %s is that of another body", id);
	*ret_entry = entry;
	entry = (struct log_entry){0};
	return true;
}

static bool id_copy(const char *text, size_t len, char ret_id[REKOR_ID_MAX + 1])
{
	char id[REKOR_ID_MAX + 1] = "";

	if (len > REKOR_ID_MAX)
		return false;
	memcpy(id, text, len);
	if (!id_is_well_formed(id))
		return false;
	memcpy(ret_id, id, sizeof(id));
	return true;
}

bool rekor_answer_existing(
	const char *location, const char *body, size_t len, char ret_id[REKOR_ID_MAX + 1])
{
	CLEANUP(json_tree_freep) json_t *document = NULL;

	if (location) {
		const char *path_end = location + strcspn(location, "?#");
		const char *segment = path_end;
		while (segment > location && segment[-1] != '/')
			segment--;
		if (id_copy(segment, (size_t)(path_end - segment), ret_id))
			return true;
	}
	if (!json_load_object(body, len, REKOR_ANSWER_MAX_SIZE, &document, NULL))
		return false;
	const char *message = json_string_value(json_object_get(document, "message"));
	const char *last = message ? strrchr(message, ' ') : NULL;
	return last && id_copy(last + 1, strlen(last + 1), ret_id);
}

/* ---- Rekor v2 ---- */

static bool entry_check_v2(const struct log_entry *entry, struct err **err)
{
	if (!log_entry_is_v2(entry))
		return err_set(err, ERR_INVALID,
			"its answer is about an entry of kind %.64s %.64s, not hashedrekord 0.0.2",
			entry->kind, entry->version);
	if (!entry->has_proof || !entry->checkpoint)
		return err_set(
			err, ERR_INVALID, "its answer has no inclusion proof with a checkpoint");
	return entry->body.len > 0 || malformed(err, "canonicalizedBody");
}

bool rekor_answer_parse_v2(
	const char *text, size_t len, struct log_entry *ret_entry, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;
	CLEANUP(log_entry_release) struct log_entry entry = {0};

	if (!proto_load(text, len, REKOR_ANSWER_MAX_SIZE, &document, err) ||
		!log_entry_read(document, &entry, err))
		return err_prefix(err, "its answer");
	if (!entry_check_v2(&entry, err))
		return false;
	*ret_entry = entry;
	entry = (struct log_entry){0};
	return true;
}
