/*
 * A world in which everything is done: each destination of a tree of promoter manifests holds every
 * digest and tag it shall hold and a signature and an attestation for each, and so do the sources, but
 * for the latter two. Repositories come into being when they are first asked for.
 *
 * Digests of real images are of bytes that nobody has here, so the tree is written anew with digests
 * of images that are made up: one layer each. What stands under .sig and .att has the form of signatures and
 * verifies for nobody. Loaded before the first request, read-only afterwards.
 */
#ifndef CIP_TESTS_FAKES_REGISTRY_WORLD_H
#define CIP_TESTS_FAKES_REGISTRY_WORLD_H

#include "tests/fakes/registry/store.h"

/*
 * Reads the thin tree below `tree`, writes it with other digests below `out` (which must not exist), and
 * all that is to be in place to the file "`out`.edges": "HOST/PATH DIGEST TAG" a line, "-" for no tag.
 * Ends the program if that fails.
 */
void world_load(const char *tree, const char *out);

/* Its hosts, each once, in order of bytes. */
size_t world_hosts(const char *const **ret_hosts);

/* One digest of an image. */
struct world_entry {
	const struct content *manifest, *sig, *att;
	const char *sig_tag, *att_tag;
	const char *const *tags;
	size_t tag_count;
};
/* Calls `add` for each of a repository "HOST/PATH"; false if it is not in the world. */
bool world_visit(const char *repository,
	void (*add)(void *ctx, const struct world_entry *entry, bool is_source), void *ctx);

/* A blob that every repository of the world has; NULL: none. */
const struct content *world_blob(const char *digest);

#endif
