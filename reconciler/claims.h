/*
 * Which images want which repositories: one slot per repository (or public identity), found by
 * its text, but without keeping a copy of it. For overlap.c; one owner.
 */
#ifndef CIP_RECONCILER_CLAIMS_H
#define CIP_RECONCILER_CLAIMS_H

#include "reconciler/declared.h"

enum claim_kind {
	CLAIM_REPOSITORY = 1 << 0, /* a repository to be read or written */
	CLAIM_IDENTITY = 1 << 1,   /* the name under which the public knows one */
};

struct claim_slot {
	uint32_t claimants; /* index + 1 into the list; 0: the slot is empty */
	uint32_t hash;
	uint32_t image, registry; /* the first pair that came: its text is the slot's key */
	uint32_t group;		  /* for the caller; 0 at first */
	uint8_t kinds;		  /* enum claim_kind of all who came */
	uint8_t text_kind;	  /* of the first pair */
};

struct claimant {
	uint32_t image;
	uint32_t next; /* index + 1; 0: the last */
};

struct claims {
	const struct declared *declared;
	struct claim_slot *slots;
	size_t capacity; /* power of two or 0 */
	size_t len;
	VEC(struct claimant) list;
	struct str text, other; /* scratch */
};

void claims_init(struct claims *claims, const struct declared *declared);
void claims_release(struct claims *claims);

/* Adds the claim of an image on its repository in a registry, or on that one's identity if it has one. */
void claims_put(struct claims *claims, uint32_t image, uint32_t registry, enum claim_kind kind);

/* Appends the repository or identity of a slot. */
void claims_text(const struct claims *claims, const struct claim_slot *slot, struct str *out);

/*
 * Adds up what all repositories of the table should hold: `repositories`, `destinations` and
 * `edges` of the counts. Slots with several claimants must have equal groups only if they have the
 * same claimants.
 */
void claims_count(const struct claims *claims, struct declared_counts *ret_counts);

#endif
