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

/* Text of an images file with "@1" for the digest of number 1. */
static inline void manifest_tree_declare(
	struct manifest_tree *tree, const char *name, const char *registries, const char *text)
{
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);

	for (; *text; text++) {
		struct digest digest;
		char shown[DIGEST_TEXT_SIZE];

		if (*text != '@') {
			str_add_char(&out, *text);
			continue;
		}
		digest = model_digest((unsigned)(*++text - '0'));
		str_addf(&out, "\"%s\"", digest_format(&digest, shown));
	}
	manifest_tree_project(tree, name, registries, str_text(&out));
}

#endif
