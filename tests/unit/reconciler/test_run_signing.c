/*
 * What of a run is signed, where and under which name. The model's images cannot be read for what is
 * attached to them, so in confirmed runs every attempt fails: which were made can be seen.
 */
#include <criterion/criterion.h>

#include "tests/unit/reconciler/run_suite.h"

TestSuite(run_signing, .init = set_up, .fini = tear_down);

static const struct promotion_run about = {.program_version = "0"};
static const struct signing_options signing = {
	.wanted = {.forms = {[SIGN_LEGACY] = true}, .statements = {[PROMOTION_RECORD] = true}},
	.run = &about,
	.max_ops = 2,
};
static const struct tell_options planning = {.signing = &signing};
static const struct tell_options acting = {.signing = &signing, .confirm = true};

static void expect_signing(
	const struct told *told, const char *repository, unsigned digest, const char *text)
{
	const struct told_record *record = told_find(told, repository, digest);

	cr_assert(record, "nothing was told of %s", repository);
	cr_expect_str_eq(record->signing, text, "%s: %s", repository, record->signing);
}

#define REGION(name) name "-docker.pkg.dev/k8s-artifacts-prod/images"
#define K8S "planned planned as registry.k8s.io/foo at " REGION("us-central1") "/foo"

Test(run_signing, once_for_an_identity_at_the_canonical_registry)
{
	struct told told;

	project("a", "*src.io " REGION("asia") " " REGION("us-central1") " quay.io/b ghcr.io/c",
		"- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: []\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 1, NULL);
	model_hold(model, "src.io/foo", 2, NULL);
	tell_run(&tree, model, &planning, &told);
	cr_expect(told_is_consistent(&told, model));
	for (unsigned digest = 1; digest <= 2; digest++) {
		expect_signing(&told, REGION("us-central1") "/foo", digest, K8S " *");
		expect_signing(&told, REGION("asia") "/foo", digest, K8S);
		/* What no rule maps is known by the name of the first. */
		expect_signing(&told, "ghcr.io/c/foo", digest,
			"planned planned as ghcr.io/c/foo at ghcr.io/c/foo *");
		expect_signing(&told, "quay.io/b/foo", digest,
			"planned planned as ghcr.io/c/foo at ghcr.io/c/foo");
	}
	told_release(&told);
}

Test(run_signing, entries_do_not_share_a_name_that_no_rule_gives)
{
	struct told told;

	project("a", "*src.io b.io z.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	project("b", "*src.io a.io z.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 1, NULL);
	tell_run(&tree, model, &planning, &told);
	expect_signing(&told, "a.io/foo", 1, "planned planned as a.io/foo at a.io/foo *");
	expect_signing(&told, "b.io/foo", 1, "planned planned as b.io/foo at b.io/foo *");
	/* Of what both claim, the first. */
	expect_signing(&told, "z.io/foo", 1, "planned planned as b.io/foo at b.io/foo");
	told_release(&told);
}

Test(run_signing, the_primary_may_be_in_place_already)
{
	struct told told;

	project("a", "*src.io a.io b.io c.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 1, NULL);
	model_hold(model, "a.io/foo", 1, "v1");
	tell_run(&tree, model, &planning, &told);
	cr_expect_null(told_find(&told, "a.io/foo", 1));
	expect_signing(&told, "b.io/foo", 1, "planned planned as a.io/foo at a.io/foo *");
	expect_signing(&told, "c.io/foo", 1, "planned planned as a.io/foo at a.io/foo");
	told_release(&told);
}

Test(run_signing, nothing_is_signed_where_nothing_is_promoted)
{
	struct told told;

	project("a", "*src.io a.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: [\"v2\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 2, NULL);
	model_hold(model, "a.io/foo", 3, "v2");
	tell_run(&tree, model, &planning, &told);
	expect(&told, "a.io/foo", 1,
		"lost from src.io/foo digest absent/nothing v1 absent/nothing");
	expect_signing(&told, "a.io/foo", 1, "");
	told_release(&told);
	tell_run(&tree, model, &acting, &told);
	expect_signing(&told, "a.io/foo", 1, "");
	told_release(&told);
}

Test(run_signing, what_cannot_be_signed_is_promoted_and_told)
{
	struct told told;

	project("a", "*src.io a.io b.io",
		"- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: [\"v2\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 1, NULL);
	model_hold(model, "src.io/foo", 2, NULL);
	tell_run(&tree, model, &acting, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_UNSIGNED], 4);
	cr_expect_eq(told.result.findings[FINDING_UNSIGNED], 4);
	cr_expect_eq(told.result.signed_images, 0);
	cr_expect(model_holds(model, "b.io/foo", 2, "v2"));
	expect_signing(&told, "a.io/foo", 1, "failed failed as a.io/foo at a.io/foo *");
	expect_signing(&told, "b.io/foo", 1, "failed failed as a.io/foo at a.io/foo");
	cr_expect_str_eq(
		told_find(&told, "b.io/foo", 1)->error, "not signed: nothing is attached in foo");
	told_release(&told);

	/* In place is in place: the next run has nothing to sign. */
	tell_run(&tree, model, &acting, &told);
	cr_expect_eq(told.result.outcomes[OUTCOME_IN_PLACE], 4);
	told_release(&told);
}
