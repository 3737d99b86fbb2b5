/*
 * What the parts of the schedule share: schedule.c (admission, jobs, telling), unit.c (looks),
 * group.c (what lacks something, and in which order), signing_site.c and signing_group.c (what of
 * it is signed, and where), forecast.c (looks at sources without --confirm).
 *
 * Threads: a unit's fields are written by one thread between two meeting points (the counter
 * `pending` reaching zero hands the unit to the thread that brought it there); during looks each
 * job writes only its own site or question, during groups only its own group.
 */
#ifndef CIP_RECONCILER_SCHEDULE_PRIVATE_H
#define CIP_RECONCILER_SCHEDULE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/pool.h"
#include "reconciler/origin.h"
#include "reconciler/primary.h"
#include "reconciler/promote.h"
#include "reconciler/schedule.h"
#include "reconciler/signing.h"
#include "reconciler/signing_due.h"
#include "reconciler/tag_moves.h"

/* One source repository over the whole run. */
struct source_state {
	struct http_tally tally;
	char *error; /* the first; guarded by the schedule's lock */
};

struct schedule {
	const struct run_options *options;
	const struct worklist *list;
	const struct clock *clock;
	struct promoter promoter;
	struct pool *pool;	    /* its keys are the worklist's numbers of hosts */
	struct signing *signing;    /* NULL: nothing is signed in this run */
	struct signing_rules rules; /* when something is */
	struct tag_moves *moves;    /* NULL without --confirm */
	struct pool *signers;	    /* with the same keys; NULL likewise */
	struct replicator *replicator;
	unsigned threads;	      /* of the pool */
	struct source_state *sources; /* by index in the worklist */
	_Atomic uint64_t outcomes[OUTCOMES];
	_Atomic uint64_t findings[FINDING_KINDS];
	_Atomic uint64_t signed_images, recorded_images, assumed_images, verified_images;
	_Atomic uint64_t mirrored[REPLICA_ENDS];
	struct http_tally mirror_tally;
	atomic_bool promoting; /* the first group has begun */

	pthread_mutex_t lock;	/* guards everything below and the errors of sources */
	pthread_cond_t ended;	/* a unit */
	uint64_t active_weight; /* of the units that have begun and not ended */
};

/* One destination repository of a unit. */
struct site {
	uint32_t destination;
	const struct wanted *wanted; /* owned by the unit, shared */
	struct observed observed;
	int64_t observed_ms; /* monotonic, when its look began */
	struct plan plan;
	uint32_t first_pair;	  /* of its plan, in the unit's numbering */
	_Atomic uint32_t pending; /* jobs that still ask */
	atomic_bool stopped;	  /* the run was stopped during its look: no plan */
};

/* A pair of which something is to be done. */
struct member {
	uint32_t site, pair;
};

/* One digest with one list of sources, and all the pairs it is missing for. */
struct group {
	const struct wanted_digest *digest;
	const struct wanted *wanted;
	uint32_t first_member, member_count;
	uint32_t work_count;	   /* so many members are to be written; the rest is in place */
	_Atomic uint32_t blockers; /* groups that must end first */
	VEC(uint32_t) dependants;  /* groups that wait for this one */
};

enum unit_stage { UNIT_LOOKS, UNIT_SOURCES, UNIT_GROUPS, UNIT_MIRRORS };

struct unit {
	struct schedule *schedule;
	const struct work_unit *work;
	enum unit_stage stage;
	uint64_t weight;
	struct site *sites;
	VEC(struct wanted *) wanted;
	struct primary_site *names; /* of the sites, for `primaries` */
	struct primaries *primaries;
	_Atomic uint32_t pending; /* jobs before the next stage */
	VEC(struct member) members;
	VEC(struct group) groups;
	uint32_t *group_of;	     /* by the unit's numbering of pairs; WORK_NONE: none */
	VEC(struct origin) origins;  /* without --confirm: what is asked of sources */
	struct mirroring *mirroring; /* NULL: it has one destination only */
};

enum job_kind {
	JOB_LIST,	/* site `index` */
	JOB_ASK,	/* questions [from, to) of site `index` */
	JOB_SOURCE,	/* origins [from, to), all of one source */
	JOB_SOURCE_ASK, /* the same, one by one */
	JOB_GROUP,	/* group `index` */
	JOB_MIRROR,	/* `index` of its mirroring */
};

struct job {
	enum job_kind kind;
	struct unit *unit;
	uint32_t index, from, to;
};

/* Of the worklist. */
struct host_numbers {
	VEC(uint32_t) all;
};

/* ---- schedule.c ---- */

/* The job counts for every host that it asks or writes (base/pool.h). */
void schedule_add(struct unit *unit, enum pool_lane lane, struct job job);
/* How many of these questions a job asks one after the other: all workers stay busy to the end. */
uint32_t schedule_batch(const struct schedule *schedule, uint32_t questions);
bool schedule_is_stopped(const struct schedule *schedule);
/* Counts, and posts when it is to be told. Takes the record. */
void schedule_tell(struct schedule *schedule, struct record *record);
void schedule_post(struct schedule *schedule, struct event *event);
/* Keeps the first error of a source. */
void schedule_source_failed(struct schedule *schedule, uint32_t source, const struct err *err);
void schedule_unit_ended(struct schedule *schedule, uint64_t weight);

/* ---- unit.c ---- */

/* Begins with the looks. The unit ends by itself. */
void unit_start(struct schedule *schedule, const struct work_unit *work, uint64_t weight);
void unit_list(struct unit *unit, uint32_t index);
void unit_ask(struct unit *unit, uint32_t index, uint32_t from, uint32_t to);
/* One job of the stage has ended; the last one begins the next stage. */
void unit_step(struct unit *unit);

/* ---- group.c ---- */

/* Sorts what lacks something into groups. */
void group_collect(struct unit *unit);
/* Queues the groups that wait for nothing. False if there are no groups. */
bool group_start(struct unit *unit);
void group_run(struct unit *unit, uint32_t index);
/* Numbers of the hosts it reads from and writes to, each once, appended to `hosts`. */
void group_hosts(const struct unit *unit, uint32_t index, struct host_numbers *hosts);
/* The site of a source that is a destination of this unit and shall hold the digest, or NULL. */
const struct site *group_feeder(
	const struct unit *unit, uint32_t source, const uint8_t *sha256, uint32_t *ret_digest);

/* ---- signing_site.c ---- */

/* Before its look. */
void signing_site_start(struct unit *unit, struct site *site);

/*
 * What is due of the signatures of what is in place at a site (enum signing_due, by index of digest),
 * for the digests of which it is primary. NULL: nothing. The caller frees it.
 */
uint8_t *signing_site(struct unit *unit, const struct site *site);
/* The same of one digest of which something was written, or would be. */
unsigned signing_site_changed(
	const struct schedule *schedule, const struct site *site, uint32_t digest);
/* What the look says of the signature of a digest with which nothing is to be done. */
void signing_site_note(const struct unit *unit, const struct site *site, uint32_t digest,
	struct record_signing *signing);
/* Its signature is no longer only assumed to be right. */
void signing_site_verified(struct unit *unit, const struct site *site, uint32_t digest);

/* ---- group_moves.c ---- */

/* Takes the moves of tags that may not be out of what is to be carried out for these targets. */
void group_check_moves(struct unit *unit, const struct group *group, struct record *records,
	struct promote_target *targets);

/* ---- signing_group.c ---- */

/* What the promotion of a group has come to. */
struct promoted {
	struct unit *unit;
	const struct group *group;
	struct record *records;		/* owned, one a member */
	struct promote_target *targets; /* owned, likewise */
};

/* Settles and tells the records, frees them, and ends the group's turn in its unit. */
void group_settle(struct promoted *promoted);

/*
 * Takes the records: what of them is to be signed is queued for the signers, and the last of these
 * settles them. Without --confirm it is only noted.
 */
void signing_group(struct promoted *promoted);

/* Of the pool of signers. */
void signing_group_run(void *ctx, void *arg);

/* ---- forecast.c ---- */

/* Queues the looks at sources. False if none is needed. */
bool forecast_start(struct unit *unit);
void forecast_source(struct unit *unit, uint32_t from, uint32_t to);
void forecast_ask(struct unit *unit, uint32_t from, uint32_t to);
/* What is known of the sources of a group together; *ret_err says why they are unknown, borrowed. */
enum plan_source forecast_known(
	struct unit *unit, const struct group *group, const struct err **ret_err);

#endif
