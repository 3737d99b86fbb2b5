/*
 * Under which name the public knows a destination: the docker-reference inside signatures
 * (kpromo-compat facts §5). Two destinations with one identity are one image to whoever verifies.
 * And which of them is the primary: the one that is signed, and from which the others are filled.
 * Pure, any thread.
 */
#ifndef CIP_RECONCILER_IDENTITY_H
#define CIP_RECONCILER_IDENTITY_H

#include <stdbool.h>

#include "base/str.h"
#include "base/vec.h"

/* "prefix: identity" of cip.yaml; owned texts, canonical. */
struct identity_rule {
	char *prefix; /* host, or host/path */
	char *identity;
};

/* Read-only once filled. All zero: the built-in rule and the built-in canonical registry alone. */
struct identities {
	VEC(struct identity_rule) rules; /* each prefix once */
	char *canonical;		 /* host, or host/path; NULL: us-central1-docker.pkg.dev */
};
void identities_release(struct identities *identities);

/*
 * Appends the identity of a canonical "host/path" to `out` if a rule maps it; false, with nothing
 * appended, if none does: its identity is then its own name. Rules match the exact host, then whole
 * path components, and something must be left below; the longest path wins, and of two that are as
 * long the one that was given over the one that is built in. NULL: only the latter.
 */
bool identity_map(const struct identities *identities, const char *repository, struct str *out);

/* Order of precedence as primary: below the canonical registry first, then by bytes. */
int identity_compare(const struct identities *identities, const char *a, const char *b);

#endif
