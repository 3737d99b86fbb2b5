/*
 * The workflow of a client, step by step as the specification numbers it. Every document passes the
 * same gate: bounded fetch, listed length and hashes, signatures of its role, version, expiry; only
 * then it is written down and trusted.
 */
#include "signer/tuf_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "signer/tuf_metadata.h"
#include "signer/tuf_store.h"

struct trusted_targets {
	char *role;
	struct tuf_metadata *metadata;
};

struct tuf_client {
	struct http *http;
	const struct clock *clock;
	char *directory, *metadata_url;
	struct tuf_metadata *root, *timestamp, *snapshot; /* the last two after a refresh */
	VEC(struct trusted_targets) targets;		  /* "targets" and delegated roles */
};

/* ---- Fetching ---- */

static char *join_url(const char *base, const char *name)
{
	size_t len = strlen(base);

	return mem_printf("%s%s%s", base, len && base[len - 1] == '/' ? "" : "/", name);
}

/* Appends at most `max` bytes to `out`. ERR_NOT_FOUND for 404. */
static bool fetch(
	struct tuf_client *client, const char *url, size_t max, struct str *out, struct err **err)
{
	struct http_request request = {
		.method = "GET", .url = url, .response_max = max, .repeatable = true};
	struct http_response response = {0};
	bool ok;

	if (!http_do(client->http, &request, &response, err))
		return false;
	if (response.status == 200)
		ok = str_add(out, str_text(&response.body), response.body.len) ||
			err_set(err, ERR_TOO_LARGE, "%s: more than %zu bytes", url, out->max);
	else
		ok = err_set_http(err, response.status == 404 ? ERR_NOT_FOUND : ERR_INVALID,
			response.status, "%s: the server answered %d", url, response.status);
	http_response_release(&response);
	return ok;
}

/* "3.snapshot.json", or "snapshot.json" for version 0. */
static bool fetch_metadata(struct tuf_client *client, const char *role, uint64_t version,
	size_t max, struct str *out, struct err **err)
{
	CLEANUP(mem_freep) char *quoted = tuf_quote(role);
	CLEANUP(mem_freep)
	char *name = version ? mem_printf("%llu.%s.json", (unsigned long long)version, quoted)
			     : mem_printf("%s.json", quoted);
	CLEANUP(mem_freep) char *url = join_url(client->metadata_url, name);

	return fetch(client, url, max, out, err);
}

/* ---- Judging ---- */

static bool check_expiry(
	const struct tuf_client *client, const struct tuf_metadata *metadata, struct err **err)
{
	char expires[CLOCK_RFC3339_SIZE];

	if (metadata->expires_unix_ms > clock_unix_ms(client->clock))
		return true;
	clock_format_rfc3339(metadata->expires_unix_ms, expires);
	return err_set(err, ERR_TIMEOUT, "expired at %s: the repository is out of date, or kept so",
		expires);
}

static bool check_version(const struct tuf_metadata *metadata, uint64_t version, struct err **err)
{
	return metadata->version == version ||
		err_set(err, ERR_CONFLICT, "version %llu where %llu was listed",
			(unsigned long long)metadata->version, (unsigned long long)version);
}

static bool check_not_older(uint64_t version, uint64_t seen, const char *what, struct err **err)
{
	return version >= seen ||
		err_set(err, ERR_CONFLICT, "%s: version %llu, but %llu was seen already (rollback)",
			what, (unsigned long long)version, (unsigned long long)seen);
}

/* Parsed and signed by the role; NULL otherwise. */
static struct tuf_metadata *read_signed(enum tuf_type type, const struct str *bytes,
	const struct tuf_role *role, const struct tuf_metadata *keys_of, struct err **err)
{
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *metadata = tuf_metadata_parse(type, str_text(bytes), bytes->len, err);

	if (!metadata || !tuf_metadata_check(metadata, role, keys_of, err))
		return NULL;
	return steal_ptr(&metadata);
}

/* What an earlier run left behind, if it still counts under today's keys. */
static struct tuf_metadata *read_stored(struct tuf_client *client, enum tuf_type type,
	const char *name, size_t max, const struct tuf_role *role,
	const struct tuf_metadata *keys_of)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(max);

	if (!tuf_store_read(client->directory, name, &bytes, NULL))
		return NULL;
	return read_signed(type, &bytes, role, keys_of, NULL);
}

static bool keep(struct tuf_client *client, const char *role, const struct tuf_metadata *metadata,
	struct err **err)
{
	return tuf_store_write(client->directory, role, metadata->bytes, metadata->len, err);
}

static const struct tuf_role *top_role(const struct tuf_client *client, enum tuf_type type)
{
	return &client->root->roles.items[type];
}

/* ---- Life ---- */

bool tuf_client_init(const char *directory, const void *root, size_t len, struct err **err)
{
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *metadata = NULL;

	if (len > TUF_ROOT_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "initial root: more than %zu bytes",
			TUF_ROOT_MAX_BYTES);
	metadata = tuf_metadata_parse(TUF_ROOT, root, len, err);
	if (!metadata ||
		!tuf_metadata_check(metadata, &metadata->roles.items[TUF_ROOT], metadata, err))
		return err_prefix(err, "initial root");
	return tuf_store_open(directory, err) &&
		tuf_store_write(directory, tuf_type_name(TUF_ROOT), root, len, err);
}

static bool load_root(struct tuf_client *client, struct err **err)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(TUF_ROOT_MAX_BYTES);
	CLEANUP(tuf_metadata_freep) struct tuf_metadata *root = NULL;

	if (!tuf_store_open(client->directory, err))
		return false;
	if (!tuf_store_read(client->directory, tuf_type_name(TUF_ROOT), &bytes, err)) {
		if (err && err_is(*err, ERR_NOT_FOUND))
			err_prefix(err, "%s has no trusted root yet: \"init\" comes first",
				client->directory);
		return false;
	}
	root = tuf_metadata_parse(TUF_ROOT, str_text(&bytes), bytes.len, err);
	if (!root || !tuf_metadata_check(root, &root->roles.items[TUF_ROOT], root, err))
		return err_prefix(err, "trusted root in %s", client->directory);
	client->root = steal_ptr(&root);
	return true;
}

struct tuf_client *tuf_client_new(const struct tuf_client_options *options, struct err **err)
{
	CLEANUP(tuf_client_freep) struct tuf_client *client = mem_new(1, sizeof(*client));

	client->http = options->http;
	client->clock = options->clock ? options->clock : &clock_system;
	client->directory = mem_strdup(options->directory);
	client->metadata_url = mem_strdup(options->metadata_url);
	if (!load_root(client, err))
		return NULL;
	return steal_ptr(&client);
}

static void forget_targets(struct tuf_client *client)
{
	for (size_t i = 0; i < client->targets.len; i++) {
		mem_free(client->targets.items[i].role);
		tuf_metadata_free(client->targets.items[i].metadata);
	}
	vec_release(&client->targets);
}

void tuf_client_free(struct tuf_client *client)
{
	if (!client)
		return;
	forget_targets(client);
	tuf_metadata_free(client->root);
	tuf_metadata_free(client->timestamp);
	tuf_metadata_free(client->snapshot);
	mem_free(client->directory);
	mem_free(client->metadata_url);
	mem_free(client);
}

/* ---- 5.3 Root ---- */

/* False with ERR_NOT_FOUND when there is no newer one. */
static bool next_root(struct tuf_client *client, struct err **err)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(TUF_ROOT_MAX_BYTES);
	CLEANUP(tuf_metadata_freep) struct tuf_metadata *next = NULL;
	uint64_t version = client->root->version + 1;
	const char *name = tuf_type_name(TUF_ROOT);

	if (!fetch_metadata(client, name, version, TUF_ROOT_MAX_BYTES, &bytes, err))
		return false;
	next = read_signed(TUF_ROOT, &bytes, top_role(client, TUF_ROOT), client->root, err);
	if (!next || !tuf_metadata_check(next, &next->roles.items[TUF_ROOT], next, err) ||
		!check_version(next, version, err) || !keep(client, name, next, err))
		return err_prefix(err, "root version %llu", (unsigned long long)version);
	tuf_metadata_free(client->root);
	client->root = steal_ptr(&next);
	return true;
}

static bool refresh_root(struct tuf_client *client, struct err **err)
{
	for (unsigned i = 0; i < TUF_ROOT_ROTATIONS_MAX; i++) {
		CLEANUP(err_freep) struct err *why = NULL;

		if (next_root(client, &why))
			continue;
		if (!err_is(why, ERR_NOT_FOUND)) {
			err_keep_first(err, &why);
			return false;
		}
		break;
	}
	/* 5.3.10: only the last one must be fresh. */
	return check_expiry(client, client->root, err) || err_prefix(err, "root");
}

/* ---- 5.4 Timestamp ---- */

static const struct tuf_file *listed_snapshot(const struct tuf_metadata *timestamp)
{
	return tuf_metadata_file(timestamp, "snapshot.json");
}

/* 5.4.3: neither itself nor what it lists may go back. */
static bool check_timestamp_rollback(
	const struct tuf_metadata *timestamp, const struct tuf_metadata *seen, struct err **err)
{
	return !seen ||
		(check_not_older(timestamp->version, seen->version, "timestamp", err) &&
			check_not_older(listed_snapshot(timestamp)->version,
				listed_snapshot(seen)->version, "its snapshot", err));
}

static bool refresh_timestamp(struct tuf_client *client, struct err **err)
{
	const char *name = tuf_type_name(TUF_TIMESTAMP);
	CLEANUP(str_release) struct str bytes = STR_INIT(TUF_TIMESTAMP_MAX_BYTES);
	CLEANUP(tuf_metadata_freep) struct tuf_metadata *timestamp = NULL;
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *seen = read_stored(client, TUF_TIMESTAMP, name,
		TUF_TIMESTAMP_MAX_BYTES, top_role(client, TUF_TIMESTAMP), client->root);

	if (!fetch_metadata(client, name, 0, TUF_TIMESTAMP_MAX_BYTES, &bytes, err))
		return false;
	timestamp = read_signed(
		TUF_TIMESTAMP, &bytes, top_role(client, TUF_TIMESTAMP), client->root, err);
	if (!timestamp)
		return err_prefix(err, "timestamp");
	/* The same version again says nothing new, whatever it contains. */
	if (seen && seen->version == timestamp->version) {
		tuf_metadata_free(timestamp);
		timestamp = steal_ptr(&seen);
	}
	if (!check_timestamp_rollback(timestamp, seen, err) ||
		!check_expiry(client, timestamp, err) || !keep(client, name, timestamp, err))
		return err_prefix(
			err, "timestamp version %llu", (unsigned long long)timestamp->version);
	tuf_metadata_free(client->timestamp);
	client->timestamp = steal_ptr(&timestamp);
	return true;
}

/* ---- 5.5 Snapshot ---- */

/* 5.5.5: no role may disappear or go back. */
static bool check_snapshot_rollback(
	const struct tuf_metadata *snapshot, const struct tuf_metadata *seen, struct err **err)
{
	for (size_t i = 0; seen && i < seen->file_names.len; i++) {
		const char *name = seen->file_names.items[i];
		const struct tuf_file *now = tuf_metadata_file(snapshot, name);

		if (!now)
			return err_set(err, ERR_CONFLICT,
				"'%.100s' is not listed any more (rollback)", name);
		if (!check_not_older(
			    now->version, tuf_metadata_file(seen, name)->version, name, err))
			return false;
	}
	return true;
}

static size_t bound(const struct tuf_file *file, size_t max)
{
	return file->has_length && file->length < max ? (size_t)file->length : max;
}

/* Without consistent snapshots files have no version in their names. */
static uint64_t url_version(const struct tuf_client *client, const struct tuf_file *file)
{
	return client->root->consistent_snapshot ? file->version : 0;
}

static struct tuf_metadata *fetch_listed(struct tuf_client *client, enum tuf_type type,
	const char *name, const struct tuf_file *listed, const struct tuf_role *role,
	const struct tuf_metadata *keys_of, struct err **err)
{
	size_t max = bound(
		listed, type == TUF_SNAPSHOT ? TUF_SNAPSHOT_MAX_BYTES : TUF_TARGETS_MAX_BYTES);
	CLEANUP(str_release) struct str bytes = STR_INIT(max);
	CLEANUP(tuf_metadata_freep) struct tuf_metadata *metadata = NULL;

	if (!fetch_metadata(client, name, url_version(client, listed), max, &bytes, err))
		return NULL;
	if (tuf_file_check(listed, str_text(&bytes), bytes.len, err))
		metadata = read_signed(type, &bytes, role, keys_of, err);
	if (metadata && check_version(metadata, listed->version, err))
		return steal_ptr(&metadata);
	err_prefix(err, "%.100s version %llu", name, (unsigned long long)listed->version);
	return NULL;
}

static bool refresh_snapshot(struct tuf_client *client, struct err **err)
{
	const char *name = tuf_type_name(TUF_SNAPSHOT);
	const struct tuf_file *listed = listed_snapshot(client->timestamp);
	CLEANUP(tuf_metadata_freep) struct tuf_metadata *snapshot = NULL;
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *seen = read_stored(client, TUF_SNAPSHOT, name, TUF_SNAPSHOT_MAX_BYTES,
		top_role(client, TUF_SNAPSHOT), client->root);

	if (seen && seen->version == listed->version && check_expiry(client, seen, NULL)) {
		snapshot = steal_ptr(&seen);
	} else {
		snapshot = fetch_listed(client, TUF_SNAPSHOT, name, listed,
			top_role(client, TUF_SNAPSHOT), client->root, err);
		if (!snapshot)
			return false;
		if (!check_snapshot_rollback(snapshot, seen, err) ||
			!check_expiry(client, snapshot, err) || !keep(client, name, snapshot, err))
			return err_prefix(err, "snapshot version %llu",
				(unsigned long long)snapshot->version);
	}
	tuf_metadata_free(client->snapshot);
	client->snapshot = steal_ptr(&snapshot);
	return true;
}

/* ---- 5.6 Targets, of the top and delegated ---- */

static const struct tuf_metadata *find_targets(const struct tuf_client *client, const char *role)
{
	for (size_t i = 0; i < client->targets.len; i++)
		if (strcmp(client->targets.items[i].role, role) == 0)
			return client->targets.items[i].metadata;
	return NULL;
}

/* Stored bytes count if they are the listed ones, by hash where there is one. */
static struct tuf_metadata *read_stored_targets(struct tuf_client *client,
	const struct tuf_role *role, const char *name, const struct tuf_file *listed,
	const struct tuf_metadata *keys_of)
{
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *stored =
		read_stored(client, TUF_TARGETS, name, TUF_TARGETS_MAX_BYTES, role, keys_of);

	if (!stored || stored->version != listed->version ||
		!tuf_file_check(listed, stored->bytes, stored->len, NULL) ||
		!check_expiry(client, stored, NULL))
		return NULL;
	return steal_ptr(&stored);
}

/* Trusted metadata of a role whose signers `keys_of` names; owned by the client. NULL on failure. */
static const struct tuf_metadata *load_targets(struct tuf_client *client, const char *name,
	const struct tuf_role *role, const struct tuf_metadata *keys_of, struct err **err)
{
	CLEANUP(mem_freep) char *file = mem_printf("%s.json", name);
	const struct tuf_file *listed = tuf_metadata_file(client->snapshot, file);
	CLEANUP(tuf_metadata_freep) struct tuf_metadata *targets = NULL;

	if (!listed) {
		err_set(err, ERR_NOT_FOUND, "the snapshot does not list the role '%.100s'", name);
		return NULL;
	}
	targets = read_stored_targets(client, role, name, listed, keys_of);
	if (!targets) {
		targets = fetch_listed(client, TUF_TARGETS, name, listed, role, keys_of, err);
		if (!targets)
			return NULL;
		if (!check_expiry(client, targets, err) || !keep(client, name, targets, err)) {
			err_prefix(err, "%.100s", name);
			return NULL;
		}
	}
	*vec_push(&client->targets) =
		(struct trusted_targets){.role = mem_strdup(name), .metadata = targets};
	return steal_ptr(&targets);
}

bool tuf_client_refresh(struct tuf_client *client, struct err **err)
{
	forget_targets(client);
	return refresh_root(client, err) && refresh_timestamp(client, err) &&
		refresh_snapshot(client, err) &&
		load_targets(client, tuf_type_name(TUF_TARGETS), top_role(client, TUF_TARGETS),
			client->root, err);
}

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
		.role = top_role(client, TUF_TARGETS),
		.delegator = client->root};
	while (search.stack.len > 0 && search.visited_names.len < TUF_DELEGATIONS_MAX) {
		struct visit visit = search.stack.items[--search.stack.len];
		const struct tuf_metadata *targets;

		if (!mark_visited(&search, visit.name))
			continue;
		targets = find_targets(client, visit.name);
		if (!targets)
			targets =
				load_targets(client, visit.name, visit.role, visit.delegator, err);
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
		if (!fetch(client, url, (size_t)file->length, &bytes, err))
			return false;
		if (!tuf_file_check(file, str_text(&bytes), bytes.len, err))
			return err_prefix(err, "target '%.100s' from %s", path, url);
	}
	str_add(ret_bytes, str_text(&bytes), bytes.len);
	if (ret_from_cache)
		*ret_from_cache = from_cache;
	return true;
}
