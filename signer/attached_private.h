/* What reading and writing of attached things share. Internal to signer/. */
#ifndef CIP_SIGNER_ATTACHED_PRIVATE_H
#define CIP_SIGNER_ATTACHED_PRIVATE_H

#include "signer/attached.h"

#define ATTACHED_TAG_SIZE 160

/* "sha256-<hex>.sig"; false for a digest that has no such tag. */
bool attached_tag(
	const struct digest *image, enum attached_kind kind, char ret_tag[ATTACHED_TAG_SIZE]);

#endif
