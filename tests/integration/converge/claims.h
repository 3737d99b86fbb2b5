/*
 * What a registry holds, in lines that are the same for two registries that mean the same:
 *
 *	NAME/REPOSITORY tag TAG DIGEST
 *	NAME/REPOSITORY image DIGEST
 *	NAME/REPOSITORY@DIGEST FORM IDENTITY ISSUER TEXT
 *
 * The last is a claim about the digest: FORM is sig, att or bundle, TEXT what was signed, with sorted
 * keys. Keys, signatures, log entries, times and random numbers are left out, and so are the digests
 * of the objects that carry them. What can be read by nobody (an upload that was given up, a bundle
 * that no index lists) is left out, too. A claim that is there twice is two lines.
 */
#ifndef CIP_TESTS_INTEGRATION_CONVERGE_CLAIMS_H
#define CIP_TESTS_INTEGRATION_CONVERGE_CLAIMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

struct lines {
	VEC(char *) texts;
};
void lines_release(struct lines *lines);
void lines_sort(struct lines *lines);

/* Asks a fake registry (tests/fakes/registry/admin.c). Exits the process if that fails. */
void claims_add(const char *name, uint16_t port, struct lines *lines);

#endif
