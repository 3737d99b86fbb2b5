/*
 * The JSON of log entries as bundles and Rekor v2 have it (protobuf-specs TransparencyLogEntry). Form only:
 * what an entry is worth is log_entry.c's matter.
 */
#include <inttypes.h>
#include <string.h>

#include "base/enc.h"
#include "signer/json_private.h"
#include "signer/log_entry_private.h"

static bool promise_read(const struct json_t *object, struct log_entry *entry, struct err **err)
{
	static const char *const fields[] = {"signedEntryTimestamp", NULL};
	const struct json_t *promise;

	return proto_object(object, "inclusionPromise", &promise, err) &&
		proto_only(promise, fields, err) &&
		proto_bytes(promise, "signedEntryTimestamp", LOG_ENTRY_PROMISE_MAX_SIZE,
			&entry->promise, err);
}

static bool proof_read(const struct json_t *object, struct log_entry *entry, struct err **err)
{
	static const char *const fields[] = {
		"logIndex", "rootHash", "treeSize", "hashes", "checkpoint", NULL};
	static const char *const checkpoint_fields[] = {"envelope", NULL};
	const struct json_t *proof, *checkpoint;
	const char *note;

	if (!proto_object(object, "inclusionProof", &proof, err))
		return false;
	if (!proof)
		return true;
	entry->has_proof = true;
	if (!proto_only(proof, fields, err) ||
		!proto_number(proof, "logIndex", &entry->proof_index, err) ||
		!proto_number(proof, "treeSize", &entry->proof_size, err) ||
		!proto_bytes(proof, "rootHash", MERKLE_HASH_SIZE, &entry->proof_root, err) ||
		!proto_hashes(proof, "hashes", MERKLE_HASH_SIZE, MERKLE_PROOF_MAX,
			&entry->proof_path, err) ||
		!proto_object(proof, "checkpoint", &checkpoint, err) ||
		!proto_only(checkpoint, checkpoint_fields, err) ||
		!proto_text(checkpoint, "envelope", &note, err))
		return false;
	if (*note)
		entry->checkpoint = mem_strdup(note);
	return true;
}

static bool kind_read(const struct json_t *object, struct log_entry *entry, struct err **err)
{
	static const char *const fields[] = {"kind", "version", NULL};
	const struct json_t *kind_version;
	const char *kind, *version;

	if (!proto_object(object, "kindVersion", &kind_version, err) ||
		!proto_only(kind_version, fields, err) ||
		!proto_text(kind_version, "kind", &kind, err) ||
		!proto_text(kind_version, "version", &version, err))
		return false;
	entry->kind = mem_strdup(kind);
	entry->version = mem_strdup(version);
	return true;
}

bool log_entry_read(const struct json_t *object, struct log_entry *entry, struct err **err)
{
	static const char *const fields[] = {"logIndex", "logId", "kindVersion", "integratedTime",
		"inclusionPromise", "inclusionProof", "canonicalizedBody", NULL};
	static const char *const id_fields[] = {"keyId", NULL};
	CLEANUP(bytes_release) struct bytes id = {0};
	const struct json_t *log_id;

	if (!proto_only(object, fields, err) ||
		!proto_number(object, "logIndex", &entry->index, err) ||
		!proto_number(object, "integratedTime", &entry->integrated_time, err) ||
		!proto_bytes(
			object, "canonicalizedBody", LOG_ENTRY_BODY_MAX_SIZE, &entry->body, err) ||
		!proto_object(object, "logId", &log_id, err) ||
		!proto_only(log_id, id_fields, err) ||
		!proto_bytes(log_id, "keyId", sizeof(entry->log_id), &id, err))
		return false;
	if (id.len != sizeof(entry->log_id))
		return err_set(err, ERR_INVALID, "logId is not 32 bytes long");
	memcpy(entry->log_id, id.data, id.len);
	if (entry->integrated_time > LOG_ENTRY_TIME_MAX)
		return err_set(err, ERR_INVALID, "integratedTime is after the year 9999");
	return kind_read(object, entry, err) && promise_read(object, entry, err) &&
		proof_read(object, entry, err);
}

bool log_entry_read_kind(struct log_entry *entry, struct err **err)
{
	CLEANUP(json_tree_freep) struct json_t *body = NULL;
	const char *kind, *version;

	if (!json_load_object((const char *)entry->body.data, entry->body.len,
		    LOG_ENTRY_BODY_MAX_SIZE, &body, err) ||
		!proto_text(body, "kind", &kind, err) ||
		!proto_text(body, "apiVersion", &version, err))
		return err_prefix(err, "body");
	if (!*kind || !*version)
		return err_set(err, ERR_INVALID, "body: no kind and apiVersion");
	entry->kind = mem_strdup(kind);
	entry->version = mem_strdup(version);
	return true;
}

/* ---- Writing ---- */

/* Each member brings the comma that it needs in front of it. `key` NULL: an element of a list. */
static void member(struct str *out, const char *key)
{
	char last = out->len ? str_text(out)[out->len - 1] : '{';

	if (last != '{' && last != '[')
		str_add_char(out, ',');
	if (key)
		str_addf(out, "\"%s\":", key);
}

/* int64 is text in protobuf's JSON. */
static void number_write(struct str *out, const char *key, uint64_t number)
{
	if (!number)
		return;
	member(out, key);
	str_addf(out, "\"%" PRIu64 "\"", number);
}

static void bytes_write(struct str *out, const char *key, const struct bytes *bytes)
{
	if (!bytes->len)
		return;
	member(out, key);
	json_write_base64(out, bytes->data, bytes->len);
}

static void text_write(struct str *out, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	member(out, key);
	json_write_text(out, text);
}

static void proof_write(const struct log_entry *entry, struct str *out)
{
	member(out, "inclusionProof");
	str_add_char(out, '{');
	number_write(out, "logIndex", entry->proof_index);
	bytes_write(out, "rootHash", &entry->proof_root);
	number_write(out, "treeSize", entry->proof_size);
	if (entry->proof_path.len) {
		member(out, "hashes");
		str_add_char(out, '[');
		for (size_t at = 0; at < entry->proof_path.len; at += MERKLE_HASH_SIZE) {
			member(out, NULL);
			json_write_base64(out, entry->proof_path.data + at, MERKLE_HASH_SIZE);
		}
		str_add_char(out, ']');
	}
	if (entry->checkpoint) {
		member(out, "checkpoint");
		str_add_char(out, '{');
		text_write(out, "envelope", entry->checkpoint);
		str_add_char(out, '}');
	}
	str_add_char(out, '}');
}

void log_entry_write(const struct log_entry *entry, struct str *out)
{
	str_add_char(out, '{');
	number_write(out, "logIndex", entry->index);
	member(out, "logId");
	str_add_text(out, "{\"keyId\":");
	json_write_base64(out, entry->log_id, sizeof(entry->log_id));
	str_add_char(out, '}');
	member(out, "kindVersion");
	str_add_char(out, '{');
	text_write(out, "kind", entry->kind);
	text_write(out, "version", entry->version);
	str_add_char(out, '}');
	number_write(out, "integratedTime", entry->integrated_time);
	if (entry->promise.len) {
		member(out, "inclusionPromise");
		str_add_char(out, '{');
		bytes_write(out, "signedEntryTimestamp", &entry->promise);
		str_add_char(out, '}');
	}
	if (entry->has_proof)
		proof_write(entry, out);
	bytes_write(out, "canonicalizedBody", &entry->body);
	str_add_char(out, '}');
}
