/*
 * Asking a token server (distribution's token specification: GET; its OAuth2 form: POST, for
 * identity tokens). One exchange; who needs which token when is auth.c. Internal to registry/.
 */
#ifndef CIP_REGISTRY_AUTH_TOKEN_H
#define CIP_REGISTRY_AUTH_TOKEN_H

#include "registry/auth_realm.h"
#include "registry/auth_scope.h"
#include "registry/credentials.h"

#define AUTH_TOKEN_RESPONSE_MAX ((size_t)64 * 1024)
#define AUTH_TOKEN_LIFE_DEFAULT_MS ((int64_t)60 * 1000)
#define AUTH_TOKEN_LIFE_MAX_MS ((int64_t)24 * 3600 * 1000)

struct auth_token_request {
	struct http *http;
	const struct host *host;
	const struct auth_realm *realm;
	const char *service; /* NULL: none */
	const struct auth_scopes *scopes;
	const struct credential *credential; /* anonymous: no secret is sent */
	const char *quota; /* of the registry: its token server counts too (net/http.h) */
	struct http_tally *tally;
};

/*
 * Fresh secret text and its life counted from now. ERR_AUTH: refused (err->http has the status), or
 * not a token; else as http_do. Nothing a token server answers is ever in a message.
 */
bool auth_token_fetch(const struct auth_token_request *request, char **ret_token,
	int64_t *ret_life_ms, struct err **err);

/* ERR_AUTH. Lifetimes that make no sense become the default or the maximum. */
bool auth_token_parse(
	const char *text, size_t len, char **ret_token, int64_t *ret_life_ms, struct err **err);

/* What can stand in a header without meaning anything else there. */
bool auth_token_is_valid(const char *text);

/* "Basic ..." of RFC 7617; fresh secret text. */
char *auth_basic(const char *username, const char *secret);

#endif
