/*
 * From the path of a target to its bytes: the search through delegations, and the fetch. Metadata is brought up to date
 * by tuf_client.c, which judges all of it.
 */
#include <string.h>

#include "base/fs.h"
#include "signer/tuf_client_private.h"
#include "signer/tuf_store.h"

/* ---- 5.6.7 Searching ---- */

/* A role to be asked, and who delegated to it. */
struct visit {
	char *name;
	const struct tuf_role *role;
	const struct tuf_metadata *delegator;
};

struct search {
	VEC(struct visit) stack; /* the next at the end */
	struct strmap visited;
	VEC(char *) visited_names;
};

static void search_release(struct search *search)
{
	for (size_t i = 0; i < search->stack.len; i++)
		mem_free(search->stack.items[i].name);
	vec_release(&search->stack);
	strmap_release(&search->visited);
	for (size_t i = 0; i < search->visited_names.len; i++)
		mem_free(search->visited_names.items[i]);
	vec_release(&search->visited_names);
}

/* Pre-order: the first delegation is on top. A terminating one ends all that was left to visit. */
static void push_delegations(
	struct search *search, const struct tuf_metadata *targets, const char *path)
{
	struct tuf_delegations delegations;
	bool terminated;

	tuf_delegations_for(targets, path, &delegations, &terminated);
	if (terminated) {
		for (size_t i = 0; i < search->stack.len; i++)
			mem_free(search->stack.items[i].name);
		vec_clear(&search->stack);
	}
	for (size_t i = delegations.items.len; i-- > 0;)
		*vec_push(&search->stack) =
			(struct visit){.name = steal_ptr(&delegations.items.items[i].name),
				.role = delegations.items.items[i].role,
				.delegator = targets};
	tuf_delegations_release(&delegations);
}

/* True for a role that was not visited yet; takes the name. */
static bool mark_visited(struct search *search, char *name)
{
	if (strmap_get(&search->visited, name)) {
		mem_free(name);
		return false;
	}
	*vec_push(&search->visited_names) = name;
	*strmap_put(&search->visited, name) = name;
	return true;
}

/* *ret_file belongs to the client; NULL: nobody vouches for the path. */
static bool search_target(struct tuf_client *client, const char *path,
	const struct tuf_file **ret_file, struct err **err)
{
	CLEANUP(search_release) struct search search = {0};

	*ret_file = NULL;
	*vec_push(&search.stack) = (struct visit){.name = mem_strdup(tuf_type_name(TUF_TARGETS)),
		.role = tuf_top_role(client, TUF_TARGETS),
		.delegator = client->root};
	while (search.stack.len > 0 && search.visited_names.len < TUF_DELEGATIONS_MAX) {
		struct visit visit = search.stack.items[--search.stack.len];
		const struct tuf_metadata *targets;

		if (!mark_visited(&search, visit.name))
			continue;
		targets = tuf_find_targets(client, visit.name);
		if (!targets)
			targets = tuf_load_targets(
				client, visit.name, visit.role, visit.delegator, err);
		if (!targets)
			return false;
		*ret_file = tuf_metadata_file(targets, path);
		if (*ret_file)
			return true;
		push_delegations(&search, targets, path);
	}
	return true;
}

/* ---- 5.7 Fetching a target ---- */

/* "a/b.txt" -> "a/<hash>.b.txt" with consistent snapshots; each segment encoded. */
static char *target_url(const struct tuf_client *client, const char *base, const char *path,
	const struct tuf_file *file)
{
	char digest[DIGEST_TEXT_SIZE];
	struct str url = STR_INIT(STR_TEXT_MAX);
	const char *last = strrchr(path, '/'), *at = path;

	str_addf(&url, "%s%s", base, *base && base[strlen(base) - 1] == '/' ? "" : "/");
	while (*at) {
		size_t len = strcspn(at, "/");
		CLEANUP(mem_freep) char *segment = mem_strndup(at, len);
		CLEANUP(mem_freep) char *quoted = tuf_quote(segment);
		bool is_last = at == (last ? last + 1 : path);

		if (is_last && client->root->consistent_snapshot &&
			(file->has_sha256 || file->has_sha512)) {
			digest_format(file->has_sha256 ? &file->sha256 : &file->sha512, digest);
			str_addf(&url, "%s.", strchr(digest, ':') + 1);
		}
		str_add_text(&url, quoted);
		at += len;
		if (*at == '/')
			str_add_char(&url, *at++);
	}
	return str_steal(&url, NULL);
}

static bool read_cached(const char *cached, const struct tuf_file *file, struct str *out)
{
	if (cached && fs_read_file(cached, out, NULL) &&
		tuf_file_check(file, str_text(out), out->len, NULL))
		return true;
	str_clear(out);
	return false;
}

bool tuf_client_fetch(struct tuf_client *client, const char *path, const char *targets_url,
	const char *cached, struct str *ret_bytes, bool *ret_from_cache, struct err **err)
{
	const struct tuf_file *file;
	CLEANUP(mem_freep) char *url = NULL;
	CLEANUP(str_release) struct str bytes = STR_INIT(ret_bytes->max);
	bool from_cache;

	if (!search_target(client, path, &file, err))
		return err_prefix(err, "target '%.100s'", path);
	if (!file)
		return err_set(err, ERR_NOT_FOUND,
			"target '%.100s': the metadata lists no such file", path);
	if (file->length > bytes.max)
		return err_set(err, ERR_TOO_LARGE, "target '%.100s': %llu bytes, at most %zu", path,
			(unsigned long long)file->length, bytes.max);
	from_cache = read_cached(cached, file, &bytes);
	if (!from_cache) {
		url = target_url(client, targets_url, path, file);
		if (!tuf_fetch(client, url, (size_t)file->length, &bytes, err))
			return false;
		if (!tuf_file_check(file, str_text(&bytes), bytes.len, err))
			return err_prefix(err, "target '%.100s' from %s", path, url);
	}
	str_add(ret_bytes, str_text(&bytes), bytes.len);
	if (ret_from_cache)
		*ret_from_cache = from_cache;
	return true;
}
