/*
 * HEADs of tags around their writing. Internal to the copy engine; a job belongs to the thread of
 * its group.
 */
#ifndef CIP_REGISTRY_COPY_LOOKS_H
#define CIP_REGISTRY_COPY_LOOKS_H

#include "registry/copy_private.h"

/* Jobs taken on together; bounds memory, and how old a look gets while they are sent. */
#define TAG_JOBS_MAX 64

/* The root of the image under a tag of one target, or by digest. */
struct tag_job {
	struct target *target;
	struct copy_tag *tag; /* NULL: by digest */
	int64_t looked_ms;    /* monotonic */
	bool was_looked_at;   /* by this job */
	bool goes_alone;      /* the host did not take it together with others */
	bool has_ended;
};

/* True for a look, by its monotonic time, on which a tag may still be written. */
bool look_is_fresh(const struct group *group, int64_t looked_ms);

/* At tags whose last look is not; those that are in place or moved have ended. */
void looks_before(struct group *group, struct tag_job *jobs, size_t count);

/* At tags that were written: what is not as written is an error of the target. */
void looks_after(struct group *group, struct tag_job *jobs, size_t count);

#endif
