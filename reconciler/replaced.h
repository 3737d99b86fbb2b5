/*
 * Which digests the tags of a promotion have taken the place of, for its record. Destinations with one
 * identity are one image to the public, so what a mirror alone shows counts too: after a run that was
 * killed when it had moved the primary's tag, the mirrors are the ones that know. Pure.
 */
#ifndef CIP_RECONCILER_REPLACED_H
#define CIP_RECONCILER_REPLACED_H

#include "reconciler/event.h"
#include "reconciler/promotion_record.h"

struct replaced {
	VEC(struct promotion_replaced)
	all; /* in order of their tags; refers to the records' names */
};

/*
 * Adds the tags among `tags` that the record's run has moved and that are not in it yet: the primary's
 * record goes first.
 */
void replaced_add(struct replaced *replaced, const struct record *record, const char *const *tags,
	size_t tag_count);
void replaced_release(struct replaced *replaced);

#endif
