/*
 * What one destination repository is declared to hold: the entries of all images that claim it,
 * merged by digest. Destinations claimed by the same images share one. Read-only after
 * wanted_init; borrows from the declared state and the worklist.
 */
#ifndef CIP_RECONCILER_WANTED_H
#define CIP_RECONCILER_WANTED_H

#include "reconciler/worklist.h"

struct wanted_tag {
	const char *name;
	struct place place;
	uint32_t slot; /* number of the name in `names`; WORK_NONE: malformed, or its digest is */
	uint32_t project; /* that claims it */
	bool in_cycle;
	bool is_mutable; /* everybody who claims it lets it move */
};

struct wanted_digest {
	const uint8_t *sha256; /* NULL: malformed */
	struct place place;
	uint32_t first_tag, tag_count; /* each name once */
	uint32_t first_source, source_count;
	uint32_t project;
	bool by_digest; /* wanted even without a tag */
};

struct wanted_name {
	const char *name;
	uint32_t last_tag; /* the last claim on it, an index in `tags` */
};

struct wanted {
	VEC(struct wanted_digest) digests; /* sorted by sha256, each once; malformed ones last */
	uint32_t well_formed;		   /* number of the first malformed one */
	VEC(struct wanted_tag) tags;
	VEC(uint32_t) sources; /* of the worklist; none for a digest claimed in a circle only */
	VEC(struct wanted_name) names; /* distinct readable tags; the index is the slot */
	struct strmap slots;	       /* name -> slot + 1 */
};

void wanted_init(struct wanted *wanted, const struct worklist *list, uint32_t destination);
void wanted_release(struct wanted *wanted);

/* True if both destinations want the same from the same sources. */
bool wanted_is_shared(const struct worklist *list, uint32_t a, uint32_t b);

/* Index of a digest or slot of a tag; WORK_NONE if nobody declares it. */
uint32_t wanted_find(const struct wanted *wanted, const uint8_t sha256[DIGEST_SHA256_SIZE]);
uint32_t wanted_slot(const struct wanted *wanted, const char *tag);

#endif
