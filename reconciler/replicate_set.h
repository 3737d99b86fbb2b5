/*
 * From a unit of the worklist to a set for the replicator: its destinations in order of precedence,
 * and which of them belong together for a digest. Pure; read-only once made.
 */
#ifndef CIP_RECONCILER_REPLICATE_SET_H
#define CIP_RECONCILER_REPLICATE_SET_H

#include "reconciler/primary.h"
#include "replicator/replicator.h"

struct replicate_site {
	const struct work_destination *destination;
	const struct wanted *wanted; /* several may share one */
	struct wanted *own_wanted;   /* owned; NULL: it is another site's, or the caller's */
	bool is_first_of_wanted;
};

struct replicate_set {
	struct replicate_site *sites;  /* in order of precedence */
	struct replica_site *replicas; /* the same ones for the replicator */
	struct primary_site *names;    /* and for `primaries` */
	struct primaries *primaries;
	size_t count;
	bool only_declared;
};

/*
 * NULL if the unit has no two destinations that belong together. The caller frees it. `wanted`: what the
 * unit's destinations want, in their order, borrowed; NULL: it is collected here.
 */
struct replicate_set *replicate_set_new(const struct worklist *list, const struct work_unit *unit,
	const struct wanted *const *wanted, bool only_declared);
void replicate_set_free(struct replicate_set *set);
DEFINE_CLEANUP(struct replicate_set, replicate_set_freep, replicate_set_free)

/* The site is primary of this digest, and has mirrors for it. */
bool replicate_set_has_mirrors(
	const struct replicate_set *set, size_t site, const uint8_t sha256[DIGEST_SHA256_SIZE]);

/* As replica_mirrors_fn, of a struct replicate_set. */
void replicate_set_mirrors(
	void *ctx, size_t primary, const uint8_t image[DIGEST_SHA256_SIZE], bool *ret_is_mirror);

#endif
