/*
 * --metrics-file of a command with a session: what is kept for it while the command runs, and the
 * file at the end, however that came about.
 */
#ifndef CIP_CLI_METRICS_FILE_H
#define CIP_CLI_METRICS_FILE_H

#include "cli/session.h"
#include "reconciler/run.h"

struct metrics_file {
	const char *command; /* label of every sample */
	int64_t start_unix_ms;
	bool has_totals, has_result;
	struct plan_totals totals;
	struct run_result result;
};

void metrics_file_init(struct metrics_file *file, const char *command);

/* On the thread that consumes events. */
void metrics_file_event(struct metrics_file *file, const struct event *event);
void metrics_file_set_result(struct metrics_file *file, const struct run_result *result);

/*
 * Puts the file in place if the options ask for one; `more` are samples of the command's own, or
 * NULL. Says if it could not be written. Returns the exit code, which is worse then.
 */
int metrics_file_write(const struct metrics_file *file, const struct session *session,
	const struct str *more, int exit_code);

#endif
