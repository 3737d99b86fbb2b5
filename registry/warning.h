/*
 * `Warning: 299 - "text"` of a registry (distribution-spec "Warnings"): said once, never acted on.
 * Internal to registry/.
 */
#ifndef CIP_REGISTRY_WARNING_H
#define CIP_REGISTRY_WARNING_H

#include <stdbool.h>

#include "base/str.h"

/* A host says more different ones than that: the rest is not passed on. */
#define WARNINGS_MAX 10
#define WARNING_TEXT_MAX 1000

/* What the warnings of one host are remembered by. Zero is none yet. */
struct warnings {
	unsigned seen[WARNINGS_MAX]; /* hashes */
	unsigned count;
};

/*
 * Appends the text of a header value to `out`; false unless its code is 299 and its agent "-". Pure.
 */
bool warning_parse(const char *value, struct str *out);

/* True if the text is new and to be said. */
bool warnings_add(struct warnings *warnings, const char *text);

#endif
