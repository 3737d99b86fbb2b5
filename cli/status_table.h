/*
 * What `cip status` found, for people and for machines (docs/status.schema.json). Text from outside
 * is escaped here. Fed with what reconciler/drift.h counted, after drift_finish.
 */
#ifndef CIP_CLI_STATUS_TABLE_H
#define CIP_CLI_STATUS_TABLE_H

#include <stdio.h>

#include "base/str.h"
#include "reconciler/drift.h"
#include "reconciler/run.h"

#define STATUS_VERSION 1
/* Of each kind, unless all are asked for. */
#define STATUS_ITEMS_SHOWN 20

struct status {
	const struct drift *drift;
	const struct run_result *result;
	const char *program_version, *program_commit;
	const char *source, *commit; /* of the manifests; may be NULL */
	int64_t start_unix_ms, end_unix_ms;
	uint64_t requests;
};

/* A line a project, then what drifted; with `all` every single thing. False if it could not be written. */
bool status_table_text(const struct status *status, bool all, FILE *out);

/* One JSON object with everything. False if it could not be written. */
bool status_table_json(const struct status *status, FILE *out);

/* Samples of Prometheus by project, for metrics_file_write. */
void status_table_metrics(const struct status *status, const char *command, struct str *out);

#endif
