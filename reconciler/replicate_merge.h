/*
 * Signatures of a primary and of its mirror in one image. The room that knows their form and the one
 * that replicates do not know each other; here they meet. Pure, any thread.
 */
#ifndef CIP_RECONCILER_REPLICATE_MERGE_H
#define CIP_RECONCILER_REPLICATE_MERGE_H

#include "replicator/replicator.h"

/*
 * As replicator_options.merge. Descriptors stay byte for byte; the config is the one that cosign makes
 * for these layers. ERR_INVALID, ERR_TOO_LARGE and ERR_UNSUPPORTED as in signer/legacy_image.h.
 */
bool replicate_merge(const struct document *primary, const struct document *mirror,
	struct replica_merged *ret_merged, struct err **err);

#endif
