/* Whole runs: a manifest tree in a temporary directory, and what was told. */
#ifndef CIP_TESTS_UNIT_RECONCILER_RUN_FIXTURE_H
#define CIP_TESTS_UNIT_RECONCILER_RUN_FIXTURE_H

#include "reconciler/run.h"

struct manifest_tree {
	char *directory;
	struct declared *declared;
};

/* Writes `text` as DIRECTORY/path, making directories. */
void manifest_tree_init(struct manifest_tree *tree);
void manifest_tree_write(struct manifest_tree *tree, const char *path, const char *text);
/* manifests/NAME/promoter-manifest.yaml from registries ("*" first: the source) and images.yaml. */
void manifest_tree_project(
	struct manifest_tree *tree, const char *name, const char *registries, const char *images);
/* Aborts with the error if the tree is refused. */
void manifest_tree_load(struct manifest_tree *tree);
void manifest_tree_release(struct manifest_tree *tree);

/* A record as somebody keeps it who needs it after the run. */
struct told_record {
	char *key;   /* "host/path@sha256:..." or "host/path@file:line" */
	char *text;  /* what happened, without times */
	char *error; /* "" if none */
	char *signing; /* "STATE STATE as IDENTITY at PRIMARY", "*" behind it if it leads; "" if none */
	enum outcome outcome;
	uint32_t reasons;
	uint64_t requests;
};

struct told {
	VEC(struct told_record) records; /* sorted by key once the run is over */
	VEC(char *) findings;
	struct run_result result;
	struct plan_totals totals;
	uint64_t requests; /* of all looks and records */
	uint64_t looks, source_looks, look_errors;
	unsigned phases;
	uint64_t ticks;
};

struct tell_options {
	bool confirm, all, replicate;
	unsigned threads; /* 0: 3 */
	enum verify_depth depth;
	uint32_t sweep;
	const struct clock *clock;
	const struct signing_options *signing;
	struct cancel *cancel;
};

void tell_run(const struct manifest_tree *tree, struct registry *registry,
	const struct tell_options *options, struct told *told);
void told_release(struct told *told);
/* NULL if nothing was told of it. */
const struct told_record *told_find_digest(
	const struct told *told, const char *repository, const struct digest *digest);
/* Every pair came to exactly one end, and the requests told are as many as were made. */
bool told_adds_up(const struct told *told, uint64_t requests);

#endif
