/*
 * Reading one file of credentials. Docker and containers/image write the same shape; docker's keys
 * may be URLs, those of containers may go down to a single repository. It does not know where files
 * lie nor which of them goes first, and runs nothing.
 */
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "image/reference.h"
#include "registry/credentials_private.h"

#define ENTRIES_MAX 10000

static void json_freep(json_t **value)
{
	json_decref(*value);
}

static void entry_release(struct credential_entry *entry)
{
	mem_free(entry->host);
	mem_free(entry->path);
	mem_free_secret_string(entry->username);
	mem_free_secret_string(entry->secret);
}

void credential_file_release(struct credential_file *file)
{
	for (size_t i = 0; i < file->entries.len; i++)
		entry_release(&file->entries.items[i]);
	vec_release(&file->entries);
	for (size_t i = 0; i < file->helpers.len; i++) {
		mem_free(file->helpers.items[i].host);
		mem_free(file->helpers.items[i].suffix);
	}
	vec_release(&file->helpers);
	mem_free(file->store);
	mem_free(file->origin);
	*file = (struct credential_file){0};
}

/* ---- Keys ---- */

/* docker: what stands behind the host of a URL is no repository, "https://index.docker.io/v1/". */
static bool split_key(const char *key, char **ret_host, char **ret_path)
{
	bool is_url = false;
	if (strncasecmp(key, "https://", 8) == 0 || strncasecmp(key, "http://", 7) == 0) {
		key = strstr(key, "://") + 3;
		is_url = true;
	}
	size_t host = strcspn(key, "/");
	CLEANUP(mem_freep) char *name = mem_strndup(key, host);
	const char *path = key[host] ? key + host + 1 : "";
	size_t len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	if (is_url || (len == 2 && (strncmp(path, "v1", 2) == 0 || strncmp(path, "v2", 2) == 0)))
		len = 0;
	char *canonical;
	if (!registry_name_canonical(name, &canonical, NULL))
		return false;
	*ret_host = canonical;
	*ret_path = mem_strndup(path, len);
	return true;
}

/* ---- auths ---- */

static char *dup_string(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return mem_strdup(text ? text : "");
}

/* base64 of "user:password"; the password may be padded with NULs. */
static bool read_pair(const char *text, struct credential_entry *entry)
{
	size_t len = 0;
	uint8_t *bytes = base64_decode(text, strlen(text), &len);
	if (!bytes)
		return false;
	char *pair = (char *)bytes;
	size_t used = len;
	while (used > 0 && pair[used - 1] == '\0')
		used--;
	const char *colon = memchr(pair, ':', used);
	bool ok = colon && colon != pair && !memchr(pair, '\0', used);
	if (ok) {
		mem_free_secret_string(entry->username);
		mem_free_secret_string(entry->secret);
		entry->username = mem_strndup(pair, (size_t)(colon - pair));
		entry->secret = mem_strndup(colon + 1, used - (size_t)(colon + 1 - pair));
	}
	mem_free_secret(bytes, len);
	return ok;
}

/* False if the member holds something that cannot be understood. */
static bool read_secret(const json_t *value, struct credential_entry *entry)
{
	const char *auth = json_string_value(json_object_get(value, "auth"));
	const char *identity = json_string_value(json_object_get(value, "identitytoken"));
	const char *registry = json_string_value(json_object_get(value, "registrytoken"));
	entry->username = dup_string(value, "username");
	entry->secret = dup_string(value, "password");
	entry->kind = CREDENTIAL_PASSWORD;
	if (auth && *auth && !read_pair(auth, entry))
		return false;
	if ((identity && *identity) || (registry && *registry)) {
		bool is_registry = registry && *registry;
		entry->kind = is_registry ? CREDENTIAL_REGISTRY_TOKEN : CREDENTIAL_IDENTITY_TOKEN;
		mem_free_secret_string(entry->secret);
		entry->secret = mem_strdup(is_registry ? registry : identity);
	} else if (!*entry->username) {
		/* What docker leaves behind when the secret is in a store. */
		entry->kind = CREDENTIAL_ANONYMOUS;
	}
	return true;
}

static bool read_auths(const json_t *auths, struct credential_file *file, struct err **err)
{
	const char *key;
	json_t *value;
	if (json_object_size(auths) > ENTRIES_MAX)
		return err_set(err, ERR_USAGE, "more than %d entries in auths", ENTRIES_MAX);
	json_object_foreach((json_t *)(uintptr_t)auths, key, value)
	{
		struct credential_entry entry = {0};
		if (!json_is_object(value))
			return err_set(err, ERR_USAGE, "auths: \"%.100s\" is no object", key);
		if (!split_key(key, &entry.host, &entry.path))
			continue;
		bool ok = read_secret(value, &entry);
		if (ok && entry.kind != CREDENTIAL_ANONYMOUS)
			*vec_push(&file->entries) = entry;
		else
			entry_release(&entry);
		if (!ok)
			return err_set(err, ERR_USAGE,
				"auths: \"%.100s\": auth is not the base64 of \"user:password\"",
				key);
	}
	return true;
}

/* ---- Helpers ---- */

static bool check_suffix(const char *suffix, const char *where, struct err **err)
{
	if (suffix && credential_helper_name_is_valid(suffix))
		return true;
	return err_set(err, ERR_USAGE,
		"%s: the name of a credential helper has letters, digits, '.', '_' and '-' only",
		where);
}

static bool read_helpers(const json_t *root, struct credential_file *file, struct err **err)
{
	const char *key, *store = json_string_value(json_object_get(root, "credsStore"));
	json_t *value, *helpers = json_object_get(root, "credHelpers");
	if (store && *store) {
		if (!check_suffix(store, "credsStore", err))
			return false;
		file->store = mem_strdup(store);
	}
	if (json_object_size(helpers) > ENTRIES_MAX)
		return err_set(err, ERR_USAGE, "more than %d entries in credHelpers", ENTRIES_MAX);
	json_object_foreach(helpers, key, value)
	{
		CLEANUP(mem_freep) char *host = NULL;
		CLEANUP(mem_freep) char *path = NULL;
		const char *suffix = json_string_value(value);
		if (!split_key(key, &host, &path))
			continue;
		if (!check_suffix(suffix, "credHelpers", err))
			return false;
		*vec_push(&file->helpers) = (struct credential_helper){
			.host = steal_ptr(&host), .suffix = mem_strdup(suffix)};
	}
	return true;
}

/* ---- The file ---- */

static bool is_object_or_absent(const json_t *root, const char *name)
{
	const json_t *value = json_object_get(root, name);
	return !value || json_is_object(value);
}

bool credential_file_parse(const char *text, size_t len, const char *origin,
	struct credential_file *ret_file, struct err **err)
{
	CLEANUP(credential_file_release) struct credential_file file = {0};
	json_error_t where;
	CLEANUP(json_freep) json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	file.origin = mem_strdup(origin);
	/* jansson's own message quotes the text, which is secret. */
	if (!root)
		return err_set(err, ERR_USAGE, "%s:%d:%d: malformed JSON", origin, where.line,
			where.column);
	if (!json_is_object(root) || !is_object_or_absent(root, "auths") ||
		!is_object_or_absent(root, "credHelpers"))
		return err_set(err, ERR_USAGE,
			"%s: expected an object with \"auths\", \"credHelpers\" or \"credsStore\"",
			origin);
	if (!read_auths(json_object_get(root, "auths"), &file, err) ||
		!read_helpers(root, &file, err))
		return err_prefix(err, "%s", origin);
	*ret_file = file;
	file = (struct credential_file){0};
	return true;
}

bool credential_path_holds(const char *prefix, const char *path)
{
	size_t len = strlen(prefix);
	return len == 0 ||
		(strncmp(prefix, path, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

const struct credential_entry *credential_file_entry(
	const struct credential_file *file, const char *host, const char *path)
{
	const struct credential_entry *best = NULL;
	for (size_t i = 0; i < file->entries.len; i++) {
		const struct credential_entry *entry = &file->entries.items[i];
		if (strcmp(entry->host, host) == 0 && credential_path_holds(entry->path, path) &&
			(!best || strlen(entry->path) > strlen(best->path)))
			best = entry;
	}
	return best;
}

const char *credential_file_helper(const struct credential_file *file, const char *host)
{
	for (size_t i = 0; i < file->helpers.len; i++)
		if (strcmp(file->helpers.items[i].host, host) == 0)
			return file->helpers.items[i].suffix;
	return file->store;
}
