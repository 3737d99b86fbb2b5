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
#include "registry/host.h"

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
	bool is_late;	    /* left behind by the others of its group; done when they have ended */
	/* The registry misses something that was assumed to be there; a second pass looks again. */
	struct err *missing; /* owned */
	bool distrusts;	     /* that pass: what the registry says to have is sent all the same */
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
	return !target->is_done && !target->is_late && !target->to->err && !target->missing;
}

static inline bool target_wants_content(const struct target *target)
{
	return target_is_active(target) && target->needs_content;
}

/* The first error of a destination is kept, but not of one that is left behind; takes the error. */
void target_fail(struct target *target, struct err *err);

/* True if other hosts have something to do in this pass: then nobody waits for a single one. */
bool group_is_fan_out(const struct group *group);
/* Leaves the target behind, and the group's others on its host, which would not do better. */
void group_leave_behind(struct group *group, const struct target *target);
/*
 * requests_run for what concerns one target each. In a fan-out, targets whose requests have no
 * answer when the others have, or failed in a way that may pass, are left behind.
 */
void group_send(struct group *group, struct request *const *requests, struct target *const *targets,
	size_t count);

/* ---- copy_tree.c: reading the source ---- */

/* Errors as registry_manifest_get and manifest_parse. */
bool tree_read_root(struct group *group, const struct digest *digest, struct err **err);
/* A root that was read already; copied. Errors of manifest_parse. */
bool tree_take_root(struct group *group, const struct document *root, struct err **err);
/*
 * Children and blobs, except children that every target is known to hold already. May be called
 * again when less is known; then reads what is missing. ERR_INVALID if the source lacks a child,
 * ERR_TOO_LARGE past the copier's limits.
 */
bool tree_read_rest(struct group *group, struct err **err);
void tree_release(struct tree *tree);

/* ---- copy_optimistic.c: what some targets hold already, where asking pays ---- */
void optimistic_put(struct group *group);

/* ---- copy_blobs.c: every blob of the tree into every target that wants content ---- */
void blobs_ensure(struct group *group);

/* Where a mount can come from. */
enum mount_kind {
	MOUNT_SOURCE,  /* the declared source, on the same host */
	MOUNT_WRITTEN, /* a repository of the host that this run wrote the hashed bytes to */
	MOUNT_ACROSS,  /* the declared source, on another host that shares its blobs */
	MOUNT_KINDS,
};

/* A blob that a target lacks, while this thread holds its key. */
struct blob_job {
	const struct descriptor *blob;
	const char *
		bytes; /* of the blob, where they are at hand; NULL: they are read from the source */
	struct target *target;
	struct host *host;
	char *key;		   /* owned; "of this repository" in copy_memory.h */
	char *host_key;		   /* owned; "of this host" while this thread holds it, else NULL */
	char *busy_key;		   /* owned; what another thread holds and this one waits for */
	struct blob_upload upload; /* owned; url NULL: none open */
	bool refused[MOUNT_KINDS];
	bool is_suspect;  /* bytes were sent, and nobody knows what became of them */
	bool is_deferred; /* another thread uploads the blob to this host */
	bool is_done;
	bool has_failed; /* the target carries the error, or is left behind */
};

static inline bool blob_job_is_open(const struct blob_job *job)
{
	return !job->is_done && !job->has_failed && !job->is_deferred &&
		target_is_active(job->target);
}

/* Its host takes blobs in pieces only. */
static inline bool blob_job_in_pieces(const struct blob_job *job)
{
	return job->host->quirks.chunked_upload || job->host->in_pieces;
}

/* Takes the error. */
void blob_job_fail(struct blob_job *job, struct err *err);

/*
 * copy_blobs.c. Asks for mounts, all in flight together, for the open jobs for which there is
 * somewhere to mount from. A job that got none is open as before, perhaps with an upload.
 */
void mounts_try(struct group *group, struct blob_job *const *jobs, size_t count);

/* ---- copy_upload.c: what is sent for a job, and what the answers mean ---- */

/* Opens uploads, all in flight together, for the open jobs that need one and have none. */
void uploads_open(struct group *group, struct blob_job *const *jobs, size_t count);
/* The request that carries the bytes of a job: a PUT to its upload, or a single POST. */
void upload_send_init(struct group *group, struct blob_job *job, struct request *request);
/*
 * Judges the answer to it: the job is done, has failed, or is as before, without an upload. With
 * `last_attempt` it is never as before.
 */
void upload_take(struct group *group, struct blob_job *job, const struct request *request,
	bool last_attempt);
/* What came of a job whose destination, or whose source, failed on the way; takes the error. */
void upload_stumble(struct group *group, struct blob_job *job, bool last_attempt, struct err *err);
void upload_lose_source(
	struct group *group, struct blob_job *job, bool last_attempt, struct err *err);
/* Opens a read of the blob. A blob that is not there makes the source incomplete: ERR_INVALID. */
bool upload_open_source(struct group *group, const struct descriptor *blob, struct request *ret_get,
	struct err **err);

/* Nobody knows yet whether the host takes single POSTs, and this job could tell. */
bool upload_may_probe(const struct blob_job *job);
/* Judges the answer: the job is done or open as before. */
void upload_take_probe(struct group *group, struct blob_job *job, const struct request *request);

/* Bytes up to which a blob is rather sent than asked for. */
#define SMALL_BLOB ((int64_t)256 * 1024)

/* ---- copy_small.c: small blobs, collected and sent all in flight together ---- */

/*
 * Tries each open job of a blob that is small or at hand once. What is as before afterwards (nothing
 * with `last_attempt`) is left to stream_blob, which reports and repeats. Opens uploads of all jobs on
 * the way.
 */
void small_blobs(
	struct group *group, struct blob_job *const *jobs, size_t count, bool last_attempt);

/* ---- copy_stream.c: one read of the source, an upload to each job ---- */

/*
 * All jobs are of one blob. Each that needs no pieces, or turns out to do, is done or has failed
 * afterwards.
 */
void stream_blob(struct group *group, struct blob_job *const *jobs, size_t count);

/* ---- copy_chunks.c: one blob in pieces to one destination ---- */

/* Afterwards the job is done, has failed, or its target was left behind. */
void chunk_blob(struct group *group, struct blob_job *job);

/* ---- copy_manifests.c: children bottom-up; copy_tags.c: the root ---- */
void manifests_put_children(struct group *group);
void tags_put_root(struct group *group);
/* The registry has just taken the root under it. */
void tag_is_written(const struct group *group, struct copy_tag *tag);

/* "Not found" means that the target misses something; else it has failed. Takes the error. */
void target_refused_manifest(struct target *target, struct err *err);

#endif
