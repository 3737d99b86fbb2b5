/*
 * WWW-Authenticate (RFC 9110 section 11.6.1, RFC 6750, distribution's token specification): what a
 * registry wants to see. Bounded by the header block; pure. Internal to registry/.
 */
#ifndef CIP_REGISTRY_AUTH_CHALLENGE_H
#define CIP_REGISTRY_AUTH_CHALLENGE_H

#include <stdbool.h>

#include "net/http.h"

enum auth_scheme {
	AUTH_SCHEME_NONE, /* no challenge that we could answer */
	AUTH_SCHEME_BASIC,
	AUTH_SCHEME_BEARER,
};

/* Texts are owned; NULL where the challenge has none, or an empty one. */
struct auth_challenge {
	enum auth_scheme scheme;
	char *realm; /* of Bearer: a URL reference as written, never NULL there */
	char *service;
	char *scope;
	char *error;
};
void auth_challenge_release(struct auth_challenge *challenge);

/*
 * Reads one header value, which may hold several challenges, and keeps the best one of it and of
 * what `challenge` (zeroed at first) holds: Bearer before Basic, the first of two. Unknown schemes
 * are skipped; a malformed challenge and what follows it are not used.
 */
void auth_challenge_read(struct auth_challenge *challenge, const char *value);

/* All of a response's headers; zeroed without any. */
void auth_challenge_of(const struct http_response *response, struct auth_challenge *ret_challenge);

#endif
