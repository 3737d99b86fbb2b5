/*
 * Access tokens of Google (OAuth 2.0, RFC 7523, RFC 8693) for its registries, made from the
 * credentials of registry/google.h. They go only to registries that registry/quirks.h knows to be
 * Google's. Without writing, as far as Google lets us choose, tokens are for reading only. Any
 * thread. Internal to registry/.
 */
#ifndef CIP_REGISTRY_AUTH_GOOGLE_H
#define CIP_REGISTRY_AUTH_GOOGLE_H

#include "registry/google.h"
#include "registry/lease.h"

/*
 * A token of the source itself (account ""), or of a service account that it impersonates: never
 * in a run that only reads (ERR_INTERNAL). ERR_AUTH: refused, or the file cannot be used; else as
 * http_do.
 */
bool google_token(struct google *google, const char *account, struct http_tally *tally,
	struct lease *ret_lease, struct err **err);

/* The registry did not take it. */
void google_refuse(struct google *google, const char *account, uint64_t serial);

#endif
