/*
 * What the files of the credentials share: the contents of one file (credentials_file.c), helper
 * programs (credentials_program.c), the order of places (credentials.c). Internal to registry/.
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
