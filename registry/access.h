/*
 * Whether a repository could be read and written, found out without writing: for people who set up
 * a job, before it runs.
 *
 * Reading: a manifest is asked for that cannot exist; a registry that lets us read says so with 404
 * MANIFEST_UNKNOWN. Writing: the end of an upload that nobody has begun is sent, without any bytes and
 * under the digest of other bytes, so that nothing could be stored even if there were such an upload; a
 * registry that lets us write says BLOB_UPLOAD_UNKNOWN or what amounts to it (distribution-spec "Error
 * Codes"). Registries look at rights first: who may not is answered 401 or 403. What is neither is
 * ACCESS_UNKNOWN, with the answer.
 */
#ifndef CIP_REGISTRY_ACCESS_H
#define CIP_REGISTRY_ACCESS_H

#include "registry/registry.h"

enum access_right {
	ACCESS_UNKNOWN,
	ACCESS_GRANTED,
	ACCESS_REFUSED,
};

struct access_answer {
	enum access_right right;
	int status; /* HTTP, of the registry or its token server; 0: there was no answer */
	char *said; /* what was answered, or why nothing was; from outside, NULL: nothing; owned */
};

struct access {
	char *credential; /* where it comes from, never a secret; NULL: anonymous; owned */
	bool is_withheld; /* there is one, but where it would go it must not (docs/registries.md) */
	bool is_reached;  /* the registry answered, and its token server if it has one */
	struct err *err;  /* why it could not be asked: connection, TLS, credentials; owned */
	struct access_answer pull, push; /* push: of destinations only */
};
void access_release(struct access *access);

/* "granted", "refused", "unknown" */
const char *access_right_name(enum access_right right);

/*
 * Asks for the repository with the credentials of the view's side: of a source whether it can be
 * read (registry_for_sources), of a destination whether it can be read and written. This asks for
 * push even where nothing will be written, so the client must not be read_only. Never fails: what
 * went wrong is in *ret_access, which the caller releases. Blocks; any thread.
 */
void registry_check_access(struct registry *registry, const struct repository *repository,
	struct http_tally *tally, struct access *ret_access);

/*
 * A number that is equal for repositories of one client and side that are shown the same
 * credential; 0: none. May wait for a helper. ERR_AUTH: a helper failed.
 */
bool registry_credential_number(struct registry *registry, const struct repository *repository,
	unsigned *ret_number, struct err **err);

#endif
