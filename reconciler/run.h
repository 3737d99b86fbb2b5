/*
 * The main job over an already declared state: look, plan, and with `confirm` promote. The only
 * place that knows the order of things. Everything it has to tell goes to the event queue; it
 * prints nothing.
 */
#ifndef CIP_RECONCILER_RUN_H
#define CIP_RECONCILER_RUN_H

#include "base/cancel.h"
#include "base/clock.h"
#include "reconciler/declared.h"
#include "reconciler/event.h"
#include "reconciler/signing.h"
#include "reconciler/signing_due.h"
#include "registry/registry.h"

struct run_options {
	const struct declared *declared;       /* borrowed */
	struct source *source;		       /* borrowed; for commits; NULL: of no commit */
	struct registry *registry;	       /* borrowed */
	struct event_queue *events;	       /* borrowed */
	struct cancel *cancel;		       /* borrowed; NULL: the run cannot be stopped */
	const struct clock *clock;	       /* NULL: clock_system */
	unsigned threads;		       /* 0: 20 */
	int64_t slow_destination_ms;	       /* as in registry/copy.h; 0: its default */
	bool confirm;			       /* write; otherwise the run ends with the plan */
	const struct signing_options *signing; /* NULL: nothing is signed */
	bool verify_writes;		       /* look at each tag again after it was written */
	enum verify_depth verify_depth;	       /* VERIFY_FULL includes verify_writes */
	uint32_t sweep;			       /* as in signing_rules; 0: none */
	bool records_for_all;		       /* a record for pairs that are in place too */
	bool extra_tags;		       /* look for tags that nobody declares */
	bool replicate; /* bring what stands beside images to their mirrors; else it is only compared */
};

struct run_result {
	uint64_t outcomes[OUTCOMES]; /* pairs by outcome; their sum is the total */
	/*
	 * Of the declared state (each finding once) and of the run: FINDING_TAG_MOVE, FINDING_LOST,
	 * FINDING_ERROR and FINDING_UNSIGNED count pairs, a pair with two of them in both.
	 */
	uint64_t findings[FINDING_KINDS];
	/* Under one identity each: signed in this run, and with a new promotion record. */
	uint64_t signed_images, recorded_images;
	/*
	 * Likewise, of those that were signed before: believed to be, since a list shows it; and read and
	 * verified in this run.
	 */
	uint64_t assumed_images, verified_images;
	/* What stands beside images × mirrors; what that cost is in no look and no record. */
	uint64_t mirrored[REPLICA_ENDS];
	uint64_t mirror_requests, mirror_bytes_received, mirror_bytes_sent;
	bool interrupted; /* the token was raised; what was not come to is OUTCOME_NOT_DONE */
};

/*
 * Posts the findings of the declared state, what there is to do, then looks and records as they
 * come. Nobody logs single pairs: their records are for whoever consumes the events. All events
 * have been consumed when it returns, so their borrowed strings need not outlive it. Registries
 * that cannot be reached are results, not failures; fails with ERR_USAGE only. Blocks; one run at a
 * time; not from the thread that consumes events.
 */
bool run_execute(
	const struct run_options *options, struct run_result *ret_result, struct err **err);

#endif
