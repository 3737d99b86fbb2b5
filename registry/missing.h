/*
 * Which references a registry misses, read from its refusal of a manifest (distribution-spec "Error
 * Codes": MANIFEST_BLOB_UNKNOWN, one for each). Internal to registry/. Pure.
 */
#ifndef CIP_REGISTRY_MISSING_H
#define CIP_REGISTRY_MISSING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/vec.h"
#include "image/digest.h"

/* Longer lists are none: the manifest would be too. */
#define MISSING_MAX 10000

struct missing {
	VEC(struct digest) digests;
};
void missing_release(struct missing *missing);

/* True only if the body says nothing else and each entry names a digest; never an empty list. */
bool missing_parse(const char *body, size_t len, struct missing *ret_missing);

bool missing_has(const struct missing *missing, const struct digest *digest);

#endif
