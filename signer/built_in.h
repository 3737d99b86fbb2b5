/*
 * Files that the program carries (signer/data): where trust in Sigstore's instances begins, and the
 * public one's trust root for those who ask for it by flag. Immutable; live as long as the program.
 */
#ifndef CIP_SIGNER_BUILT_IN_H
#define CIP_SIGNER_BUILT_IN_H

#include <stddef.h>

enum built_in {
	BUILT_IN_ROOT,		 /* initial root of TUF, public instance */
	BUILT_IN_STAGING_ROOT,	 /* the same of the staging instance */
	BUILT_IN_TRUSTED_ROOT,	 /* of the public instance */
	BUILT_IN_SIGNING_CONFIG, /* likewise */
};

/* Not NUL-terminated. */
struct built_in_file {
	const char *text;
	size_t len;
};

struct built_in_file built_in_file(enum built_in which);

#endif
