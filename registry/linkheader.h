/* The Link header (RFC 8288), as far as paging needs it. Internal to registry/. Pure. */
#ifndef CIP_REGISTRY_LINKHEADER_H
#define CIP_REGISTRY_LINKHEADER_H

#include <stdbool.h>

#include "base/err.h"

/*
 * The target of the first link of `value` with relation "next", as written between < and >, in
 * fresh memory; *ret_target is NULL if there is none. ERR_INVALID if the value does not parse:
 * then nobody knows whether a page is missing.
 */
bool linkheader_next(const char *value, char **ret_target, struct err **err);

#endif
