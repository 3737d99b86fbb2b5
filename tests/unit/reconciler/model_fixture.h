/* Whole runs over the model registry: its digests are numbers. */
#ifndef CIP_TESTS_UNIT_RECONCILER_MODEL_FIXTURE_H
#define CIP_TESTS_UNIT_RECONCILER_MODEL_FIXTURE_H

#include "tests/fakes/model_registry.h"
#include "tests/unit/reconciler/run_fixture.h"

static inline const struct told_record *told_find(
	const struct told *told, const char *repository, unsigned digest)
{
	struct digest value = model_digest(digest);

	return told_find_digest(told, repository, &value);
}

static inline bool told_is_consistent(const struct told *told, struct registry *model)
{
	return told_adds_up(told, model_counts(model).requests);
}

#endif
