/*
 * Copying whole images by digest: manifests, indexes of any depth, blobs; then tags. Written
 * bottom-up (blobs, children, root, tags), so a killed copy never leaves a tag on something
 * incomplete. Each source manifest and blob is read once for all destinations of a group; a blob
 * or child needed twice for one repository is sent once, a blob needed by two repositories of one
 * host is uploaded once, also by two threads at the same moment; blobs are mounted where the source
 * or an earlier destination lives on the same host, streamed otherwise, hashed on the way, the last
 * bytes withheld until the digest is right.
 *
 * All functions may be called from any thread; a group is worked on by its calling thread.
 */
#ifndef CIP_REGISTRY_COPY_H
#define CIP_REGISTRY_COPY_H

#include "registry/registry.h"

struct copier;

/*
 * Bounds for one root; 0 takes the default in brackets. What is larger or deeper is ERR_TOO_LARGE;
 * a destination that is slower, or fails in a way that may pass, is left behind and done by itself
 * when the others have ended.
 */
struct copy_limits {
	unsigned depth;	    /* nested indexes [8] */
	unsigned manifests; /* [1,000] */
	unsigned blobs;	    /* [10,000] */
	uint64_t bytes;	    /* [1 TiB] */
	/* How long a destination may keep the others of its group waiting [10 s]. */
	int64_t slow_destination_ms;
};

struct copier *copier_new(struct registry *registry, const struct copy_limits *limits,
	const struct clock *clock, struct cancel *cancel);
void copier_free(struct copier *copier);

/* Before the first copy: a tag that was written is looked at again, at a HEAD each. */
void copier_verify_writes(struct copier *copier);
DEFINE_CLEANUP(struct copier, copier_freep, copier_free)

enum copy_tag_state {
	COPY_TAG_PENDING, /* not written (yet) */
	COPY_TAG_WRITTEN,
	COPY_TAG_IN_PLACE, /* a second look found it right already */
	COPY_TAG_MOVED,	   /* a second look found another digest there: not written */
};

struct copy_tag {
	const char *name; /* borrowed */
	/*
	 * Where it was seen to point and shall no longer; NULL: it was seen to be absent. A tag that is to
	 * move is looked at again right before it is written: registries have no compare-and-swap.
	 */
	const struct digest *moves_from; /* borrowed */
	enum copy_tag_state state;
	struct digest found; /* COPY_TAG_MOVED: where it points now */
	int64_t written_unix_ms;
};

struct copy_destination {
	struct repository repository; /* borrowed */
	struct copy_tag *tags;	      /* may be none: present by digest is enough */
	size_t tag_count;
	bool has_manifest; /* seen there already: only tags are missing */
	bool has_images;   /* its repository holds others: it may hold blobs of this one */
	int64_t observed_ms; /* monotonic time of the look; a tag is looked at again if older than 60 s */
	struct http_tally tally; /* what this destination cost */
	struct err *err;	 /* owned by the caller afterwards; NULL: everything is in place */
};

/*
 * Brings `digest` of `source` to every destination. A tag that another look finds elsewhere after
 * it was written is ERR_DIGEST of that destination, and pending again. Returns false only if nothing could be read
 * from the source (ERR_NOT_FOUND: the source does not hold it; then no destination was touched);
 * otherwise each destination carries its own outcome, and a failure of one stops no other.
 * Reads of the source are counted in `source_tally`.
 */
bool copy_group(struct copier *copier, const struct repository *source, const struct digest *digest,
	struct http_tally *source_tally, struct copy_destination *destinations, size_t count,
	struct err **err);

/*
 * The same for a root that is at hand, just read from `source`: a destination itself, so that its
 * content is read with the credentials that write. Never fails as a whole.
 */
void copy_document(struct copier *copier, const struct repository *source,
	const struct document *root, struct http_tally *source_tally,
	struct copy_destination *destinations, size_t count);

#endif
