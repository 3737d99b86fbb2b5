/*
 * From JSON to struct tuf_metadata: shapes, ranges, counts. Members that the specification does not
 * have are passed over; they are part of the signed bytes all the same.
 */
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "signer/tuf_canonical.h"
#include "signer/tuf_metadata.h"

/* Canonical text is never longer than the text it is made of. */
#define SUCCINCT_BITS_MAX 32

static void json_freep(json_t **value)
{
	json_decref(*value);
}

static bool bad(struct err **err, const char *what)
{
	return err_set(err, ERR_INVALID, "%s", what);
}

/* ---- Members ---- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && strnlen(text, TUF_NAME_MAX + 1) <= TUF_NAME_MAX ? text : NULL;
}

/* A whole number from `least` upwards. */
static bool number_of(const json_t *object, const char *name, int64_t least, uint64_t *ret_number)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value) || json_integer_value(value) < least)
		return false;
	*ret_number = (uint64_t)json_integer_value(value);
	return true;
}

static bool parse_hashes(const json_t *hashes, struct tuf_file *file, struct err **err)
{
	const char *sha256 = text_of(hashes, "sha256"), *sha512 = text_of(hashes, "sha512");

	if (!json_is_object(hashes) || json_object_size(hashes) == 0)
		return bad(err, "\"hashes\" must be an object that is not empty");
	file->has_hashes = true;
	file->has_sha256 = json_object_get(hashes, "sha256") != NULL;
	file->has_sha512 = json_object_get(hashes, "sha512") != NULL;
	file->sha256.algorithm = DIGEST_SHA256;
	file->sha512.algorithm = DIGEST_SHA512;
	if (file->has_sha256 &&
		(!sha256 || strlen(sha256) != 64 || !hex_decode(sha256, 32, file->sha256.bytes)))
		return bad(err, "a sha256 must have 64 hexadecimal digits");
	if (file->has_sha512 &&
		(!sha512 || strlen(sha512) != 128 || !hex_decode(sha512, 64, file->sha512.bytes)))
		return bad(err, "a sha512 must have 128 hexadecimal digits");
	return true;
}

static bool parse_one_file(
	const json_t *value, bool is_target, struct tuf_file *file, struct err **err)
{
	const json_t *hashes = json_object_get(value, "hashes");

	if (!json_is_object(value))
		return bad(err, "a file must be described by an object");
	if (!is_target && !number_of(value, "version", 1, &file->version))
		return bad(err, "\"version\" must be a number from 1 upwards");
	file->has_length = json_object_get(value, "length") != NULL;
	if ((file->has_length || is_target) && !number_of(value, "length", 0, &file->length))
		return bad(err, "\"length\" must be a number");
	if (!hashes && is_target)
		return bad(err, "a target needs hashes");
	return !hashes || parse_hashes(hashes, file, err);
}

static bool parse_files(
	const json_t *object, bool are_targets, struct tuf_metadata *metadata, struct err **err)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return bad(err,
			are_targets ? "\"targets\" must be an object"
				    : "\"meta\" must be an object");
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		struct tuf_file *file = mem_new(1, sizeof(*file));
		char *own = mem_strdup(name);

		*vec_push(&metadata->file_names) = own;
		*strmap_put(&metadata->files, own) = file;
		if (!parse_one_file(value, are_targets, file, err))
			return err_prefix(err, "'%.100s'", name);
	}
	return true;
}

/* ---- Keys and roles ---- */

static bool parse_keys(const json_t *object, struct tuf_metadata *metadata, struct err **err)
{
	const char *id;
	json_t *value;

	if (!json_is_object(object) || json_object_size(object) > TUF_KEYS_MAX)
		return bad(err, "\"keys\" must be an object with at most 1024 keys");
	json_object_foreach((json_t *)(uintptr_t)object, id, value)
	{
		CLEANUP(err_freep) struct err *why = NULL;
		const char *type = text_of(value, "keytype"), *scheme = text_of(value, "scheme");
		const json_t *public_value =
			json_object_get(json_object_get(value, "keyval"), "public");
		struct tuf_named_key *key;

		if (!type || !scheme || !json_is_string(public_value))
			return bad(err, "a key needs keytype, scheme and keyval.public");
		key = vec_push(&metadata->keys);
		key->id = mem_strdup(id);
		key->key = tuf_key_new(type, scheme, json_string_value(public_value), &why);
		if (!key->key && !err_is(why, ERR_UNSUPPORTED)) {
			err_keep_first(err, &why);
			return err_prefix(err, "key '%.80s'", id);
		}
	}
	return true;
}

/* An array of different texts. */
static bool parse_texts(
	const json_t *array, const char *what, char ***ret_texts, size_t *ret_len, struct err **err)
{
	CLEANUP(strmap_release) struct strmap seen = STRMAP_INIT;
	VEC(char *) texts = {0};
	bool ok = json_is_array(array) && json_array_size(array) <= TUF_KEYS_MAX;

	for (size_t i = 0; ok && i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));
		void **slot;

		ok = text && strlen(text) <= TUF_NAME_MAX;
		if (!ok)
			break;
		slot = strmap_put(&seen, text);
		ok = !*slot;
		*slot = &seen;
		*vec_push(&texts) = mem_strdup(text);
	}
	*ret_texts = texts.items;
	*ret_len = texts.len;
	return ok || err_set(err, ERR_INVALID, "%s must be an array of different texts", what);
}

static bool parse_role(
	const json_t *object, const char *name, struct tuf_role *role, struct err **err)
{
	role->name = mem_strdup(name);
	if (!number_of(object, "threshold", 1, &role->threshold))
		return err_set(err, ERR_INVALID,
			"role '%.100s': \"threshold\" must be a number from 1 upwards", name);
	return parse_texts(json_object_get(object, "keyids"), "\"keyids\"", &role->key_ids.items,
		       &role->key_ids.len, err) ||
		err_prefix(err, "role '%.100s'", name);
}

static bool parse_root(const json_t *body, struct tuf_metadata *metadata, struct err **err)
{
	const json_t *roles = json_object_get(body, "roles");
	const json_t *consistent = json_object_get(body, "consistent_snapshot");

	if (consistent && !json_is_boolean(consistent))
		return bad(err, "\"consistent_snapshot\" must be true or false");
	metadata->consistent_snapshot = json_is_true(consistent);
	if (!parse_keys(json_object_get(body, "keys"), metadata, err))
		return false;
	for (enum tuf_type type = 0; type < TUF_TYPES; type++) {
		const char *name = tuf_type_name(type);

		if (!parse_role(
			    json_object_get(roles, name), name, vec_push(&metadata->roles), err))
			return false;
	}
	return true;
}

static bool parse_patterns(const json_t *object, struct tuf_role *role, struct err **err)
{
	const json_t *paths = json_object_get(object, "paths");
	const json_t *prefixes = json_object_get(object, "path_hash_prefixes");

	if (!paths == !prefixes)
		return err_set(err, ERR_INVALID,
			"role '%.100s' needs \"paths\" or \"path_hash_prefixes\"", role->name);
	role->by_hash = prefixes != NULL;
	return parse_texts(paths ? paths : prefixes, "the paths", &role->patterns.items,
		       &role->patterns.len, err) ||
		err_prefix(err, "role '%.100s'", role->name);
}

static bool is_top_level(const char *name)
{
	for (enum tuf_type type = 0; type < TUF_TYPES; type++)
		if (strcmp(name, tuf_type_name(type)) == 0)
			return true;
	return false;
}

static bool parse_delegation(const json_t *object, struct tuf_metadata *metadata, struct err **err)
{
	const char *name = text_of(object, "name");
	const json_t *terminating = json_object_get(object, "terminating");
	struct tuf_role *role;

	if (!name || !*name || is_top_level(name) || !json_is_boolean(terminating))
		return bad(err,
			"a delegation needs a name of its own and \"terminating\": true or false");
	for (size_t i = 0; i < metadata->roles.len; i++)
		if (strcmp(metadata->roles.items[i].name, name) == 0)
			return err_set(err, ERR_INVALID, "two delegations '%.100s'", name);
	role = vec_push(&metadata->roles);
	role->is_terminating = json_is_true(terminating);
	return parse_role(object, name, role, err) && parse_patterns(object, role, err);
}

static bool parse_succinct(const json_t *object, struct tuf_metadata *metadata, struct err **err)
{
	const char *prefix = text_of(object, "name_prefix");
	uint64_t bits = 0;

	if (!prefix || !number_of(object, "bit_length", 1, &bits) || bits > SUCCINCT_BITS_MAX)
		return bad(err,
			"\"succinct_roles\" needs \"name_prefix\" and a \"bit_length\" "
			"from 1 to 32");
	metadata->succinct_prefix = mem_strdup(prefix);
	metadata->succinct_bits = (unsigned)bits;
	return parse_role(object, prefix, &metadata->succinct, err);
}

static bool parse_delegations(const json_t *object, struct tuf_metadata *metadata, struct err **err)
{
	const json_t *roles = json_object_get(object, "roles");
	const json_t *succinct = json_object_get(object, "succinct_roles");

	if (!object)
		return true;
	if (!roles == !succinct || (roles && !json_is_array(roles)) ||
		json_array_size(roles) > TUF_KEYS_MAX)
		return bad(err,
			"\"delegations\" needs \"roles\", at most 1024, or \"succinct_roles\"");
	if (!parse_keys(json_object_get(object, "keys"), metadata, err))
		return false;
	if (succinct)
		return parse_succinct(succinct, metadata, err);
	for (size_t i = 0; i < json_array_size(roles); i++)
		if (!parse_delegation(json_array_get(roles, i), metadata, err))
			return false;
	return true;
}

/* ---- Documents ---- */

static bool parse_body(const json_t *body, struct tuf_metadata *metadata, struct err **err)
{
	switch (metadata->type) {
	case TUF_ROOT:
		return parse_root(body, metadata, err);
	case TUF_TIMESTAMP:
		return parse_files(json_object_get(body, "meta"), false, metadata, err) &&
			(tuf_metadata_file(metadata, "snapshot.json") ||
				bad(err, "\"meta\" does not list snapshot.json"));
	case TUF_SNAPSHOT:
		return parse_files(json_object_get(body, "meta"), false, metadata, err) &&
			(tuf_metadata_file(metadata, "targets.json") ||
				bad(err, "\"meta\" does not list targets.json"));
	case TUF_TARGETS:
		return parse_files(json_object_get(body, "targets"), true, metadata, err) &&
			parse_delegations(json_object_get(body, "delegations"), metadata, err);
	}
	return bad(err, "unknown kind of document");
}

static bool parse_common(const json_t *body, struct tuf_metadata *metadata, struct err **err)
{
	const char *type = text_of(body, "_type"), *expires = text_of(body, "expires");
	const char *specification = text_of(body, "spec_version");

	if (!type || strcmp(type, tuf_type_name(metadata->type)) != 0)
		return err_set(
			err, ERR_INVALID, "\"_type\" is not \"%s\"", tuf_type_name(metadata->type));
	if (!specification || strncmp(specification, "1.", 2) != 0)
		return bad(err, "\"spec_version\" is not 1.x");
	if (!number_of(body, "version", 1, &metadata->version))
		return bad(err, "\"version\" must be a number from 1 upwards");
	if (!expires || !clock_parse_rfc3339(expires, &metadata->expires_unix_ms))
		return bad(err, "\"expires\" must be a date and time");
	return true;
}

static bool parse_signatures(const json_t *array, struct tuf_metadata *metadata, struct err **err)
{
	CLEANUP(strmap_release) struct strmap seen = STRMAP_INIT;

	if (!json_is_array(array) || json_array_size(array) > TUF_KEYS_MAX)
		return bad(err, "\"signatures\" must be an array of at most 1024");
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *value = json_array_get(array, i);
		const char *key_id = text_of(value, "keyid");
		const json_t *hex = json_object_get(value, "sig");
		struct tuf_signature *signature;
		void **slot;

		if (!key_id || !json_is_string(hex))
			return bad(err, "a signature needs keyid and sig");
		slot = strmap_put(&seen, key_id);
		if (*slot)
			return err_set(err, ERR_INVALID, "two signatures of key '%.80s'", key_id);
		*slot = &seen;
		signature = vec_push(&metadata->signatures);
		signature->key_id = mem_strdup(key_id);
		signature->hex = mem_strdup(json_string_value(hex));
	}
	return true;
}

static bool parse_document(struct tuf_metadata *metadata, struct err **err)
{
	json_error_t reason;
	CLEANUP(json_freep)
	json_t *document =
		json_loadb(metadata->bytes, metadata->len, JSON_REJECT_DUPLICATES, &reason);
	const json_t *body = json_object_get(document, "signed");

	if (!document)
		return err_set(err, ERR_INVALID, "line %d: %.100s", reason.line, reason.text);
	if (!json_is_object(body))
		return bad(err, "an object with \"signed\" is needed");
	return parse_common(body, metadata, err) && parse_body(body, metadata, err) &&
		parse_signatures(json_object_get(document, "signatures"), metadata, err);
}

struct tuf_metadata *tuf_metadata_parse(
	enum tuf_type type, const char *bytes, size_t len, struct err **err)
{
	CLEANUP(tuf_metadata_freep) struct tuf_metadata *metadata = mem_new(1, sizeof(*metadata));

	metadata->type = type;
	metadata->bytes = mem_new(len + 1, 1);
	memcpy(metadata->bytes, bytes, len);
	metadata->len = len;
	str_init(&metadata->signed_bytes, len);
	if (!parse_document(metadata, err) ||
		!tuf_canonical_member(bytes, len, "signed", &metadata->signed_bytes, err))
		return NULL;
	return steal_ptr(&metadata);
}
