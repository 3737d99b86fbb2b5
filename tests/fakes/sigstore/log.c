/* A transparency log without an interface: entries, their tree, its checkpoints (C2SP tlog-checkpoint). */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/fakes/sigstore/fake.h"

enum { HINT_SIZE = 4, ED25519_SIZE = 32 };

/* Rekor v1: hash of the key. v2: of name and Ed25519 key, as notes have it. */
static void make_id(struct fake_log *log, bool is_v2)
{
	CLEANUP(str_release) struct str text = STR_INIT(4096);
	uint8_t key[ED25519_SIZE];
	size_t len = sizeof(key);

	if (is_v2) {
		fake_must(EVP_PKEY_get_raw_public_key(log->key, key, &len));
		str_addf(&text, "%s\n%c", log->name, 1);
		str_add(&text, key, len);
	} else {
		fake_spki(log->key, &text);
	}
	fake_sha256(text.bytes, text.len, log->id);
}

void fake_log_init(struct fake_log *log, const char *host, uint64_t tree_id)
{
	pthread_mutex_init(&log->lock, NULL);
	log->key = tree_id ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	fake_must(log->key != NULL);
	log->name = mem_strdup(host);
	log->origin = tree_id ? mem_printf("%s - %" PRIu64, host, tree_id) : mem_strdup(host);
	make_id(log, tree_id == 0);
}

void fake_log_release(struct fake_log *log)
{
	for (size_t i = 0; i < log->entries.len; i++)
		mem_free(log->entries.items[i].body);
	vec_release(&log->entries);
	fake_tree_release(&log->tree);
	EVP_PKEY_free(log->key);
	mem_free(log->name);
	mem_free(log->origin);
	pthread_mutex_destroy(&log->lock);
}

bool fake_log_find(const struct fake_log *log, const struct fake_hash *leaf, size_t *ret_index)
{
	for (size_t i = fake_tree_size(&log->tree); i > 0; i--) {
		if (memcmp(&log->tree.levels[0].items[i - 1], leaf, sizeof(*leaf)) == 0) {
			*ret_index = i - 1;
			return true;
		}
	}
	return false;
}

bool fake_log_add(struct fake_log *log, char *body, int64_t time_s, size_t *ret_index)
{
	struct fake_entry entry = {.body = body, .len = strlen(body), .time_s = time_s};
	struct fake_hash leaf;

	fake_leaf_hash(body, entry.len, &leaf);
	if (fake_log_find(log, &leaf, ret_index)) {
		mem_free(body);
		return false;
	}
	*ret_index = log->entries.len;
	*vec_push(&log->entries) = entry;
	fake_tree_add(&log->tree, &leaf);
	return true;
}

/* ---- Checkpoints ---- */

static void add_signature(
	struct str *note, const char *name, const uint8_t *hint, const struct str *signature)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(4096);

	str_add(&bytes, hint, HINT_SIZE);
	str_add(&bytes, str_text(signature), signature->len);
	CLEANUP(mem_freep) char *text = fake_base64(&bytes);
	str_addf(note, "\u2014 %s %s\n", name, text);
}

/* Of a witness's cosignature (C2SP tlog-cosignature) only the form: 4 + 8 + 64 bytes. */
static void add_witness(struct str *note, const char *name)
{
	static const uint8_t hint[HINT_SIZE] = {1, 2, 3, 4};
	CLEANUP(str_release) struct str bytes = STR_INIT(4096);

	for (int i = 0; i < 72; i++)
		str_add_char(&bytes, (char)(i * 3));
	add_signature(note, name, hint, &bytes);
}

static char *checkpoint(const struct fake_log *log, const struct fake_proof *proof,
	const struct fake_hash *root, enum fake_action fault)
{
	CLEANUP(str_release) struct str note = STR_INIT(64 * 1024);
	CLEANUP(str_release) struct str signature = STR_INIT(4096);
	CLEANUP(str_release) struct str root_bytes = STR_INIT(FAKE_HASH_SIZE);
	uint8_t hint[HINT_SIZE];

	str_add(&root_bytes, root->bytes, sizeof(root->bytes));
	CLEANUP(mem_freep) char *root_text = fake_base64(&root_bytes);
	memcpy(hint, log->id, sizeof(hint));
	if (fault == FAKE_WRONG_HINT)
		hint[0] ^= 1;
	str_addf(&note, "%s\n%zu\n%s\n", fault == FAKE_WRONG_ORIGIN ? "log.example" : log->origin,
		proof->size, root_text);
	fake_sign(log->key, note.bytes, note.len, &signature);
	if (fault == FAKE_BAD_CHECKPOINT)
		signature.bytes[signature.len - 1] ^= 1;
	str_add_char(&note, '\n');
	if (fault == FAKE_WITNESSES)
		add_witness(&note, "witness.example/a");
	add_signature(
		&note, fault == FAKE_WRONG_ORIGIN ? "log.example" : log->name, hint, &signature);
	if (fault == FAKE_WITNESSES)
		add_witness(&note, log->name);
	return str_steal(&note, NULL);
}

void fake_log_prove(struct fake_log *log, size_t index, size_t size, enum fake_action fault,
	struct fake_proof *ret_proof)
{
	struct fake_hash signed_root;

	ret_proof->index = index;
	ret_proof->size = size;
	fake_tree_root(&log->tree, size, &ret_proof->root);
	ret_proof->path_len = fake_tree_path(&log->tree, index, size, ret_proof->path);
	signed_root = ret_proof->root;
	if (fault == FAKE_WRONG_ROOT)
		signed_root.bytes[7] ^= 1;
	ret_proof->checkpoint = checkpoint(log, ret_proof, &signed_root, fault);
	if (fault == FAKE_BAD_PROOF)
		ret_proof->path[0].bytes[5] ^= 1;
}
