/*
 * Who does what when: looks and groups on a pool of workers, unit by unit. Every list of a
 * destination is a job; whoever finishes the last look of a unit plans it and queues one job for
 * each (source, digest) that lacks something, before any further list; whoever finishes the last
 * of these ends the unit. The number of units in memory is bounded.
 */
#ifndef CIP_RECONCILER_SCHEDULE_H
#define CIP_RECONCILER_SCHEDULE_H

#include "reconciler/run.h"
#include "reconciler/worklist.h"

/*
 * Works through the list and posts every look and record. Blocks. `result` is added to. When the
 * token is raised nothing new begins; what was not come to is counted as OUTCOME_NOT_DONE, with a
 * record only for pairs that are known to lack something.
 */
void schedule_run(
	const struct run_options *options, const struct worklist *list, struct run_result *result);

#endif
