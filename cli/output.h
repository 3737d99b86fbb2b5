/*
 * The one place that writes while the program runs: it takes log messages from all threads and
 * the events of a run, and fans them out to log lines, progress, summary and report.
 *
 * Before output_start and after output_stop everything is written by the calling thread. Between them
 * a thread of its own writes (reconciler/event.h), so lines never mix and the progress display is
 * out of their way.
 */
#ifndef CIP_CLI_OUTPUT_H
#define CIP_CLI_OUTPUT_H

#include "cli/options.h"
#include "cli/summary.h"
#include "net/http.h"
#include "reconciler/event.h"

struct output;

/* Takes over base/log.h. `options` is borrowed. At most one at a time. */
struct output *output_new(const struct options *options);
void output_free(struct output *output);

/* Stands before the file names of findings, "" by default; copied. Before output_start. */
void output_set_directory(struct output *output, const char *directory);

/* Says one finding of the declared state, without a queue. Before output_start. */
void output_finding(struct output *output, const struct finding *finding);

/*
 * A second consumer of all events besides people: called on the queue's thread for each event, in
 * their order. Set before output_start.
 */
void output_set_listener(
	struct output *output, void (*listen)(void *ctx, const struct event *event), void *ctx);

/*
 * What is wrong with entries is told by the listener: nothing is logged of findings and records.
 * Before output_start.
 */
void output_leave_findings(struct output *output);

/* Begins the queue, and progress if it is wanted. `tally` is borrowed until output_stop. */
struct event_queue *output_start(struct output *output, const struct http_tally *tally);

/* Says everything that was posted, removes the progress display and ends the queue. */
void output_stop(struct output *output);

/* What the events told, per project. After output_stop. */
const struct summary *output_summary(const struct output *output);

#endif
