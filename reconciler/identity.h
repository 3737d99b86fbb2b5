/*
 * Under which name the public knows a destination: the docker-reference inside signatures
 * (kpromo-compat facts §5). Two destinations with one identity are one image to whoever verifies.
 * Pure, any thread.
 */
#ifndef CIP_RECONCILER_IDENTITY_H
#define CIP_RECONCILER_IDENTITY_H

#include <stdbool.h>

#include "base/str.h"

/*
 * Appends the identity of a canonical "host/path" to `out` if a rule maps it; false, with nothing
 * appended, if none does: its identity is then its own name. Rules match the exact host, then whole
 * path components, the longest path wins.
 */
bool identity_map(const char *repository, struct str *out);

#endif
