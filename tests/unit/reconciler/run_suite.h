/*
 * What the suites of whole runs share: a tree and a model registry for each test. Included after
 * Criterion, which belongs to the suites.
 */
#ifndef CIP_TESTS_UNIT_RECONCILER_RUN_SUITE_H
#define CIP_TESTS_UNIT_RECONCILER_RUN_SUITE_H

#include <string.h>

#include "tests/unit/reconciler/model_fixture.h"

static struct manifest_tree tree;
static struct registry *model;

static inline void set_up(void)
{
	manifest_tree_init(&tree);
	model = model_new();
}

static inline void tear_down(void)
{
	manifest_tree_release(&tree);
	model_free(model);
}

static inline void project(const char *name, const char *registries, const char *text)
{
	manifest_tree_declare(&tree, name, registries, text);
}

static inline void expect(
	const struct told *told, const char *repository, unsigned digest, const char *text)
{
	const struct told_record *record = told_find(told, repository, digest);

	cr_assert(record, "nothing was told of %s digest %u", repository, digest);
	cr_expect_str_eq(record->text, text);
}

static const struct tell_options dry = {0}, confirm = {.confirm = true};

#endif
