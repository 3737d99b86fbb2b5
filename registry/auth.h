/*
 * The one place where a request to a registry is authorised (distribution's token specification,
 * RFC 7617; registry-client facts 2). The first request to a host goes out without anything; its
 * answer tells what the host wants, which is remembered, so that every later request carries what
 * it needs at once. Tokens are asked for with all scopes of a promotion and kept until they run
 * out.
 *
 * A secret goes to the registry that it was stored for, or to that registry's own token server
 * (auth_realm.h), never to anybody else and never into a message. Any thread; an auth_use belongs
 * to its request. Internal to registry/.
 */
#ifndef CIP_REGISTRY_AUTH_H
#define CIP_REGISTRY_AUTH_H

#include "image/reference.h"
#include "registry/credentials.h"
#include "registry/lease.h"
#include "registry/registry.h"

struct host;
struct auth;
struct auth_host; /* what one host wants; part of struct host */

struct auth_options {
	struct http *http;
	struct credentials_options credentials;
	bool read_only; /* nothing but pull is ever asked for */
};

/* Errors as credentials_new. */
struct auth *auth_new(const struct auth_options *options, struct err **err);
void auth_free(struct auth *auth);

struct auth_host *auth_host_new(void);
void auth_host_free(struct auth_host *state);

/*
 * Images will be mounted into the repository at `to` from `from`, both of this host: one token
 * shall do for both.
 */
void auth_expect_mount(struct auth *auth, struct host *host, const char *from, const char *to);

/* False once the host has shown that it does not let its repositories be mixed in one token. */
bool auth_may_mount(const struct host *host);
void auth_refuse_mounts(struct host *host);

/* How one request is authorised, from its first sending to its last. */
struct auth_use {
	struct auth *auth;
	struct host *host;
	enum credential_side side;
	char *path;	  /* of the repository; owned */
	char *mount_from; /* NULL: no mount; owned */
	bool pulls_only;  /* the request asks for no more than pull, whatever its side may */
	struct http_tally *tally;
	char *value; /* of the Authorization header for the next sending; secret; NULL: none */

	/* Of the last sending. */
	const struct credential *credential; /* NULL: nobody has asked for any */
	char *key;			     /* of the lease that `value` is made of; owned */
	uint64_t serial;
	bool is_fresh;
	bool is_wide;	  /* the token covers more than the request */
	bool is_probe;	  /* others wait for the answer */
	bool is_withheld; /* there is a credential, but it must not go there */
	/* Over all sendings. */
	bool narrow; /* ask for no more than this request needs */
	char *scope; /* that a challenge asked for besides; owned */
	unsigned refusals;
};
/* `path` is copied. */
void auth_use_init(struct auth_use *use, struct auth *auth, struct host *host,
	enum credential_side side, const char *path, struct http_tally *tally);
void auth_use_release(struct auth_use *use);

/*
 * Sets use->credential, and use->is_withheld from what the host has shown so far. May wait for a
 * helper. ERR_AUTH: a helper failed.
 */
bool auth_find_credential(struct auth_use *use, struct err **err);

/* True if the host has answered once: then nobody has to wait for that, or to go first. */
bool auth_is_settled(const struct auth_use *use);

/* True if it is known how this host is asked: whoever asks is not asked for more. */
bool auth_is_understood(const struct host *host);
/* True if another right may need another token. */
bool auth_takes_tokens(const struct host *host);

/*
 * Sets use->value. May wait: for a token, a helper, or (with `may_probe`, which promises that
 * auth_answered or auth_unanswered follows on this thread) for the first answer of the host.
 * ERR_AUTH, or why no token could be fetched.
 */
bool auth_prepare(struct auth_use *use, bool may_probe, struct err **err);

/* Whose quota what was prepared draws from, in fresh memory (host_quota). */
char *auth_quota(const struct auth_use *use);

/*
 * Looks at an answer. *ret_again: it was refused for a reason that another sending may remove, at
 * most three times a request. Fails if the registry asks for something that it will not get.
 */
bool auth_answered(struct auth_use *use, const struct http_response *answer, bool *ret_again,
	struct err **err);
/* There was no answer. */
void auth_unanswered(struct auth_use *use);

#endif
