/* Whole runs over the model registry: a manifest tree in a temporary directory, and what was told. */
#ifndef CIP_TESTS_UNIT_RECONCILER_RUN_FIXTURE_H
#define CIP_TESTS_UNIT_RECONCILER_RUN_FIXTURE_H

#include "reconciler/run.h"
#include "tests/fakes/model_registry.h"

struct tree {
	char *directory;
	struct declared *declared;
};

/* Writes `text` as DIRECTORY/path, making directories. */
void tree_init(struct tree *tree);
void tree_write(struct tree *tree, const char *path, const char *text);
/* manifests/NAME/promoter-manifest.yaml from registries ("*" first: the source) and images.yaml. */
void tree_project(struct tree *tree, const char *name, const char *registries, const char *images);
/* Aborts with the error if the tree is refused. */
void tree_load(struct tree *tree);
void tree_release(struct tree *tree);

/* A record as somebody keeps it who needs it after the run. */
struct told_record {
	char *key;   /* "host/path@sha256:..." or "host/path@file:line" */
	char *text;  /* what happened, without times */
	char *error; /* "" if none */
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
	bool confirm, all;
	unsigned threads; /* 0: 3 */
	struct cancel *cancel;
};

void tell_run(const struct tree *tree, struct registry *model, const struct tell_options *options,
	struct told *told);
void told_release(struct told *told);
/* NULL if nothing was told of it. */
const struct told_record *told_find(
	const struct told *told, const char *repository, unsigned digest);
bool told_is_consistent(const struct told *told, struct registry *model);

#endif
