/*
 * Promise, inclusion and checkpoint of a log entry. The contents of bodies are log_body.c's matter;
 * which entries count and for what, verify.h's.
 */
#include "signer/log_entry.h"

#include <inttypes.h>
#include <string.h>

#include "base/enc.h"
#include "base/str.h"
#include "signer/log_body_private.h"

void log_entry_release(struct log_entry *entry)
{
	mem_free(entry->kind);
	mem_free(entry->version);
	mem_free(entry->checkpoint);
	bytes_release(&entry->promise);
	bytes_release(&entry->body);
	bytes_release(&entry->proof_root);
	bytes_release(&entry->proof_path);
}

bool log_entry_is_v2(const struct log_entry *entry)
{
	return strcmp(entry->kind, "hashedrekord") == 0 && strcmp(entry->version, "0.0.2") == 0;
}

static bool bind_v2(const struct log_entry *entry, const struct logged *logged,
	uint8_t ret_leaf[MERKLE_HASH_SIZE], struct err **err)
{
	enum hash hashes[2];
	size_t count = public_key_hashes(logged->key, hashes);

	for (size_t i = 0; i < count; i++) {
		CLEANUP(str_release) struct str body = STR_INIT(LOG_ENTRY_BODY_MAX_SIZE);
		if (!log_body_build(logged, hashes[i], &body))
			continue;
		if (entry->body.data && !bytes_equal(&entry->body, body.bytes, body.len))
			continue;
		merkle_leaf(body.bytes, body.len, ret_leaf);
		return true;
	}
	return err_set(err, ERR_INVALID,
		"the log entry is not about this signature, certificate or key and digest");
}

bool log_entry_bind(const struct log_entry *entry, const struct logged *logged,
	uint8_t ret_leaf[MERKLE_HASH_SIZE], struct err **err)
{
	if (log_entry_is_v2(entry))
		return bind_v2(entry, logged, ret_leaf, err);
	if (!log_body_check(entry, logged, err))
		return false;
	merkle_leaf(entry->body.data, entry->body.len, ret_leaf);
	return true;
}

bool log_entry_verify_promise(
	const struct log_entry *entry, const struct trusted_log *log, struct err **err)
{
	CLEANUP(mem_freep) char *body = base64_encode(entry->body.data, entry->body.len);
	CLEANUP(str_release) struct str text = STR_INIT(2 * LOG_ENTRY_BODY_MAX_SIZE);
	char id[2 * TRUST_ROOT_LOG_ID_SIZE + 1];

	hex_encode(entry->log_id, sizeof(entry->log_id), id);
	str_add_text(&text, "{\"body\":\"");
	str_add_text(&text, body);
	str_addf(&text,
		"\",\"integratedTime\":%" PRIu64 ",\"logID\":\"%s\",\"logIndex\":%" PRIu64 "}",
		entry->integrated_time, id, entry->index);
	struct message message = message_of_bytes(text.bytes, text.len);
	if (!public_key_verify(
		    log->key, HASH_SHA256, &message, entry->promise.data, entry->promise.len))
		return err_set(err, ERR_INVALID,
			"the signed entry timestamp of %.160s has a wrong signature",
			log->base_url);
	return true;
}

bool log_entry_verify_inclusion(
	const struct log_entry *entry, const uint8_t leaf[MERKLE_HASH_SIZE], struct err **err)
{
	if (!entry->has_proof)
		return err_set(err, ERR_INVALID, "the log entry has no inclusion proof");
	if (log_entry_is_v2(entry) && entry->index != entry->proof_index)
		return err_set(err, ERR_INVALID,
			"the log entry has index %" PRIu64 ", its inclusion proof %" PRIu64,
			entry->index, entry->proof_index);
	if (entry->proof_root.len != MERKLE_HASH_SIZE ||
		!merkle_includes(leaf, entry->proof_index, entry->proof_size,
			entry->proof_path.data, entry->proof_path.len / MERKLE_HASH_SIZE,
			entry->proof_root.data))
		return err_set(err, ERR_INVALID,
			"the inclusion proof does not lead from the log entry to its root");
	return true;
}

/* "<host> - <tree id>", as Rekor v1 names itself: the name is what stands before. NULL if it is none. */
static char *v1_name(const char *origin)
{
	const char *dash = strstr(origin, " - ");

	if (!dash || dash == origin || !dash[3] ||
		strspn(dash + 3, "0123456789") != strlen(dash + 3))
		return NULL;
	return mem_strndup(origin, (size_t)(dash - origin));
}

static bool checkpoint_is_for(
	const struct checkpoint *checkpoint, const struct log_entry *entry, struct err **err)
{
	if (checkpoint->size != entry->proof_size ||
		!bytes_equal(&entry->proof_root, checkpoint->root, sizeof(checkpoint->root)))
		return err_set(err, ERR_INVALID,
			"checkpoint: it is of another tree than the inclusion proof");
	return true;
}

bool log_entry_verify_checkpoint(
	const struct log_entry *entry, const struct trusted_log *log, struct err **err)
{
	CLEANUP(checkpoint_release) struct checkpoint checkpoint = {0};

	if (!entry->checkpoint)
		return err_set(err, ERR_INVALID, "the inclusion proof has no checkpoint");
	if (!checkpoint_parse(entry->checkpoint, strlen(entry->checkpoint), &checkpoint, err) ||
		!checkpoint_is_for(&checkpoint, entry, err))
		return false;

	CLEANUP(mem_freep) char *name = v1_name(checkpoint.origin);
	if (log_entry_is_v2(entry)) {
		if (strcmp(checkpoint.origin, log->host) != 0)
			return err_set(err, ERR_INVALID,
				"checkpoint: its origin is %.160s, the log's is %.160s",
				checkpoint.origin, log->host);
	} else if (!name) {
		return err_set(err, ERR_INVALID,
			"checkpoint: its origin %.160s is not of the form \"host - tree\"",
			checkpoint.origin);
	}
	return checkpoint_verify(&checkpoint, name && !log_entry_is_v2(entry) ? name : log->host,
		log->hint, log->key, err);
}
