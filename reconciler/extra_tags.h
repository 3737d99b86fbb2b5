/*
 * Tags in a destination repository that nobody declares: all are counted, the first by name are
 * kept. What stands beside images (replicator/replica_tag.h) is none. One owner.
 */
#ifndef CIP_RECONCILER_EXTRA_TAGS_H
#define CIP_RECONCILER_EXTRA_TAGS_H

#include <stdint.h>

#include "base/vec.h"

#define EXTRA_TAGS_KEPT 100

struct extra_tags {
	uint64_t count;
	VEC(char *)
	names; /* sorted, each once, at most EXTRA_TAGS_KEPT; owned; bytes from outside */
};

void extra_tags_add(struct extra_tags *extra, const char *name);
void extra_tags_release(struct extra_tags *extra);

#endif
