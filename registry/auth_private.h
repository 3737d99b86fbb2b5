/*
 * What the two halves of authorisation share: auth.c prepares requests, auth_answer.c learns from
 * answers. Internal to registry/.
 */
#ifndef CIP_REGISTRY_AUTH_PRIVATE_H
#define CIP_REGISTRY_AUTH_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/vec.h"
#include "registry/auth.h"
#include "registry/auth_challenge.h"
#include "registry/auth_token.h"

struct auth {
	struct http *http;
	struct credentials *credentials;
	struct leases *tokens;
	bool read_only;
};

enum auth_wants {
	AUTH_WANTS_UNKNOWN,
	AUTH_WANTS_NOTHING, /* so far; single repositories may */
	AUTH_WANTS_BASIC,
	AUTH_WANTS_TOKEN,
};

struct auth_mount {
	char *from, *to; /* owned */
};

/* A credential that the token server refused, several times in a row. */
struct auth_failure {
	unsigned credential_id, count;
	struct err *err; /* owned */
};

struct auth_host {
	pthread_mutex_t lock;
	pthread_cond_t probe_ended;
	/* Under the lock. */
	enum auth_wants wants; /* never changes once it is Basic or a token */
	bool probing, probed, pinged;
	VEC(struct auth_mount) mounts;
	VEC(struct auth_failure) failures;
	/* Set before `wants` says so, constant afterwards. */
	struct auth_realm realm;
	char *service; /* NULL: none */

	_Atomic bool no_mounts; /* mounts are refused */
	_Atomic bool no_wide;	/* tokens for more than one request needs are refused */
};

/* What the request itself needs. */
void auth_scopes_needed(const struct auth_use *use, struct auth_scopes *scopes);
unsigned auth_actions(const struct auth_use *use);
enum auth_wants auth_host_wants(struct auth_host *state);

#endif
