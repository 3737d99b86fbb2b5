/*
 * What the files of identity tokens share: reading (id_token.c), who gets which token when
 * (id_token_source.c), and the providers, a group of them in each id_token_<group>.c. Internal to
 * signer/id_token*.
 */
#ifndef CIP_SIGNER_ID_TOKEN_PRIVATE_H
#define CIP_SIGNER_ID_TOKEN_PRIVATE_H

#include "base/str.h"
#include "signer/id_token.h"

struct google;

struct id_token *id_token_copy(const struct id_token *token);

/* What providers work with. Texts are borrowed, NULL: not given. */
struct id_token_setting {
	struct http *http;
	const char *token; /* secret, if it is no file's name */
	const char *signer_account;
	struct google *google;
};

/* Both functions are called by one thread at a time. */
struct id_token_provider {
	const char *name;
	const char *needs; /* in a few words, for people */
	bool is_file;	   /* cheap to ask, and may change any time */
	/* Is it there? *ret_there stays as it is on failure. */
	bool (*find)(const struct id_token_setting *setting, bool *ret_there, struct err **err);
	/* Appends what should be a token to `out`, which its owner wipes. */
	bool (*fetch)(const struct id_token_setting *setting, struct str *out, struct err **err);
};

extern const struct id_token_provider id_token_given; /* a token, or a file, by name */
extern const struct id_token_provider id_token_envvar;
extern const struct id_token_provider id_token_filesystem;
extern const struct id_token_provider id_token_github;
extern const struct id_token_provider id_token_gitlab;
extern const struct id_token_provider id_token_buildkite;
extern const struct id_token_provider id_token_google_impersonate;
extern const struct id_token_provider id_token_google_machine;
extern const struct id_token_provider id_token_spiffe;

/* The variable's text, NULL if it is not set or empty. */
const char *id_token_variable(const char *name);

/*
 * Appends the text `member` of a JSON object, the answer to somebody who asked for a token.
 * ERR_INVALID.
 */
bool id_token_answer(
	const char *text, size_t len, const char *member, struct str *out, struct err **err);

#endif
