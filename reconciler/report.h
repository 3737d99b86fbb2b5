/*
 * The report of a run as JSON (docs/report.md, docs/report.schema.json), fed with events. Records
 * are written as they come, so memory follows repositories. The file appears whole or not at all:
 * what could not be written is an error of report_finish and leaves nothing behind. One thread at
 * a time: events on the queue's, the rest before and after.
 */
#ifndef CIP_RECONCILER_REPORT_H
#define CIP_RECONCILER_REPORT_H

#include "base/clock.h"
#include "reconciler/event.h"
#include "reconciler/run.h"

#define REPORT_VERSION 1

/* Strings are borrowed during report_new. */
struct report_options {
	const char *path;
	const char *program_version, *program_commit;
	const char *source; /* description for people; NULL: unknown */
	const char *commit; /* of the manifests; NULL: none */
	bool confirm, records_for_all;
	unsigned threads;
	const struct clock *clock; /* NULL: clock_system */
};

struct report;

/* Creates the temporary file, so that a wrong path is known before the run. NULL with ERR_IO. */
struct report *report_new(const struct report_options *options, struct err **err);

/* Removes what was not finished. */
void report_free(struct report *report);
DEFINE_CLEANUP(struct report, report_freep, report_free)

/* Nothing is kept of the event. A failed write is told by report_finish. */
void report_add_event(struct report *report, const struct event *event);

/* What one bucket of the client came to; those of one host are added up. Nothing is kept of it. */
void report_add_quota(struct report *report, const struct http_quota *quota);

/*
 * Writes totals and end, and puts the file in place. `result` is NULL and `run_error` says why if
 * the run could not be done. ERR_IO with path and reason. Once.
 */
bool report_finish(struct report *report, const struct run_result *result,
	const struct err *run_error, struct err **err);

#endif
