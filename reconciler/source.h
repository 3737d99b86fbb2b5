/*
 * Where the manifests come from: a directory, or one commit of a Git repository read straight
 * from its object database. Whatever it is, the same two verbs read it. A source is used by one
 * thread at a time.
 */
#ifndef CIP_RECONCILER_SOURCE_H
#define CIP_RECONCILER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

struct http;

enum source_entry_kind {
	SOURCE_FILE,
	SOURCE_DIRECTORY,
	SOURCE_LINK,  /* symbolic link: never followed */
	SOURCE_OTHER, /* device, socket, submodule */
};

struct source_entry {
	char *name; /* one path component, owned */
	enum source_entry_kind kind;
};

struct source_entries {
	VEC(struct source_entry) list; /* sorted by bytes of the name */
};
void source_entries_release(struct source_entries *entries);

struct source;

/* A working tree. ERR_NOT_FOUND, ERR_IO. The directory is held open: renaming it later changes nothing. */
struct source *source_open_directory(const char *path, struct err **err);

struct source_git_options {
	/*
	 * https://, http:// on the loopback, ssh://[user@]host[:port]/path, [user@]host:path, file://
	 * or a local path. Without credentials: a URL that holds a password or token is refused.
	 */
	const char *url;
	/*
	 * Branch, tag, commit id (7 digits or more, reachable from a branch or tag), refs/heads/x or
	 * refs/tags/x; 40 digits always mean the commit. NULL: the remote's HEAD.
	 */
	const char *ref;
	const char *path;	  /* tree inside the repository; NULL or ".": its root */
	const char *cache_dir;	  /* holds the bare mirrors between runs; NULL: a temporary one */
	const char *token_file;	  /* https; NULL: CIP_GIT_TOKEN of the environment, else no token */
	const char *username;	  /* https: goes with the token [x-access-token] */
	const char *ssh_key_file; /* ssh: private key; NULL: agent and ssh's own configuration */
	const char *ca_file;	  /* https: PEM added to the system store; NULL: none */
	struct http *http;	  /* needed for https and http only; must outlive the source */
	struct cancel *cancel;	  /* may be NULL; must outlive the source */
	int64_t timeout_ms;	  /* whole fetch; 0: 10 minutes */
};

/*
 * Mirrors the repository's heads and tags (incrementally with a cache) and opens the tree of one
 * commit. A fetch that fails is an error: no older commit is used in its place. A damaged mirror is
 * rebuilt with a warning, also when the damage only shows in source_list or source_read, which then
 * fetch once more. A local repository is read in place if there is no cache_dir.
 *
 * The texts are copied. With ssh, the program must ignore SIGPIPE.
 *
 * ERR_USAGE (URL, token or key file, a cache directory that others can write), ERR_UNSUPPORTED
 * (scheme), ERR_NOT_FOUND (repository, ref or path; says which), ERR_AUTH, ERR_TRANSIENT,
 * ERR_THROTTLED, ERR_TIMEOUT, ERR_TLS (certificate or ssh host key), ERR_INVALID (no repository, an
 * empty one, a server that speaks something else), ERR_TOO_LARGE, ERR_DIGEST (damaged objects),
 * ERR_IO, ERR_CANCELLED (from CANCEL_DRAIN on).
 */
struct source *source_open_git(const struct source_git_options *options, struct err **err);

void source_free(struct source *source);
DEFINE_CLEANUP(struct source, source_freep, source_free)

/* 40 hex digits, NULL for a working tree. Borrowed. */
const char *source_commit(const struct source *source);
/*
 * Whether a commit (40 hex digits; anything else is none) is that commit or in its history. One that the
 * repository does not hold, or that a history cut short does not show, is not. Nor is
 * any in a working tree. ERR_IO, ERR_DIGEST: the repository is damaged.
 */
bool source_contains(
	struct source *source, const char *commit, bool *ret_contains, struct err **err);
/*
 * First line of that commit's message, and who made it if it is a merge ("Name <address>"): text that anybody
 * may have written. NULL for a working tree. Borrowed.
 */
const char *source_subject(const struct source *source);
const char *source_merged_by(const struct source *source);
/* For people: "https://host/repo at main (1234567), path registry.k8s.io". Borrowed. */
const char *source_description(const struct source *source);

/* Lists a directory ("" is the root). ERR_NOT_FOUND, ERR_INVALID if it is no directory, ERR_IO. */
bool source_list(struct source *source, const char *directory, struct source_entries *ret_entries,
	struct err **err);

/*
 * Appends a regular file's bytes to `out`, which may hold a part of them after a failure. Paths are
 * plain: components with one '/' between, no "." or "..". ERR_NOT_FOUND, ERR_INVALID (no regular
 * file), ERR_TOO_LARGE (out's maximum), ERR_IO.
 */
bool source_read(struct source *source, const char *path, struct str *out, struct err **err);

#endif
