/*
 * Identity tokens: OpenID Connect ID tokens (JWT, RFC 7519) that tell Fulcio who signs. Where they
 * come from, and whether one may be shown: shape, audience "sigstore", expiry. Signatures are not
 * verified here; that is Fulcio's matter.
 *
 * A token is a secret: it never appears in messages or logs and is wiped when it is released.
 */
#ifndef CIP_SIGNER_ID_TOKEN_H
#define CIP_SIGNER_ID_TOKEN_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/http.h"

#define ID_TOKEN_AUDIENCE "sigstore"
#define ID_TOKEN_MAX_SIZE ((size_t)64 * 1024)
/*
 * How far "not before" may lie ahead: what Fulcio's own library allows, since a clock here that is
 * a little slow makes a fresh token look unborn. There is no such leeway at the end, neither there
 * nor here.
 */
#define ID_TOKEN_SKEW_S 300

/* Owned. Claims are as the token says, not verified. */
struct id_token {
	char *jwt; /* secret */
	char *issuer;
	char *subject;	     /* "" if it has none */
	char *email;	     /* "" if it has none */
	bool email_verified; /* a boolean, or the text "true" */
	int64_t not_before;  /* seconds since 1970; 0 if not said */
	int64_t expires;     /* seconds since 1970 */
};
void id_token_free(struct id_token *token);
DEFINE_CLEANUP(struct id_token, id_token_freep, id_token_free)

/*
 * Reads a token (white space around it is ignored) and checks that it can be shown now: three parts,
 * signed in whatever way, JSON, issuer, somebody named, audience, expiry later than now (seconds
 * since 1970). ERR_INVALID: no such token, or for another audience; ERR_AUTH: expired, or not valid
 * yet; ERR_TOO_LARGE. No message holds any of it but issuer, audience and times.
 *
 * Whether an e-mail address that is not verified will do depends on what Fulcio knows of the
 * issuer: whoever asks Fulcio decides.
 */
bool id_token_parse(
	const char *text, size_t len, int64_t now, struct id_token **ret_token, struct err **err);

/* True if the text is a token itself, rather than the name of a file. */
bool id_token_is_literal(const char *text);

/*
 * Where tokens come from. Texts are copied; NULL: not given. A token goes before all providers, a
 * signer account stands for the provider that impersonates it.
 */
struct id_token_options {
	struct http *http;	    /* borrowed */
	const struct clock *clock;  /* NULL: clock_system */
	const char *provider;	    /* one of id_token_providers; NULL: the first that is there */
	const char *token;	    /* a JWT, or the file that holds one */
	bool no_ambient;	    /* use `token`, `provider` or `signer_account`, or fail */
	const char *signer_account; /* service account of Google to impersonate */
	const char *iam_endpoint;   /* of IAM Credentials; NULL: Google's */
};

struct id_token_source;

/* Names for --oidc-provider in the order in which they are tried, ended by NULL. */
extern const char *const id_token_providers[];

/* ERR_USAGE: an unknown provider, or settings that exclude each other. Asks nobody. */
struct id_token_source *id_token_source_new(
	const struct id_token_options *options, struct err **err);
void id_token_source_free(struct id_token_source *source);
DEFINE_CLEANUP(struct id_token_source, id_token_source_freep, id_token_source_free)

/*
 * A token that is good for at least `seconds` more: the last one, or a new one where the provider
 * can be asked again (files are read again each time, since they rotate). One that has less left is
 * still given if no better one can be had. Any thread; one request in flight at a time, whose
 * outcome those who wait share.
 *
 * The provider is the first that is there, for all of the source's life: when it then fails, that
 * is the error, and nobody signs in another name instead. ERR_NOT_FOUND: none is there (the message
 * lists what was looked for); ERR_AUTH: refused, expired; ERR_UNSUPPORTED: a provider that cip
 * cannot ask; ERR_USAGE, ERR_INVALID, errors of http_do.
 */
bool id_token_source_get(struct id_token_source *source, int64_t seconds,
	struct id_token **ret_token, struct err **err);

/* Who provides the tokens, for messages: "github-actions". Static text; NULL before the first. */
const char *id_token_source_provider(const struct id_token_source *source);

#endif
