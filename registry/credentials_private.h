/*
 * What the files of the credentials share: the contents of one file (credentials_file.c), files
 * that change (credentials_watch.c), helper programs (credentials_program.c), what cip.yaml says
 * (credentials_config.c), the order of places (credentials.c). Internal to registry/.
 */
#ifndef CIP_REGISTRY_CREDENTIALS_PRIVATE_H
#define CIP_REGISTRY_CREDENTIALS_PRIVATE_H

#include "base/vec.h"
#include "registry/credentials.h"

/* ---- credentials_file.c: docker's config.json and containers' auth.json ---- */

struct credential_entry {
	char *host; /* canonical */
	char *path; /* of repositories, "" for all of the host */
	enum credential_kind kind;
	char *username;
	char *secret;
};

/* One member of credHelpers. */
struct credential_helper {
	char *host; /* canonical */
	char *suffix;
};

struct credential_file {
	char *origin; /* for messages */
	VEC(struct credential_entry) entries;
	VEC(struct credential_helper) helpers;
	char *store; /* suffix of credsStore, NULL: none */
};

/* `origin` is copied. ERR_USAGE, without any of the text in the message. */
bool credential_file_parse(const char *text, size_t len, const char *origin,
	struct credential_file *ret_file, struct err **err);
void credential_file_release(struct credential_file *file);

/* The entry whose path is the longest that holds `path`; NULL: none. */
const struct credential_entry *credential_file_entry(
	const struct credential_file *file, const char *host, const char *path);

/* Suffix of the helper for a host, NULL if there is none. */
const char *credential_file_helper(const struct credential_file *file, const char *host);

/* ---- credentials_watch.c: files that are read again when they change ---- */

#define CREDENTIAL_SECRET_MAX ((size_t)64 * 1024)

/*
 * A file of credentials, or one whose only content is a secret. Mounted secrets change by a link
 * that points elsewhere, others in place: what stat(2) says of the target is compared at each look.
 * While the new state cannot be read, the old one stays. Any thread.
 */
struct credential_watch;

/* ERR_USAGE if it cannot be read now. */
struct credential_watch *credential_watch_new(const char *path, bool is_authfile, struct err **err);
void credential_watch_free(struct credential_watch *watch);

/* What an authfile holds now; lives as long as the watch. */
const struct credential_file *credential_watch_file(struct credential_watch *watch);
/* The secret without the line break at its end; fresh secret text. */
char *credential_watch_secret(struct credential_watch *watch);

/* ---- credentials_config.c: what cip.yaml says of a registry and side, and of accounts ---- */

struct credential_given {
	enum credential_way way;	/* CREDENTIAL_WAY_NONE: nothing is said */
	char *username, *helper;	/* "": none; owned */
	char *origin;			/* for messages; owned */
	struct credential_watch *watch; /* NULL: the way has no file */
	struct google *google;		/* NULL: the way is not Google's; owned */
};

struct credential_config;

/* NULL with ERR_USAGE: an unusable file, or Google's way for a host that is not Google's. */
struct credential_config *credential_config_new(
	const struct credentials_options *options, struct err **err);
void credential_config_free(struct credential_config *config);
DEFINE_CLEANUP(struct credential_config, credential_config_freep, credential_config_free)

/* Never NULL; lives as long as the configuration. */
const struct credential_given *credential_config_find(
	const struct credential_config *config, enum credential_side side, const char *host);

/*
 * The account to impersonate for a repository, "" if none: of the manifests' registry that is the
 * longest to hold it, if cip.yaml lists it. Borrowed. ERR_AUTH: manifests do not agree.
 */
bool credential_config_account(const struct credential_config *config, enum credential_side side,
	const char *host, const char *path, const char **ret_account, struct err **err);

/* True if `path` is `prefix` or below it; "" holds everything. */
bool credential_path_holds(const char *prefix, const char *path);

/* ---- credentials_program.c: docker-credential-SUFFIX get ---- */

#define CREDENTIAL_HELPER_TIMEOUT_MS 30000

/* [A-Za-z0-9_.-]+, at most 64 bytes. */
bool credential_helper_name_is_valid(const char *suffix);

struct credential_answer {
	enum credential_kind kind;
	char *username;
	char *secret;
};
void credential_answer_release(struct credential_answer *answer);

/* The output of a helper that ended well. ERR_AUTH; nothing of the text is in the message. */
bool credential_answer_parse(
	const char *text, size_t len, struct credential_answer *ret_answer, struct err **err);

/* What a helper that failed said; true if it only means that there is nothing for the server. */
bool credential_answer_means_none(const char *text, size_t len);

/* Runs the helper for the server key. Errors name the helper. */
bool credential_helper_run(const char *suffix, const char *server, int64_t timeout_ms,
	struct cancel *cancel, struct credential_answer *ret_answer, struct err **err);

#endif
