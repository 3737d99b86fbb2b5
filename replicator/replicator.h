/*
 * Brings signatures and whatever else stands beside images (replica_tag.h) from a primary
 * repository to its mirrors. Content flows in that direction only, byte for byte; what a mirror holds
 * is replaced only by what holds all of it: where each holds what the other lacks, by both together,
 * else it stays and is reported. Nothing is verified here: whoever verifies an image does it with what the
 * registry gives. Where a mirror's own part is large, the caller may choose what of it stays.
 *
 * Costs: a list of each primary; where one holds anything for its mirrors a list of each of these;
 * where lists do not say digests a HEAD for each object and site; and for what a mirror lacks each
 * object is read once, for all mirrors together (registry/copy.h). The copying can be spread over
 * threads; a set is looked at by one.
 */
#ifndef CIP_REPLICATOR_REPLICATOR_H
#define CIP_REPLICATOR_REPLICATOR_H

#include "base/str.h"
#include "replicator/replica_plan.h"

/* One repository. Borrowed. */
struct replica_site {
	struct repository repository;
	bool is_primary; /* of something: it is listed in any case */
};

/* Repositories that hold the same images under the same name, in order of precedence. */
struct replica_set {
	const struct replica_site *sites;
	size_t count;
	replica_mirrors_fn *mirrors;
	void *ctx; /* of mirrors, and whatever the caller wants to know an outcome by */
};

enum replica_end {
	REPLICA_IN_PLACE, /* the primary's */
	REPLICA_HAS_MORE, /* all of the primary's and some more: left as it is */
	REPLICA_PLANNED,  /* would be copied */
	REPLICA_COPIED,
	REPLICA_MERGED,	  /* the mirror's own part stands behind the primary's */
	REPLICA_CONFLICT, /* both hold what the other lacks: not touched */
	REPLICA_FAILED,
	REPLICA_NOT_DONE, /* the run was stopped */
	/* By lists that nobody acts on (replicator_tell_seen). */
	REPLICA_MISSING,
	REPLICA_DIFFERS,
};
#define REPLICA_ENDS (REPLICA_DIFFERS + 1)
const char *replica_end_name(enum replica_end end);

/* Of one object at one mirror; valid during the call only. */
struct replica_outcome {
	size_t site;
	size_t primary;
	const struct replica_tag *tag; /* NULL: the site could not be listed, so nothing is known */
	enum replica_end end;
	const struct err *err; /* why, for conflicts and failures; what was left out */
};

/* What a mirror may hold beside the primary's without anybody looking into it (trust rule 15). */
#define REPLICA_UNSEEN_LAYERS_MAX 100
#define REPLICA_UNSEEN_BYTES_MAX ((uint64_t)1 << 20)

/* Two images of which each may hold what the other lacks. Borrowed. */
struct replica_merging {
	const struct repository *repository; /* the mirror's */
	const struct replica_tag *tag;
	const struct document *primary, *mirror;
	bool choose; /* what only the mirror has is more than may go unseen */
};

/* One of two. The documents are not to be shared. */
struct replica_merged {
	struct str manifest, config;
	size_t left_out; /* layers of the mirror */
	bool is_mirrors; /* nothing is left out and nothing comes in: the documents are empty */
};
void replica_merged_release(struct replica_merged *merged);

struct replicator_options {
	struct registry *registry;
	const struct clock *clock; /* NULL: the system's */
	struct cancel *cancel;	   /* NULL: cannot be stopped */
	bool confirm;		   /* else nothing is written */
	/* Called by the threads that look and copy, in no order. */
	void (*on_outcome)(
		void *ctx, const struct replica_set *set, const struct replica_outcome *outcome);
	/* Hosts that fail for good are not asked again: false with the reason. Both together or none. */
	bool (*may_ask)(void *ctx, const char *host, struct err **err);
	void (*note)(void *ctx, const char *host, const struct err *outcome);
	/*
	 * The primary's image with the layers behind it that only the mirror's has, or with `choose` those
	 * of them that may stay. Any thread. On failure the mirror's stays. NULL: it always does.
	 */
	bool (*merge)(void *ctx, const struct replica_merging *merging,
		struct replica_merged *ret_merged, struct err **err);
	void *ctx;
	struct http_tally *tally; /* every request is counted here; NULL: nowhere */
	bool believes_names;	  /* as in struct replica_tasks */
	/* replicator_carry_referrers will be called: lists of all sites are kept for it. */
	bool referrers;
};

struct replicator;

struct replicator *replicator_new(const struct replicator_options *options);
void replicator_free(struct replicator *replicator);
DEFINE_CLEANUP(struct replicator, replicator_freep, replicator_free)

/* What the lists of a set have told. */
struct replica_look {
	struct replica_tasks tasks;  /* only what is left to do */
	int64_t *looked_ms;	     /* monotonic, by site */
	struct inventory *manifests; /* by site, of lists that name manifests; NULL: not kept */
};
void replica_look_release(struct replica_look *look);

/* A list that somebody else has read. Borrowed. */
struct replica_list {
	const struct inventory *inventory; /* NULL: it could not be read */
	const struct err *err;		   /* then why; NULL: that is told elsewhere */
};

/*
 * Compares lists that are at hand, one for each site; sends no request. What is not known of a site that
 * is a mirror of something is an outcome.
 */
void replicator_compare(struct replicator *replicator, const struct replica_set *set,
	const struct replica_list *lists, struct replica_look *ret_look);

/*
 * The same after listing what has to be listed. Never fails: what cannot be listed is an outcome, and its objects wait for the
 * next run. Stops early when the token is raised.
 */
void replicator_look(struct replicator *replicator, const struct replica_set *set,
	struct replica_look *ret_look);

/* Instead: an outcome for each site that the lists show to lack it or to hold something else. */
void replicator_tell_seen(struct replicator *replicator, const struct replica_set *set,
	const struct replica_task *task);

/*
 * Brings one object to all mirrors that lack it; each has its own outcome. Tasks of a look are
 * independent, so several threads may have one each.
 */
void replicator_carry_out(struct replicator *replicator, const struct replica_set *set,
	const struct replica_look *look, const struct replica_task *task);

/*
 * The same for what the referrers API of a primary lists for an image (distribution-spec "Listing
 * Referrers"); one request there, which is all if it has no such API, since lists then show the index
 * under the tag. Each manifest is copied by digest, and listed at the mirror: by its API, or in its index.
 * What lists of mirrors say to have is believed; else they are asked, too. One outcome for each mirror,
 * with the tag that such an index has; none where nothing refers to the image.
 */
void replicator_carry_referrers(struct replicator *replicator, const struct replica_set *set,
	const struct replica_look *look, size_t primary, const uint8_t image[DIGEST_SHA256_SIZE]);

#endif
