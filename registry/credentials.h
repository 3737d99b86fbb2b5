/*
 * Whose name and secret go to which registry. Looked up for each host and repository on each side
 * (an image is read with the source side's credentials, looked at and written with the
 * destination side's), in this order; the first that has something for the place wins, within a
 * file the most specific entry:
 *
 *	1. the file of --src-authfile or --dest-authfile
 *	2. cip.yaml's credentials of the registry and side
 *	3. Google's hosts in a run that writes: the service-account of the manifest's registry, if
 *	   cip.yaml lets it be impersonated; with Google's credentials of 2 or else of 9
 *	4. the variable DOCKER_AUTH_CONFIG, which holds the text of such a file
 *	5. the file named by REGISTRY_AUTH_FILE
 *	6. $XDG_RUNTIME_DIR/containers/auth.json
 *	7. ${XDG_CONFIG_HOME:-~/.config}/containers/auth.json
 *	8. $DOCKER_CONFIG/config.json or ~/.docker/config.json
 *	9. Google's hosts: application default credentials, then the metadata server
 *	10. none: anonymous
 *
 * In each file its credHelpers and credsStore go before its auths. Files of 1 and 2 are read again
 * when they change, the others once; helpers run and Google is asked when first needed. Secrets
 * never leave in messages. Internal to registry/.
 */
#ifndef CIP_REGISTRY_CREDENTIALS_H
#define CIP_REGISTRY_CREDENTIALS_H

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "registry/registry.h"

struct google;

enum credential_kind {
	CREDENTIAL_ANONYMOUS,
	CREDENTIAL_PASSWORD,
	CREDENTIAL_IDENTITY_TOKEN, /* `secret` is a refresh token for the token server */
	CREDENTIAL_REGISTRY_TOKEN, /* `secret` goes to the registry as it is, as Bearer */
	CREDENTIAL_GOOGLE, /* tokens come from `google`, for the account `username` ("": its own) */
};

/* Belongs to the table it came from. Immutable; two that are equal have one id. */
struct credential {
	enum credential_kind kind;
	unsigned id;
	char *username; /* "" if there is none */
	char *secret;
	char *origin; /* for messages: "/root/.docker/config.json" or "docker-credential-x" */
	struct google *google;
};

extern const struct credential credential_anonymous;

struct credentials;

struct credentials_options {
	const char *authfile[CREDENTIAL_SIDES]; /* NULL: not given */
	const struct registry_host_options *hosts;
	size_t host_count;
	struct google_account_options google;
	const struct credential_account *accounts;
	size_t account_count;
	bool read_only;	   /* no account is impersonated */
	struct http *http; /* for Google; NULL: Google is not asked */
	const struct clock *clock;
	struct cancel *cancel; /* ends the wait for a helper; may be NULL */
};

/*
 * Options are borrowed during the call. ERR_USAGE with the file's name for one that is malformed, or
 * was named by a flag or cip.yaml and cannot be read. Other files that do not exist are passed over.
 */
struct credentials *credentials_new(const struct credentials_options *options, struct err **err);
void credentials_free(struct credentials *credentials);
DEFINE_CLEANUP(struct credentials, credentials_freep, credentials_free)

/*
 * What to show to `host` (canonical) for the repository at `path`; never NULL on success, lives as
 * long as the table; `origin` tells people where it comes from. May wait for a helper, or for the
 * answer whether this machine is one of Google's. Any thread. ERR_AUTH: a helper failed, a file of
 * Google's credentials is unusable.
 */
bool credentials_find(struct credentials *credentials, enum credential_side side, const char *host,
	const char *path, const struct credential **ret_credential, struct err **err);

/* The same without steps 3 and 9: for a place that must not see Google's tokens anyway. */
bool credentials_find_stored(struct credentials *credentials, enum credential_side side,
	const char *host, const char *path, const struct credential **ret_credential,
	struct err **err);

#endif
