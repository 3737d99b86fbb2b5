/*
 * What the phases of a copy share; copy.c says in which order they run. Internal to registry/.
 *
 * A group belongs to the thread that works on it. The copier is shared: limits and pointers are set
 * once, its memory locks itself.
 */
#ifndef CIP_REGISTRY_COPY_PRIVATE_H
#define CIP_REGISTRY_COPY_PRIVATE_H

#include "base/once.h"
#include "base/vec.h"
#include "image/manifest.h"
#include "registry/blob.h"
#include "registry/copy.h"
#include "registry/copy_memory.h"

struct copier {
	struct registry *registry;
	struct copy_limits limits;
	const struct clock *clock;
	struct cancel *cancel;
	struct copy_memory *memory;
	bool verifies_writes;
};

/* One manifest or index of the image. */
struct node {
	char key[DIGEST_TEXT_SIZE];
	struct document document; /* media_type is what a PUT must say */
	struct manifest manifest;
	unsigned depth;	 /* steps from the root, the shortest way */
	unsigned height; /* steps to the leaf farthest away: 0 for an image */
};

/* What an image consists of, as far as some destination may lack it. */
struct tree {
	VEC(struct node *) nodes;	      /* owned; the root first */
	struct strmap by_digest;	      /* digest text -> struct node */
	VEC(const struct descriptor *) blobs; /* each digest once; borrowed from the nodes */
	struct strmap blob_digests;	      /* digest text (owned) -> itself */
	uint64_t manifest_bytes;
	uint64_t blob_bytes;
};

struct target {
	struct copy_destination *to;
	bool needs_content; /* the manifest is not known to be there */
	bool is_done;	    /* nothing to do in this pass */
	/* The registry misses something that was assumed to be there; the second pass looks again. */
	struct err *missing; /* owned */
};

struct group {
	struct copier *copier;
	const struct repository *source;
	struct registry *reader; /* the client that reads the source */
	struct http_tally *source_tally;
	struct target *targets;
	size_t target_count;
	struct tree tree;
};

/* Still something to do, and no reason yet to give up. */
static inline bool target_is_active(const struct target *target)
{
	return !target->is_done && !target->to->err && !target->missing;
}

static inline bool target_wants_content(const struct target *target)
{
	return target_is_active(target) && target->needs_content;
}

/* The first error of a destination is kept; takes the error. */
void target_fail(struct target *target, struct err *err);

/* ---- copy_tree.c: reading the source ---- */

/* Errors as registry_manifest_get and manifest_parse. */
bool tree_read_root(struct group *group, const struct digest *digest, struct err **err);
/*
 * Children and blobs, except children that every target is known to hold already. May be called
 * again when less is known; then reads what is missing. ERR_INVALID if the source lacks a child,
 * ERR_TOO_LARGE past the copier's limits.
 */
bool tree_read_rest(struct group *group, struct err **err);
void tree_release(struct tree *tree);

/* ---- copy_blobs.c: every blob of the tree into every target that wants content ---- */
void blobs_ensure(struct group *group);

/* A blob that a target lacks, while this thread holds its key. */
struct blob_job {
	const struct descriptor *blob;
	struct target *target;
	char *key;		   /* owned */
	struct blob_upload upload; /* owned; url NULL: none open */
	bool mount_was_refused;	   /* by the source; an upload of this run may still do */
	bool is_done;
	bool has_failed; /* the target carries the error */
};

static inline bool blob_job_is_open(const struct blob_job *job)
{
	return !job->is_done && !job->has_failed && !job->target->to->err;
}

/* Takes the error. */
void blob_job_fail(struct blob_job *job, struct err *err);

/* ---- copy_stream.c: one read of the source, an upload to each job ---- */

/* Opens uploads, all in flight together, for the open jobs that have none. */
void stream_open_uploads(struct group *group, struct blob_job *const *jobs, size_t count);
/* All jobs are of one blob. Each is done or has failed afterwards. */
void stream_blob(struct group *group, struct blob_job *const *jobs, size_t count);

/* ---- copy_manifests.c: children bottom-up; copy_tags.c: the root ---- */
void manifests_put_children(struct group *group);
void tags_put_root(struct group *group);

/* "Not found" means that the target misses something; else it has failed. Takes the error. */
void target_refused_manifest(struct target *target, struct err *err);

#endif
