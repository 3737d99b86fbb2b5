/*
 * Which token server a registry may send us to, and whether it may see a stored secret (rules of
 * trust 21 and 23). Internal to registry/.
 */
#ifndef CIP_REGISTRY_AUTH_REALM_H
#define CIP_REGISTRY_AUTH_REALM_H

#include "registry/host.h"

struct auth_realm {
	char *url; /* absolute; owned */
	enum http_source source;
	bool takes_secrets; /* else tokens are asked for anonymously there */
};
void auth_realm_release(struct auth_realm *realm);

/*
 * What `reference` in an answer of the host means. ERR_AUTH: no URL, or one the registry may not
 * give: over plain http from a registry that is neither on the loopback nor the same place.
 */
bool auth_realm_resolve(const struct host *host, const struct http_response *answer,
	const char *reference, struct auth_realm *ret_realm, struct err **err);

/*
 * Stored secrets of the registry go to a token server with its own host name, or to one that is
 * known to be its own. Pure.
 */
bool auth_realm_takes_secrets(const struct host *host, const char *url);

#endif
