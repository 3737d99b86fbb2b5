/*
 * Whose name and secret go to which registry. Looked up for each host and repository on each side
 * (an image is read with the source side's credentials, looked at and written with the
 * destination side's), in this order; the first that has something for the place wins, within a
 * file the most specific entry:
 *
 *	1. the file of --src-authfile or --dest-authfile
 *	2. the variable DOCKER_AUTH_CONFIG, which holds the text of such a file
 *	3. the file named by REGISTRY_AUTH_FILE
 *	4. $XDG_RUNTIME_DIR/containers/auth.json
 *	5. ${XDG_CONFIG_HOME:-~/.config}/containers/auth.json
 *	6. $DOCKER_CONFIG/config.json or ~/.docker/config.json
 *	7. none: anonymous
 *
 * In each file its credHelpers and credsStore go before its auths. Files are read once, when the
 * table is made; helpers run when first needed. Secrets never leave in messages. Internal to
 * registry/.
 */
#ifndef CIP_REGISTRY_CREDENTIALS_H
#define CIP_REGISTRY_CREDENTIALS_H

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"

enum credential_side { CREDENTIAL_DESTINATION, CREDENTIAL_SOURCE };
#define CREDENTIAL_SIDES 2

enum credential_kind {
	CREDENTIAL_ANONYMOUS,
	CREDENTIAL_PASSWORD,
	CREDENTIAL_IDENTITY_TOKEN, /* `secret` is a refresh token for the token server */
	CREDENTIAL_REGISTRY_TOKEN, /* `secret` goes to the registry as it is, as Bearer */
};

/* Belongs to the table it came from. Immutable; two that are equal have one id. */
struct credential {
	enum credential_kind kind;
	unsigned id;
	char *username; /* "" if there is none */
	char *secret;
	char *origin; /* for messages: "/root/.docker/config.json" or "docker-credential-x" */
};

extern const struct credential credential_anonymous;

struct credentials;

struct credentials_options {
	const char *authfile[CREDENTIAL_SIDES]; /* NULL: not given */
	const struct clock *clock;
	struct cancel *cancel; /* ends the wait for a helper; may be NULL */
};

/*
 * ERR_USAGE with the file's name for one that is malformed, or was named by a flag and cannot be
 * read. Files of the list above that do not exist are passed over.
 */
struct credentials *credentials_new(const struct credentials_options *options, struct err **err);
void credentials_free(struct credentials *credentials);
DEFINE_CLEANUP(struct credentials, credentials_freep, credentials_free)

/*
 * What to show to `host` (canonical) for the repository at `path`; never NULL on success, lives as
 * long as the table. May wait for a helper. Any thread. ERR_AUTH: a helper failed.
 */
bool credentials_find(struct credentials *credentials, enum credential_side side, const char *host,
	const char *path, const struct credential **ret_credential, struct err **err);

#endif
