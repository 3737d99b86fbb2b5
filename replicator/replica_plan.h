/*
 * What has to be brought where: a pure function of the lists of a primary and its mirrors. Sites are
 * the repositories of one set, numbered in order of precedence. One thread at a time.
 */
#ifndef CIP_REPLICATOR_REPLICA_PLAN_H
#define CIP_REPLICATOR_REPLICA_PLAN_H

#include "replicator/inventory.h"

/* What a list says of one object at one site. */
enum replica_seen {
	REPLICA_NOT_WANTED, /* the site is no mirror for it, or is the primary itself */
	REPLICA_UNKNOWN,    /* the site could not be listed */
	REPLICA_ABSENT,
	REPLICA_PRESENT, /* with which content, here or at the primary, the lists do not say; or perhaps
			    only, where a list was partial */
	REPLICA_EQUAL,
	REPLICA_DIFFERENT,
};

/* One object of a primary. */
struct replica_task {
	struct replica_tag tag;
	size_t primary;
	bool has_content; /* by the list */
	bool is_written;  /* after the primary was listed */
	bool is_doubtful; /* the primary may not have it */
	struct digest content;
	enum replica_seen *seen; /* by site; owned */
};

struct replica_tasks {
	VEC(struct replica_task) all; /* by primary, then in order of the tags */
	size_t sites;
	bool believes_names; /* where lists do not say digests, the same name is the same content */
};
void replica_task_release(struct replica_task *task);
void replica_tasks_release(struct replica_tasks *tasks);

/*
 * Says which sites are to hold what belongs to an image, by setting their entries (false before);
 * none: nothing of it is replicated from this primary.
 */
typedef void replica_mirrors_fn(
	void *ctx, size_t primary, const uint8_t image[DIGEST_SHA256_SIZE], bool *ret_is_mirror);

/* Adds what one primary holds and has mirrors for. */
void replica_tasks_add(struct replica_tasks *tasks, size_t primary,
	const struct inventory *inventory, replica_mirrors_fn *mirrors, void *ctx);

/* True if some task waits to be compared with the list of this site. */
bool replica_tasks_want(const struct replica_tasks *tasks, size_t site);

/* What the site's list says of all of them. */
void replica_tasks_compare(
	struct replica_tasks *tasks, size_t site, const struct inventory *inventory);

/* True if there is something left to look at or to bring. */
bool replica_task_is_open(const struct replica_task *task, size_t sites);

#endif
