/*
 * The workflow of a client, step by step as the specification numbers it. Every document passes the
 * same gate: bounded fetch, listed length and hashes, signatures of its role, version, expiry; only
 * then it is written down and trusted.
 */
#include "signer/tuf_client.h"

#include <inttypes.h>
#include <string.h>

#include "net/url.h"
#include "signer/tuf_client_private.h"
#include "signer/tuf_store.h"

#define REFRESHES_MAX 4

/* ---- Fetching ---- */

static char *join_url(const char *base, const char *name)
{
	size_t len = strlen(base);

	return mem_printf("%s%s%s", base, len && base[len - 1] == '/' ? "" : "/", name);
}

bool tuf_fetch(
	struct tuf_client *client, const char *url, size_t max, struct str *out, struct err **err)
{
	CLEANUP(url_release) struct url parts = {0};
	if (!url_parse(url, &parts, err))
		return false;
	CLEANUP(mem_freep) char *bucket = mem_printf("%s %u", parts.host, (unsigned)parts.port);
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.response_max = max,
		.repeatable = true,
		.quota = bucket,
		.quota_class = HTTP_CLASS_SIGNING,
	};
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

	return tuf_fetch(client, url, max, out, err);
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

	if (!client->directory || !tuf_store_read(client->directory, name, &bytes, NULL))
		return NULL;
	return read_signed(type, &bytes, role, keys_of, NULL);
}

/*
 * Another process may share the directory and be further than we are. What hangs from an older timestamp than the
 * stored one is not written: it would undo what that process saw.
 */
static bool is_overtaken(struct tuf_client *client, const struct tuf_metadata *timestamp)
{
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *stored =
		read_stored(client, TUF_TIMESTAMP, tuf_type_name(TUF_TIMESTAMP),
			TUF_TIMESTAMP_MAX_BYTES, tuf_top_role(client, TUF_TIMESTAMP), client->root);

	return stored && timestamp && stored->version > timestamp->version;
}

/* `timestamp` is the one it hangs from; NULL: none yet. */
static bool keep(struct tuf_client *client, const char *role, const struct tuf_metadata *metadata,
	const struct tuf_metadata *timestamp, struct err **err)
{
	if (!client->directory)
		return true;

	CLEANUP(fd_closep) int lock = tuf_store_lock(client->directory, err);
	if (lock < 0)
		return false;
	return is_overtaken(client, timestamp) ||
		tuf_store_write(client->directory, role, metadata->bytes, metadata->len, err);
}

const struct tuf_role *tuf_top_role(const struct tuf_client *client, enum tuf_type type)
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

/* The root is its own witness: it must at least be signed by the keys that it names. */
static bool start_at(struct tuf_client *client, const void *bytes, size_t len, struct err **err)
{
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *root = tuf_metadata_parse(TUF_ROOT, bytes, len, err);

	if (!root || !tuf_metadata_check(root, &root->roles.items[TUF_ROOT], root, err))
		return false;
	client->root = steal_ptr(&root);
	return true;
}

static bool start_at_stored(struct tuf_client *client, struct err **err)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(TUF_ROOT_MAX_BYTES);

	if (!tuf_store_read(client->directory, tuf_type_name(TUF_ROOT), &bytes, err)) {
		if (err && err_is(*err, ERR_NOT_FOUND))
			err_prefix(err, "%s has no trusted root yet: \"init\" comes first",
				client->directory);
		return false;
	}
	return start_at(client, str_text(&bytes), bytes.len, err) ||
		err_prefix(err, "trusted root in %s", client->directory);
}

struct tuf_client *tuf_client_new(const struct tuf_client_options *options, struct err **err)
{
	CLEANUP(tuf_client_freep) struct tuf_client *client = mem_new(1, sizeof(*client));

	client->http = options->http;
	client->clock = options->clock ? options->clock : &clock_system;
	client->directory = options->directory ? mem_strdup(options->directory) : NULL;
	client->metadata_url = mem_strdup(options->metadata_url);
	client->begins_at_given = options->root != NULL;
	if (client->directory && !tuf_store_open(client->directory, err))
		return NULL;
	if (!client->begins_at_given)
		return start_at_stored(client, err) ? steal_ptr(&client) : NULL;
	if (!start_at(client, options->root, options->root_len, err)) {
		err_prefix(err, "initial root");
		return NULL;
	}
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

/*
 * Under which name a root is kept. Where trust begins at the same root in every run, all that
 * follow are, so that each run can follow them again.
 */
static char *root_name(const struct tuf_client *client, uint64_t version)
{
	return client->begins_at_given
		? mem_printf("%" PRIu64 ".%s", version, tuf_type_name(TUF_ROOT))
		: mem_strdup(tuf_type_name(TUF_ROOT));
}

/* Signed by the root before it and by itself, exactly one version on. NULL otherwise. */
static struct tuf_metadata *judge_root(
	const struct tuf_client *client, const struct str *bytes, struct err **err)
{
	CLEANUP(tuf_metadata_freep)
	struct tuf_metadata *next =
		read_signed(TUF_ROOT, bytes, tuf_top_role(client, TUF_ROOT), client->root, err);

	if (!next || !tuf_metadata_check(next, &next->roles.items[TUF_ROOT], next, err) ||
		!check_version(next, client->root->version + 1, err))
		return NULL;
	return steal_ptr(&next);
}

static struct tuf_metadata *next_stored_root(const struct tuf_client *client, const char *name)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(TUF_ROOT_MAX_BYTES);

	if (!client->begins_at_given || !client->directory ||
		!tuf_store_read(client->directory, name, &bytes, NULL))
		return NULL;
	return judge_root(client, &bytes, NULL);
}

/* False with ERR_NOT_FOUND when there is no newer one. */
static bool next_root(struct tuf_client *client, struct err **err)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(TUF_ROOT_MAX_BYTES);
	uint64_t version = client->root->version + 1;
	CLEANUP(mem_freep) char *name = root_name(client, version);
	CLEANUP(tuf_metadata_freep) struct tuf_metadata *next = next_stored_root(client, name);

	if (!next) {
		if (!fetch_metadata(client, tuf_type_name(TUF_ROOT), version, TUF_ROOT_MAX_BYTES,
			    &bytes, err))
			return false;
		next = judge_root(client, &bytes, err);
		if (!next || !keep(client, name, next, NULL, err))
			return err_prefix(err, "root version %" PRIu64, version);
	}
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
		TUF_TIMESTAMP_MAX_BYTES, tuf_top_role(client, TUF_TIMESTAMP), client->root);

	if (!fetch_metadata(client, name, 0, TUF_TIMESTAMP_MAX_BYTES, &bytes, err))
		return false;
	timestamp = read_signed(
		TUF_TIMESTAMP, &bytes, tuf_top_role(client, TUF_TIMESTAMP), client->root, err);
	if (!timestamp)
		return err_prefix(err, "timestamp");
	/* The same version again says nothing new, whatever it contains. */
	if (seen && seen->version == timestamp->version) {
		tuf_metadata_free(timestamp);
		timestamp = steal_ptr(&seen);
	}
	if (!check_timestamp_rollback(timestamp, seen, err) ||
		!check_expiry(client, timestamp, err) ||
		!keep(client, name, timestamp, timestamp, err))
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
		tuf_top_role(client, TUF_SNAPSHOT), client->root);

	if (seen && seen->version == listed->version && check_expiry(client, seen, NULL)) {
		snapshot = steal_ptr(&seen);
	} else {
		snapshot = fetch_listed(client, TUF_SNAPSHOT, name, listed,
			tuf_top_role(client, TUF_SNAPSHOT), client->root, err);
		if (!snapshot)
			return false;
		if (!check_snapshot_rollback(snapshot, seen, err) ||
			!check_expiry(client, snapshot, err) ||
			!keep(client, name, snapshot, client->timestamp, err))
			return err_prefix(err, "snapshot version %llu",
				(unsigned long long)snapshot->version);
	}
	tuf_metadata_free(client->snapshot);
	client->snapshot = steal_ptr(&snapshot);
	return true;
}

/* ---- 5.6 Targets, of the top and delegated ---- */

const struct tuf_metadata *tuf_find_targets(const struct tuf_client *client, const char *role)
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
const struct tuf_metadata *tuf_load_targets(struct tuf_client *client, const char *name,
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
		if (!check_expiry(client, targets, err) ||
			!keep(client, name, targets, client->timestamp, err)) {
			err_prefix(err, "%.100s", name);
			return NULL;
		}
	}
	*vec_push(&client->targets) =
		(struct trusted_targets){.role = mem_strdup(name), .metadata = targets};
	return steal_ptr(&targets);
}

static bool refresh(struct tuf_client *client, struct err **err)
{
	forget_targets(client);
	return refresh_root(client, err) && refresh_timestamp(client, err) &&
		refresh_snapshot(client, err) &&
		tuf_load_targets(client, tuf_type_name(TUF_TARGETS),
			tuf_top_role(client, TUF_TARGETS), client->root, err);
}

bool tuf_client_refresh(struct tuf_client *client, struct err **err)
{
	for (unsigned attempt = 1;; attempt++) {
		CLEANUP(err_freep) struct err *why = NULL;

		if (refresh(client, &why))
			return true;
		/* What another process stored meanwhile is no rollback: it is newer than our answer. */
		if (attempt == REFRESHES_MAX || !err_is(why, ERR_CONFLICT) ||
			!is_overtaken(client, client->timestamp)) {
			err_keep_first(err, &why);
			return false;
		}
	}
}

uint64_t tuf_client_targets_version(const struct tuf_client *client)
{
	const struct tuf_metadata *targets = tuf_find_targets(client, tuf_type_name(TUF_TARGETS));

	return targets ? targets->version : 0;
}
