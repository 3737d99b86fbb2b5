/*
 * Which signatures, attestations and SBOMs a repository holds, by one list of its tags: read by
 * inventory_read, or filled by whoever reads the list anyway. Owned by one thread at a time.
 */
#ifndef CIP_REPLICATOR_INVENTORY_H
#define CIP_REPLICATOR_INVENTORY_H

#include "base/vec.h"
#include "registry/registry.h"
#include "replicator/replica_tag.h"

struct inventory_item {
	struct replica_tag tag;
	bool has_content; /* Google's lists say the digest under each tag; others do not */
	bool is_written;  /* after the list was read */
	bool is_doubtful; /* perhaps it is not there at all */
	uint8_t content[DIGEST_SHA256_SIZE];
};

struct inventory_manifest {
	uint8_t sha256[DIGEST_SHA256_SIZE];
};

/* Zero is empty. */
struct inventory {
	VEC(struct inventory_item) items; /* in order of the tags, each once */
	int64_t looked_ms;		  /* monotonic: when the list was asked for */
	bool is_partial;		  /* what it does not show may be there */
	/* All of the repository, where a list names them and they were asked for; sorted. */
	VEC(struct inventory_manifest) manifests;
	bool tells_manifests;
};
void inventory_release(struct inventory *inventory);

/* While a list arrives, in any order; `content` NULL where it is not said. Then once inventory_finish. */
void inventory_add(
	struct inventory *inventory, const struct replica_tag *tag, const struct digest *content);
void inventory_finish(struct inventory *inventory);

/* A repository that is not there holds nothing. Errors of registry_tags_list; then nothing is known. */
bool inventory_read(struct registry *registry, const struct repository *repository,
	const struct clock *clock, bool with_manifests, struct inventory *ret_inventory,
	struct err **err);

/* It has been written since: with which content is not known, nor whether that succeeded. */
void inventory_touch(struct inventory *inventory, const struct replica_tag *tag);

bool inventory_has_manifest(const struct inventory *inventory, const struct digest *digest);

/* NULL: it does not hold it. */
const struct inventory_item *inventory_find(
	const struct inventory *inventory, const struct replica_tag *tag);

#endif
