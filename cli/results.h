/*
 * What a run leaves behind: the plan or the summary on standard output, and the report. Fed with
 * events on the queue's thread, written by one thread after it has ended.
 */
#ifndef CIP_CLI_RESULTS_H
#define CIP_CLI_RESULTS_H

#include "cli/options.h"
#include "cli/summary.h"
#include "reconciler/plan_text.h"
#include "reconciler/report.h"
#include "reconciler/source.h"

struct results {
	const struct options *options; /* borrowed */
	struct plan_text *plan;	       /* NULL with --confirm */
	struct report *report;	       /* NULL without --report-file */
};

/*
 * `source` is NULL if it could not be opened. ERR_IO if the report cannot be written where it
 * should go; results_release in any case.
 */
bool results_init(struct results *results, const struct options *options,
	const struct source *source, struct err **err);
void results_release(struct results *results);

/* `ctx` is a struct results *: for output_set_listener. */
void results_event(void *ctx, const struct event *event);

/*
 * Prints the plan on standard output and the summary on standard error, unless that holds JSON; or
 * with --confirm the summary on standard output. ERR_IO.
 */
bool results_print(struct results *results, const struct summary *summary, struct err **err);

/* What its quotas came to goes into the report; NULL: there were none. Before results_report. */
void results_add_quotas(struct results *results, struct http *http);

/*
 * Puts the report in place. `result` is NULL, and `run_error` says why, if the run could not be
 * done. ERR_IO.
 */
bool results_report(struct results *results, const struct run_result *result,
	const struct err *run_error, struct err **err);

#endif
