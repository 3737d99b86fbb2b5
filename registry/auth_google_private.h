/*
 * What the files of Google's tokens share: files of credentials (auth_google_file.c), signatures
 * (auth_google_sign.c), the exchanges that make a token (auth_google_exchange.c), the metadata
 * server (auth_google_metadata.c), who gets which token when (auth_google.c). Internal to registry/.
 */
#ifndef CIP_REGISTRY_AUTH_GOOGLE_PRIVATE_H
#define CIP_REGISTRY_AUTH_GOOGLE_PRIVATE_H

#include "base/str.h"
#include "base/vec.h"
#include "registry/auth_google.h"

#define GOOGLE_FILE_MAX ((size_t)256 * 1024)
#define GOOGLE_ANSWER_MAX ((size_t)64 * 1024)
#define GOOGLE_LIFE_DEFAULT_S 3600

/* What tokens are good for. */
#define GOOGLE_SCOPE_WRITE "https://www.googleapis.com/auth/cloud-platform"
#define GOOGLE_SCOPE_READ "https://www.googleapis.com/auth/cloud-platform.read-only"

/* ---- auth_google_file.c ---- */

enum google_type {
	GOOGLE_SERVICE_ACCOUNT,
	GOOGLE_AUTHORIZED_USER,
	GOOGLE_EXTERNAL_ACCOUNT,
	GOOGLE_IMPERSONATED,
};

struct google_header {
	char *name, *value; /* owned, secret */
};

/* Texts are owned and secret, "" where the type has none; URLs have been checked. */
struct google_file {
	enum google_type type;
	char *token_url; /* all but GOOGLE_IMPERSONATED */

	char *email, *key, *key_id;			 /* service account; PEM, may be "" */
	char *client_id, *client_secret, *refresh_token; /* authorised user */

	/* External account: where the subject token comes from, one of the two; "": none */
	char *audience, *subject_type, *subject_file, *subject_url;
	char *subject_field; /* of JSON; "": the answer is the token */
	VEC(struct google_header) headers;

	/* External and impersonated accounts. */
	char *impersonation_url; /* "": none */
	unsigned impersonation_life_s;
	VEC(char *) delegates;
	struct google_file *source; /* of an impersonated one; owned */
};
void google_file_release(struct google_file *file);

/* ERR_INVALID that says what cip cannot use, without any of the text. */
bool google_file_parse(
	const char *text, size_t len, struct google_file *ret_file, struct err **err);

/* https at one of Google's own hosts, or anything on the loopback. */
bool google_url_takes_secrets(const char *url);

/* A service account's name as it may stand in a path: letters, digits, "-._", one "@". */
bool google_account_is_valid(const char *account);

/* ---- auth_google_sign.c ---- */

/* A JWT of the two JSON texts, signed with RS256. Fresh secret text. ERR_INVALID: no RSA key. */
bool google_sign(const char *key_pem, const char *header, const char *claims, char **ret_jwt,
	struct err **err);

/* ---- auth_google_exchange.c ---- */

/* Sends as http_do, from the bucket of the server that is asked. */
bool google_do(struct http *http, const struct http_request *request, struct http_response *ret,
	struct err **err);

/* With an audience for an identity token, which says itself how long it lives; else an access token. */
struct google_exchange {
	struct http *http;
	const struct clock *clock;
	struct http_tally *tally;
	const char *scope;    /* of an access token */
	const char *audience; /* of an identity token; NULL: none is wanted */
};

/* Fresh secret token with its life. ERR_AUTH (err->http has the status) or as http_do. */
bool google_exchange_file(const struct google_exchange *exchange, const struct google_file *file,
	char **ret_token, int64_t *ret_life_ms, struct err **err);

/*
 * A token of the account at `url` (".../ACCOUNT:generateAccessToken", whatever is wanted), asked for
 * with another token.
 */
bool google_exchange_impersonate(const struct google_exchange *exchange, const char *url,
	const char *token, char *const *delegates, size_t delegate_count, unsigned life_s,
	char **ret_token, int64_t *ret_life_ms, struct err **err);

/* The subject token in what a file or URL of an external account gave; `field` "": all of it. */
bool google_subject_parse(
	const char *text, size_t len, const char *field, char **ret_token, struct err **err);

/* ERR_AUTH. A token that a JSON answer holds as `member`. */
bool google_answer_parse(
	const char *text, size_t len, const char *member, char **ret_token, struct err **err);

/* ---- auth_google_metadata.c ---- */

/*
 * True if the machine is one of Google's and has an account: GCE_METADATA_HOST says so, or what
 * answers at `probe` within the time. *ret_there stays as it is on failure: ERR_CANCELLED.
 */
bool google_metadata_probe(struct http *http, const char *probe, int64_t timeout_ms,
	bool *ret_there, struct err **err);

/* The token of the machine's account. Identity tokens are not looked at. */
bool google_metadata_token(const struct google_exchange *exchange, char **ret_token,
	int64_t *ret_life_ms, struct err **err);

#endif
