/*
 * What parsed metadata means: who has signed, whether a file is the listed one, which delegation is
 * asked for a target. The order in which documents are fetched and trusted is tuf_client.c's.
 */
#include "signer/tuf_metadata.h"

#include <fnmatch.h>
#include <string.h>

#include "base/enc.h"

const char *tuf_type_name(enum tuf_type type)
{
	static const char *const names[TUF_TYPES] = {"root", "timestamp", "snapshot", "targets"};

	return names[type];
}

/* ---- Life ---- */

static void role_release(struct tuf_role *role)
{
	for (size_t i = 0; i < role->key_ids.len; i++)
		mem_free(role->key_ids.items[i]);
	for (size_t i = 0; i < role->patterns.len; i++)
		mem_free(role->patterns.items[i]);
	vec_release(&role->key_ids);
	vec_release(&role->patterns);
	mem_free(role->name);
}

static void files_release(struct tuf_metadata *metadata)
{
	const char *name;
	void *file;

	for (size_t i = 0; strmap_next(&metadata->files, &i, &name, &file);)
		mem_free(file);
	strmap_release(&metadata->files);
	for (size_t i = 0; i < metadata->file_names.len; i++)
		mem_free(metadata->file_names.items[i]);
	vec_release(&metadata->file_names);
}

void tuf_metadata_free(struct tuf_metadata *metadata)
{
	if (!metadata)
		return;
	for (size_t i = 0; i < metadata->signatures.len; i++) {
		mem_free(metadata->signatures.items[i].key_id);
		mem_free(metadata->signatures.items[i].hex);
	}
	vec_release(&metadata->signatures);
	for (size_t i = 0; i < metadata->keys.len; i++) {
		mem_free(metadata->keys.items[i].id);
		tuf_key_free(metadata->keys.items[i].key);
	}
	vec_release(&metadata->keys);
	for (size_t i = 0; i < metadata->roles.len; i++)
		role_release(&metadata->roles.items[i]);
	vec_release(&metadata->roles);
	role_release(&metadata->succinct);
	mem_free(metadata->succinct_prefix);
	files_release(metadata);
	str_release(&metadata->signed_bytes);
	mem_free(metadata->bytes);
	mem_free(metadata);
}

/* ---- Signatures ---- */

static const struct tuf_key *key_of(const struct tuf_metadata *keys_of, const char *id)
{
	for (size_t i = 0; i < keys_of->keys.len; i++)
		if (strcmp(keys_of->keys.items[i].id, id) == 0)
			return keys_of->keys.items[i].key;
	return NULL;
}

static const char *signature_by(const struct tuf_metadata *metadata, const char *key_id)
{
	for (size_t i = 0; i < metadata->signatures.len; i++)
		if (strcmp(metadata->signatures.items[i].key_id, key_id) == 0)
			return metadata->signatures.items[i].hex;
	return NULL;
}

bool tuf_metadata_check(const struct tuf_metadata *metadata, const struct tuf_role *role,
	const struct tuf_metadata *keys_of, struct err **err)
{
	const struct str *bytes = &metadata->signed_bytes;
	VEC(const struct tuf_key *) counted = {0};

	for (size_t i = 0; i < role->key_ids.len; i++) {
		const char *hex = signature_by(metadata, role->key_ids.items[i]);
		const struct tuf_key *key = hex ? key_of(keys_of, role->key_ids.items[i]) : NULL;
		bool is_new = key != NULL;

		/* One key under two names is one signer. */
		for (size_t k = 0; k < counted.len && is_new; k++)
			is_new = !tuf_key_equal(counted.items[k], key);
		if (is_new && tuf_key_verify(key, str_text(bytes), bytes->len, hex))
			*vec_push(&counted) = key;
	}
	uint64_t found = counted.len;
	vec_release(&counted);
	return found >= role->threshold ||
		err_set(err, ERR_AUTH, "signed by %llu of the keys of '%.100s', %llu are needed",
			(unsigned long long)found, role->name, (unsigned long long)role->threshold);
}

/* ---- Files ---- */

const struct tuf_file *tuf_metadata_file(const struct tuf_metadata *metadata, const char *name)
{
	return strmap_get(&metadata->files, name);
}

bool tuf_file_check(const struct tuf_file *file, const void *bytes, size_t len, struct err **err)
{
	if (file->has_length && len != file->length)
		return err_set(err, ERR_DIGEST, "%zu bytes where %llu are listed", len,
			(unsigned long long)file->length);
	if (file->has_hashes && !file->has_sha256 && !file->has_sha512)
		return err_set(err, ERR_UNSUPPORTED, "no sha256 or sha512 is listed");
	if (file->has_sha256) {
		struct digest actual = digest_of(DIGEST_SHA256, bytes, len);

		if (!digest_equal(&actual, &file->sha256))
			return err_set(err, ERR_DIGEST, "not the bytes whose sha256 is listed");
	}
	if (file->has_sha512) {
		struct digest actual = digest_of(DIGEST_SHA512, bytes, len);

		if (!digest_equal(&actual, &file->sha512))
			return err_set(err, ERR_DIGEST, "not the bytes whose sha512 is listed");
	}
	return true;
}

/* ---- Delegations ---- */

static bool role_matches(const struct tuf_role *role, const char *path, const char *path_hash)
{
	for (size_t i = 0; i < role->patterns.len; i++) {
		const char *pattern = role->patterns.items[i];

		if (role->by_hash ? strncmp(path_hash, pattern, strlen(pattern)) == 0
				  : fnmatch(pattern, path, FNM_PATHNAME | FNM_NOESCAPE) == 0)
			return true;
	}
	return false;
}

static char *succinct_name(const struct tuf_metadata *targets, const struct digest *path_hash)
{
	uint32_t head = (uint32_t)path_hash->bytes[0] << 24 | (uint32_t)path_hash->bytes[1] << 16 |
		(uint32_t)path_hash->bytes[2] << 8 | path_hash->bytes[3];
	unsigned bits = targets->succinct_bits;

	return mem_printf("%s-%0*x", targets->succinct_prefix, (int)(bits + 3) / 4,
		(unsigned)(head >> (32 - bits)));
}

static void add_delegation(
	struct tuf_delegations *delegations, char *name, const struct tuf_role *role)
{
	*vec_push(&delegations->items) = (struct tuf_delegation){.name = name, .role = role};
}

void tuf_delegations_for(const struct tuf_metadata *targets, const char *path,
	struct tuf_delegations *ret_delegations, bool *ret_terminated)
{
	struct digest hash = digest_of(DIGEST_SHA256, path, strlen(path));
	char hash_hex[2 * DIGEST_SHA256_SIZE + 1];

	*ret_delegations = (struct tuf_delegations){0};
	*ret_terminated = false;
	hex_encode(hash.bytes, DIGEST_SHA256_SIZE, hash_hex);
	if (targets->succinct_prefix)
		add_delegation(ret_delegations, succinct_name(targets, &hash), &targets->succinct);
	for (size_t i = 0; i < targets->roles.len && !*ret_terminated; i++) {
		const struct tuf_role *role = &targets->roles.items[i];

		if (!role_matches(role, path, hash_hex))
			continue;
		add_delegation(ret_delegations, mem_strdup(role->name), role);
		*ret_terminated = role->is_terminating;
	}
}

void tuf_delegations_release(struct tuf_delegations *delegations)
{
	for (size_t i = 0; i < delegations->items.len; i++)
		mem_free(delegations->items.items[i].name);
	vec_release(&delegations->items);
}
