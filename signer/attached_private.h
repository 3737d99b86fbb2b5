/* What reading and writing of attached things share. Internal to signer/. */
#ifndef CIP_SIGNER_ATTACHED_PRIVATE_H
#define CIP_SIGNER_ATTACHED_PRIVATE_H

#include "signer/attached.h"

#define ATTACHED_TAG_SIZE 160

/* "sha256-<hex>.sig"; false for a digest that has no such tag. */
bool attached_tag(
	const struct digest *image, enum attached_kind kind, char ret_tag[ATTACHED_TAG_SIZE]);

/*
 * Gives the item its parts, and takes what is not const. ERR_INVALID: a registry, or its clients, would not take it
 * elsewhere; then nothing is taken.
 */
bool attached_keep_layer(struct attached_item *item, const struct repository *repository,
	struct legacy_descriptor *layer, const struct document *blob, struct err **err);
bool attached_keep_bundle(struct attached_item *item, const struct repository *repository,
	const struct digest *image, struct document *manifest, const struct document *blob,
	const struct document *config, struct err **err);

#endif
