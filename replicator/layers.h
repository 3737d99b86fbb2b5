/*
 * Whether one signature object holds everything that another holds, so that it may stand in its
 * place. Nothing is verified. Pure, any thread.
 */
#ifndef CIP_REPLICATOR_LAYERS_H
#define CIP_REPLICATOR_LAYERS_H

#include "registry/registry.h"

struct layers_compared {
	size_t only_left, only_right;	  /* layers that the other one lacks */
	uint64_t bytes_left, bytes_right; /* of these */
};

/*
 * Layers of two image manifests, by all that their descriptors say: annotations carry the signatures. Or
 * what two indexes list, by digest, which says it all. ERR_INVALID: neither two images nor two indexes.
 */
bool layers_compare(const struct document *left, const struct document *right,
	struct layers_compared *ret_compared, struct err **err);

#endif
