/*
 * Signatures of a primary and of its mirror in one image. The room that knows their form and the one
 * that replicates do not know each other; here they meet.
 */
#ifndef CIP_RECONCILER_REPLICATE_MERGE_H
#define CIP_RECONCILER_REPLICATE_MERGE_H

#include "replicator/replicator.h"
#include "signer/policy.h"
#include "signer/trust_root.h"

/*
 * Whose layers of a mirror stay, however many they are. Borrowed; nobody is trusted if there are no
 * signers.
 */
struct replicate_trust {
	struct registry *registry; /* of the signing class: mirrors are read with it */
	struct http_tally *tally;  /* NULL: requests are counted nowhere */
	const struct policy_signer *signers;
	size_t signer_count;
	size_t scts; /* that certificates need */
	/* The trust root, fetched when it is first asked for. Any thread; NULL with an error. */
	const struct trust_root *(*root)(void *ctx, struct err **err);
	void *ctx;
};

/*
 * As replicator_options.merge. Descriptors stay byte for byte; the config is the one that cosign makes
 * for these layers. With `choose`, layers of the mirror that verify stay, and of the others either all, if they
 * are few enough, or none (trust rule 15). ERR_INVALID, ERR_TOO_LARGE and ERR_UNSUPPORTED as in
 * signer/legacy_image.h; ERR_CONFLICT: nobody is trusted; errors of the registry and of `root`. Any thread.
 */
bool replicate_merge(const struct replicate_trust *trust, const struct replica_merging *merging,
	struct replica_merged *ret_merged, struct err **err);

#endif
