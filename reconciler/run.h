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
#include "registry/registry.h"

struct run_options {
	const struct declared *declared; /* borrowed */
	struct registry *registry;	 /* borrowed */
	struct event_queue *events;	 /* borrowed */
	struct cancel *cancel;		 /* borrowed */
	const struct clock *clock;	 /* NULL: clock_system */
	unsigned threads;		 /* 0: 20 */
	bool confirm;			 /* write; otherwise the run ends with the plan */
	bool records_for_all;		 /* a record for pairs that are in place too */
};

struct run_result {
	uint64_t outcomes[OUTCOMES];	     /* pairs by outcome */
	uint64_t findings[FINDING_KINDS];    /* of the run and of the declared state together */
	bool interrupted;
};

/*
 * Fails (ERR_CANCELLED excluded: that is a result) only if nothing could be done at all. Blocks; one run at a time.
 */
bool run_execute(const struct run_options *options, struct run_result *ret_result, struct err **err);

#endif
