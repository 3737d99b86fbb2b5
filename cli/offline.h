/* What needs nothing but the manifests: --parse-only and --manifest-based-snapshot-of. */
#ifndef CIP_CLI_OFFLINE_H
#define CIP_CLI_OFFLINE_H

#include "cli/options.h"
#include "reconciler/declared.h"

/* Prints the counts on standard output. Returns the exit code. */
int offline_parse_only(const struct options *options, const struct declared *declared);

/* Prints the snapshot on standard output. Returns the exit code. */
int offline_snapshot(const struct options *options, const struct declared *declared);

/* Adds the findings of the declared state up by kind; ret_counts[] has FINDING_KINDS elements. */
void offline_count_findings(const struct declared *declared, uint64_t *ret_counts);

#endif
