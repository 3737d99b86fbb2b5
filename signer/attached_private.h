/* What reading and writing of attached things share. Internal to signer/. */
#ifndef CIP_SIGNER_ATTACHED_PRIVATE_H
#define CIP_SIGNER_ATTACHED_PRIVATE_H

#include "signer/attached.h"

#define ATTACHED_TAG_SIZE 160

/* "sha256-<hex>.sig"; false for a digest that has no such tag. */
bool attached_tag(
	const struct digest *image, enum attached_kind kind, char ret_tag[ATTACHED_TAG_SIZE]);

#define BUNDLE_TYPE "application/vnd.dev.sigstore.bundle"
#define BUNDLE_CONTENT "dev.sigstore.bundle.content"
#define BUNDLE_CONTENT_MESSAGE "message-signature"
#define BUNDLE_PREDICATE_TYPE "dev.sigstore.bundle.predicateType"
#define BUNDLE_MANIFEST_MAX_SIZE ((size_t)1 << 20)

#endif
