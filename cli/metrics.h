/*
 * What a run was like, as metrics of Prometheus (docs/operations.md). The number of samples follows
 * projects and hosts, never images. Pure but for metrics_write.
 */
#ifndef CIP_CLI_METRICS_H
#define CIP_CLI_METRICS_H

#include "base/vec.h"
#include "cli/summary.h"
#include "net/http.h"
#include "reconciler/run.h"

/* All borrowed. What is NULL was not come to, and has no samples. */
struct metrics_run {
	const char *
		command; /* label of every sample, so that files of two commands can lie together */
	const char *version, *commit; /* of the program */
	bool confirm;
	int exit_code;
	int64_t start_unix_ms, end_unix_ms;
	const struct plan_totals *totals;
	const struct run_result *result;
	const struct summary *summary;
	const struct http_tally *tally;
	const struct http_quota *quotas; /* of one host any number */
	size_t quota_count;
};

void metrics_run_add(struct str *out, const struct metrics_run *run);

/* Puts the file in place, whole or not at all, readable by everybody. ERR_IO. */
bool metrics_write(const char *path, const struct str *text, struct err **err);

#endif
