/*
 * A Git repository as a source: which mirror, when to fetch, when to give a mirror up and begin
 * anew. Knows the order of these steps; the steps themselves (cache, wires, refs, trees) are in the
 * other source_git_*.c. A mirror only saves bytes: names are always the remote's of today, and
 * objects are believed by their hashes, so a fetch that fails is an error, never an older answer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "reconciler/source_backend.h"
#include "reconciler/source_git_cache.h"
#include "reconciler/source_git_commit.h"
#include "reconciler/source_git_deadline.h"
#include "reconciler/source_git_http.h"
#include "reconciler/source_git_library.h"
#include "reconciler/source_git_local.h"
#include "reconciler/source_git_refs.h"
#include "reconciler/source_git_remote.h"
#include "reconciler/source_git_ssh.h"
#include "reconciler/source_git_tree.h"
#include "reconciler/source_git_url.h"

#define FETCH_ATTEMPTS 3
#define RETRY_BASE_MS 250

struct source_git {
	struct source_git_options options; /* texts are copies; `url` stays NULL */
	struct source_git_url url;
	struct source_git_cache cache;
	bool in_place; /* the repository itself is read; there is no mirror */
	bool mended;   /* the mirror has been rebuilt once; not again */
	char commit[SOURCE_GIT_ID_SIZE];
	char *label;
	struct source_git_tree *tree;
};

static char *copy_text(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

static void free_text(const char *text)
{
	char *owned;

	memcpy(&owned, &text, sizeof(owned));
	mem_free(owned);
}

static void source_git_free(void *ctx)
{
	struct source_git *git = ctx;

	source_git_tree_free(git->tree);
	source_git_cache_release(&git->cache);
	source_git_url_release(&git->url);
	free_text(git->options.ref);
	free_text(git->options.path);
	free_text(git->options.token_file);
	free_text(git->options.username);
	free_text(git->options.ssh_key_file);
	free_text(git->options.ca_file);
	mem_free(git->label);
	mem_free(git);
}
DEFINE_CLEANUP(struct source_git, source_git_freep, source_git_free)

/* "./a/b/" -> "a/b", "." -> "" */
static char *plain_path(const char *path)
{
	size_t len;

	if (!path)
		return mem_strdup("");
	while (strncmp(path, "./", 2) == 0)
		path += 2 + strspn(path + 2, "/");
	len = strlen(path);
	while (len && path[len - 1] == '/')
		len--;
	return len == 1 && *path == '.' ? mem_strdup("") : mem_strndup(path, len);
}

static struct source_git *source_git_new(const struct source_git_options *options)
{
	struct source_git *git = mem_new(1, sizeof(*git));

	git->cache = (struct source_git_cache)SOURCE_GIT_CACHE_INIT;
	git->options = (struct source_git_options){
		.ref = copy_text(options->ref),
		.path = plain_path(options->path),
		.token_file = copy_text(options->token_file),
		.username = copy_text(options->username),
		.ssh_key_file = copy_text(options->ssh_key_file),
		.ca_file = copy_text(options->ca_file),
		.http = options->http,
		.cancel = options->cancel,
		.timeout_ms = options->timeout_ms,
	};
	return git;
}

static struct source_git_wire *new_wire(
	const struct source_git *git, const struct source_git_deadline *deadline, struct err **err)
{
	const struct source_git_http_options http = {
		.url = &git->url,
		.token_file = git->options.token_file,
		.username = git->options.username,
		.ca_file = git->options.ca_file,
		.http = git->options.http,
		.deadline = deadline,
	};
	const struct source_git_ssh_options ssh = {
		.url = &git->url,
		.key_file = git->options.ssh_key_file,
		.deadline = deadline,
	};

	return git->url.scheme == SOURCE_GIT_HTTP ? source_git_http_new(&http, err)
						  : source_git_ssh_new(&ssh, err);
}

/*
 * What may pass by itself is tried again, but not an HTTP request for refs: net/ has done that
 * already.
 */
static bool fetch_remote(const struct source_git *git, const struct source_git_deadline *deadline,
	struct source_git_refs *refs, struct err **err)
{
	for (int attempt = 1;; attempt++) {
		CLEANUP(err_freep) struct err *failure = NULL;
		CLEANUP(source_git_wire_freep)
		struct source_git_wire *wire = new_wire(git, deadline, &failure);
		bool began = false;

		if (wire &&
			source_git_remote_fetch(git->cache.mirror, git->url.text, wire, deadline,
				refs, &began, &failure))
			return true;
		if (attempt == FETCH_ATTEMPTS || !err_is(failure, ERR_TRANSIENT) ||
			(git->url.scheme == SOURCE_GIT_HTTP && !began)) {
			err_keep_first(err, &failure);
			return false;
		}
		log_info("fetching %s: %s; trying again", git->url.text, failure->msg);
		cancel_sleep_ms(deadline->cancel, CANCEL_DRAIN, (int64_t)RETRY_BASE_MS << attempt);
		if (!source_git_deadline_check(deadline, err))
			return false;
	}
}

static bool fetch(const struct source_git *git, const struct source_git_deadline *deadline,
	struct source_git_refs *refs, struct err **err)
{
	if (git->in_place)
		return source_git_local_refs(git->url.path, refs, err);
	log_info("fetching %s%s", git->url.text, git->cache.reused ? "" : " (whole history)");
	if (git->url.scheme == SOURCE_GIT_LOCAL) {
		if (!source_git_local_refs(git->url.path, refs, err) ||
			!source_git_local_fetch(
				git->url.path, refs, git->cache.mirror, deadline, err))
			return false;
	} else if (!fetch_remote(git, deadline, refs, err)) {
		return false;
	}
	return source_git_refs_write(refs, git->cache.mirror, err);
}

/* Fetches and opens the tree of `wanted`. */
static bool refresh(struct source_git *git, const char *wanted,
	const struct source_git_deadline *deadline, struct err **err)
{
	const char *repository = git->in_place ? git->url.path : git->cache.mirror;
	CLEANUP(source_git_refs_release) struct source_git_refs refs = {0};
	CLEANUP(mem_freep) char *label = NULL;
	char commit[SOURCE_GIT_ID_SIZE];
	struct source_git_tree *tree;

	if (!fetch(git, deadline, &refs, err) ||
		!source_git_commit_resolve(repository, &refs, wanted, commit, &label, err))
		return false;
	tree = source_git_tree_open(repository, commit, git->options.path, err);
	if (!tree)
		return false;
	source_git_tree_free(git->tree);
	git->tree = tree;
	memcpy(git->commit, commit, sizeof(commit));
	mem_free(git->label);
	git->label = steal_ptr(&label);
	return true;
}

static bool damaged(const struct err *err)
{
	return err_is(err, ERR_DIGEST) || err_is(err, ERR_IO);
}

/*
 * Replaces a mirror that is damaged; `why` is for the warning. The lock is held. Its packs are
 * closed first: libgit2 shares an open one with whoever opens another of the same name.
 */
static bool rebuild(struct source_git *git, const char *wanted,
	const struct source_git_deadline *deadline, const struct err *why, struct err **err)
{
	git->mended = true;
	log_warning("the mirror %s is damaged (%s): building it anew", git->cache.mirror, why->msg);
	source_git_tree_free(steal_ptr(&git->tree));
	return source_git_cache_reset(&git->cache, err) && refresh(git, wanted, deadline, err);
}

static bool load(struct source_git *git, struct err **err)
{
	const struct source_git_deadline deadline =
		source_git_deadline_start(git->options.cancel, git->options.timeout_ms);
	CLEANUP(err_freep) struct err *failure = NULL;
	bool loaded;

	if (git->in_place)
		return refresh(git, git->options.ref, &deadline, err);
	if (!source_git_cache_lock(&git->cache, &deadline, err))
		return false;
	loaded = source_git_cache_prepare(&git->cache, &failure) &&
		refresh(git, git->options.ref, &deadline, &failure);
	if (!loaded && git->cache.reused && damaged(failure))
		loaded = rebuild(git, git->options.ref, &deadline, failure, err);
	else if (!loaded)
		err_keep_first(err, &failure);
	source_git_cache_unlock(&git->cache);
	return loaded;
}

/* An object turned out to be damaged after all: gets the same commit once more. */
static bool mend(struct source_git *git, const struct err *why, struct err **err)
{
	const struct source_git_deadline deadline =
		source_git_deadline_start(git->options.cancel, git->options.timeout_ms);
	CLEANUP(mem_freep) char *commit = mem_strdup(git->commit);
	bool good;

	if (!source_git_cache_lock(&git->cache, &deadline, err))
		return false;
	good = rebuild(git, commit, &deadline, why, err);
	source_git_cache_unlock(&git->cache);
	return good;
}

/* False if the failure stands; it is then in *err. */
static bool may_repeat(struct source_git *git, struct err **failure, struct err **err)
{
	if (damaged(*failure) && git->cache.reused && !git->mended)
		return mend(git, *failure, err);
	err_keep_first(err, failure);
	return false;
}

/* After a mirror that could not be rebuilt there is nothing to read from. */
static bool is_open(const struct source_git *git, struct err **err)
{
	return git->tree || err_set(err, ERR_IO, "the mirror could not be rebuilt");
}

static bool git_list(void *ctx, const char *path, struct source_entries *entries, struct err **err)
{
	struct source_git *git = ctx;
	CLEANUP(err_freep) struct err *failure = NULL;

	if (!is_open(git, err))
		return false;
	if (source_git_tree_list(git->tree, path, entries, &failure))
		return true;
	if (!may_repeat(git, &failure, err))
		return false;
	source_entries_release(entries);
	return source_git_tree_list(git->tree, path, entries, err);
}

static bool git_read(void *ctx, const char *path, struct str *out, struct err **err)
{
	struct source_git *git = ctx;
	CLEANUP(err_freep) struct err *failure = NULL;

	if (!is_open(git, err))
		return false;
	if (source_git_tree_read(git->tree, path, out, &failure))
		return true;
	return may_repeat(git, &failure, err) && source_git_tree_read(git->tree, path, out, err);
}

/* Not worth mending a mirror for: what cannot be told is an error of whoever asks. */
static bool git_contains(void *ctx, const char *commit, bool *ret_contains, struct err **err)
{
	struct source_git *git = ctx;

	return is_open(git, err) &&
		source_git_tree_contains(git->tree, git->commit, commit, ret_contains, err);
}

static const struct source_backend git_backend = {
	.list = git_list,
	.read = git_read,
	.contains = git_contains,
	.free = source_git_free,
};

static char *describe(const struct source_git *git)
{
	const char *path = git->options.path;

	return mem_printf("%s at %s (%.7s)%s%s", git->url.text, git->label, git->commit,
		*path ? ", path " : "", path);
}

static bool open_git(struct source_git *git, const char *cache_dir, struct err **err)
{
	if (!source_path_check(git->options.path, err))
		return err_prefix(err, "path in the Git repository");
	git->in_place = git->url.scheme == SOURCE_GIT_LOCAL && !cache_dir;
	return source_git_library_start(err) &&
		(git->in_place || source_git_cache_open(cache_dir, &git->url, &git->cache, err)) &&
		load(git, err);
}

struct source *source_open_git(const struct source_git_options *options, struct err **err)
{
	CLEANUP(source_git_freep) struct source_git *git = source_git_new(options);
	CLEANUP(mem_freep) char *description = NULL;
	struct source *source;

	if (!source_git_url_parse(options->url, &git->url, err))
		return NULL;
	if (!open_git(git, options->cache_dir, err)) {
		err_prefix(err, "Git repository %s", git->url.text);
		return NULL;
	}
	description = describe(git);
	source = source_new(&git_backend, git, git->commit, description);
	source_set_words(
		source, source_git_tree_subject(git->tree), source_git_tree_merged_by(git->tree));
	git = NULL;
	return source;
}
