/*
 * What a token is asked for (distribution's token scopes): repositories with actions. A set keeps
 * the order in which it was made, since some token servers look at the first scope only; its key
 * does not. Pure values. Internal to registry/.
 */
#ifndef CIP_REGISTRY_AUTH_SCOPE_H
#define CIP_REGISTRY_AUTH_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { AUTH_PULL = 1, AUTH_PUSH = 2 };

#define AUTH_SCOPES_MAX 8

struct auth_scope {
	char *repository; /* owned */
	unsigned actions;
};

struct auth_scopes {
	struct auth_scope items[AUTH_SCOPES_MAX];
	size_t len;
};
void auth_scopes_release(struct auth_scopes *scopes);

/* Actions of a repository that is there already are added to it. False if there is no room. */
bool auth_scopes_add(struct auth_scopes *scopes, const char *repository, unsigned actions);

/*
 * What a challenge asks for, as far as it concerns repositories and no action but those allowed.
 * True if it asks for anything that was not in the set.
 */
bool auth_scopes_add_text(struct auth_scopes *scopes, const char *text, unsigned allowed);

/* "repository:a/b:pull,push" */
void auth_scope_format(const struct auth_scope *scope, struct str *out);

/* All of them, sorted, separated by spaces. */
void auth_scopes_key(const struct auth_scopes *scopes, struct str *out);

#endif
