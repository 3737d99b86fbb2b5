/*
 * What a run has to go through: every distinct destination repository with the images that claim
 * it, cut into units that can be worked on by themselves. Images that share a destination
 * repository, and images of which one's source is a destination of the other, are in one unit.
 *
 * Memory follows images × registries (one claim each) and the distinct repositories, never digests
 * or tags of them. Everything is in the order of the declared state. Read-only after worklist_new,
 * then shared by all threads; refers to the declared state, which must outlive it.
 */
#ifndef CIP_RECONCILER_WORKLIST_H
#define CIP_RECONCILER_WORKLIST_H

#include "image/reference.h"
#include "reconciler/declared.h"
#include "reconciler/event.h"

#define WORK_NONE UINT32_MAX

/* One image that is to be in one destination repository. */
struct work_claim {
	uint32_t destination;
	uint32_t image;	 /* index in the declared state */
	uint32_t source; /* index of the source repository */
	bool in_cycle;	 /* its destination feeds, directly or not, its source */
};

struct work_destination {
	const char *name; /* "host/path" */
	struct repository repository;
	uint32_t first_claim, claim_count; /* each image once */
	uint32_t pairs;			   /* distinct digests, each malformed entry counts too */
	uint32_t edges;
	uint32_t host; /* number of its host, from 0, the same one in sources */
};

struct work_source {
	const char *name;
	struct repository repository;
	uint32_t destination; /* of the same repository; WORK_NONE: only a source */
	uint32_t project;     /* of the first claim */
	uint32_t host;
};

struct work_unit {
	uint32_t first_destination, destination_count;
};

struct worklist {
	const struct declared *declared;
	struct intern *strings;
	VEC(struct work_claim) claims;
	VEC(struct work_destination) destinations;
	VEC(struct work_source) sources;
	VEC(struct work_unit) units;
	VEC(struct finding) findings; /* one FINDING_CYCLE for each image and source in a circle */
};

/* The caller frees it with worklist_free. */
struct worklist *worklist_new(const struct declared *declared);
void worklist_free(struct worklist *worklist);
DEFINE_CLEANUP(struct worklist, worklist_freep, worklist_free)

struct plan_totals worklist_totals(const struct worklist *worklist);

#endif
