/* Whole runs over registries in memory: what is written, what is asked, what is told. */
#include "reconciler/run.h"

#include <criterion/criterion.h>

#include "tests/unit/reconciler/run_suite.h"

TestSuite(run, .init = set_up, .fini = tear_down);

Test(run, copies_what_is_missing_then_writes_nothing)
{
	struct told told;

	project("a", "*src.io dst.io/p g.pkg.dev/q",
		"- name: foo\n  dmap:\n    @1: [\"v1\", \"v2\"]\n    @2: []\n");
	manifest_tree_load(&tree);
	model_set_google(model, "g.pkg.dev");
	model_hold(model, "src.io/foo", 1, NULL);
	model_hold(model, "src.io/foo", 2, "x");

	tell_run(&tree, model, &dry, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_PLANNED], 4);
	cr_expect_eq(model_counts(model).writes, 0);
	cr_expect_eq(told.phases, 1U << PHASE_SETUP | 1U << PHASE_PLAN);
	expect(&told, "dst.io/p/foo", 1,
		"planned from src.io/foo digest unknown/planned v1 absent/planned v2 "
		"absent/planned");
	told_release(&told);

	model_reset_counts(model);
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_PROMOTED], 4);
	cr_expect(told.phases & 1U << PHASE_PROMOTE);
	expect(&told, "g.pkg.dev/q/foo", 2, "promoted from src.io/foo digest absent/written");
	cr_expect(model_holds(model, "dst.io/p/foo", 1, "v2"));
	cr_expect(model_holds(model, "g.pkg.dev/q/foo", 2, NULL));
	/* One read of each digest at the source for both destinations. */
	cr_expect_eq(model_counts(model).gets, 2);
	told_release(&told);

	model_reset_counts(model);
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_IN_PLACE], 4);
	cr_expect_eq(told.records.len, 0);
	cr_expect_eq(model_counts(model).writes, 0);
	/* Google: one list. Plain: one list, a HEAD for each tag and for the tagless digest. */
	cr_expect_eq(model_counts(model).requests, 5);
	cr_expect_not(told.phases & 1U << PHASE_PROMOTE);
	cr_expect_eq(told.looks, 2);
	cr_expect_eq(told.source_looks, 0, "no source was read");
	told_release(&told);
}

Test(run, tells_everything_when_asked)
{
	struct told told;

	project("a", "*src.io dst.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "dst.io/foo", 1, "v1");
	tell_run(&tree, model, &(struct tell_options){.confirm = true, .all = true}, &told);
	cr_expect(told_is_consistent(&told, model));
	expect(&told, "dst.io/foo", 1,
		"in-place from src.io/foo digest present/nothing v1 at-digest/nothing");
	told_release(&told);
}

Test(run, a_moved_tag_stops_only_itself)
{
	struct told told;

	project("a", "*src.io dst.io", "- name: foo\n  dmap:\n    @1: [\"v1\", \"v2\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 1, NULL);
	model_hold(model, "dst.io/foo", 7, "v1");
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	expect(&told, "dst.io/foo", 1,
		"quarantined from src.io/foo digest unknown/written v1 elsewhere/quarantined v2 "
		"absent/written");
	cr_expect_eq(told.result.findings[FINDING_TAG_MOVE], 1);
	cr_expect(model_holds(model, "dst.io/foo", 7, "v1"));
	cr_expect(model_holds(model, "dst.io/foo", 1, "v2"));
	told_release(&told);
}

Test(run, a_mutable_tag_moves_and_moves_back)
{
	struct told told;

	project("a", "*src.io dst.io", "- name: foo\n  dmap:\n    @2: [\"latest\"]\n    @1: []\n");
	manifest_tree_write(&tree, "policies/a/tag-policy.yaml", "mutable:\n- tags: [latest]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 2, NULL);
	model_hold(model, "dst.io/foo", 1, "latest");
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	expect(&told, "dst.io/foo", 2,
		"promoted from src.io/foo digest unknown/written latest elsewhere/written");
	cr_expect_eq(told.result.findings[FINDING_TAG_MOVE], 0);
	cr_expect(model_holds(model, "dst.io/foo", 2, "latest"));
	cr_expect(model_holds(model, "dst.io/foo", 1, NULL), "nothing is deleted");
	told_release(&told);
	tell_run(&tree, model, &confirm, &told);
	cr_expect_eq(told.result.outcomes[OUTCOME_IN_PLACE], 2);
	told_release(&told);
	declared_free(tree.declared);

	/* The source never had the older one. */
	project("a", "*src.io dst.io", "- name: foo\n  dmap:\n    @1: [\"latest\"]\n");
	manifest_tree_load(&tree);
	tell_run(&tree, model, &dry, &told);
	expect(&told, "dst.io/foo", 1,
		"planned from src.io/foo digest present/nothing latest elsewhere/planned");
	told_release(&told);
	tell_run(&tree, model, &confirm, &told);
	expect(&told, "dst.io/foo", 1,
		"promoted from src.io/foo digest present/nothing latest elsewhere/written");
	cr_expect(model_holds(model, "dst.io/foo", 1, "latest"));
	cr_expect_eq(model_counts(model).moved, 0, "not without leave");
	told_release(&told);
}

Test(run, lost_only_if_the_destination_does_not_hold_it)
{
	struct told told;

	project("a", "*src.io dst.io",
		"- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: [\"v2\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "dst.io/foo", 2, NULL);
	tell_run(&tree, model, &dry, &told);
	cr_expect(told_is_consistent(&told, model));
	expect(&told, "dst.io/foo", 1,
		"lost from src.io/foo digest absent/nothing v1 absent/nothing");
	expect(&told, "dst.io/foo", 2,
		"planned from src.io/foo digest present/nothing v2 absent/planned");
	told_release(&told);

	model_reset_counts(model);
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	expect(&told, "dst.io/foo", 1,
		"lost from src.io/foo digest absent/nothing v1 absent/nothing");
	expect(&told, "dst.io/foo", 2,
		"promoted from src.io/foo digest present/nothing v2 absent/written");
	cr_expect_eq(told.result.findings[FINDING_LOST], 1);
	told_release(&told);
}

Test(run, a_chain_arrives_in_one_run)
{
	struct told told;

	project("a", "*dev.io stg.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	project("b", "*stg.io prod.io eu.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "dev.io/foo", 1, NULL);
	tell_run(&tree, model, &dry, &told);
	cr_expect(told_is_consistent(&told, model));
	expect(&told, "stg.io/foo", 1,
		"planned from dev.io/foo digest unknown/planned v1 absent/planned");
	expect(&told, "prod.io/foo", 1,
		"waiting from stg.io/foo digest unknown/nothing v1 absent/nothing");
	told_release(&told);

	model_reset_counts(model);
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_PROMOTED], 3);
	cr_expect(model_holds(model, "eu.io/foo", 1, "v1"));
	told_release(&told);
}

Test(run, what_waits_for_a_lost_digest_is_not_called_lost)
{
	struct told told;

	project("a", "*dev.io stg.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	project("b", "*stg.io prod.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	manifest_tree_load(&tree);
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_LOST], 1);
	cr_expect_eq(told.result.outcomes[OUTCOME_WAITING], 1);
	cr_expect_eq(told.result.findings[FINDING_LOST], 1);
	told_release(&told);
}

Test(run, a_circle_is_left_alone_and_nothing_else)
{
	struct told told;

	project("a", "*one.io two.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: []\n");
	project("b", "*two.io one.io out.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "two.io/foo", 1, "v1");
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	expect(&told, "one.io/foo", 1,
		"quarantined from two.io/foo digest unknown/nothing v1 absent/quarantined");
	expect(&told, "out.io/foo", 1,
		"promoted from two.io/foo digest unknown/written v1 absent/written");
	expect(&told, "two.io/foo", 2, "quarantined from one.io/foo digest absent/nothing");
	cr_expect_eq(told.result.outcomes[OUTCOME_IN_PLACE], 1);
	cr_expect_eq(told.result.findings[FINDING_CYCLE], 2);
	told_release(&told);
}

Test(run, a_claim_from_outside_the_circle_is_kept)
{
	struct told told;

	project("a", "*one.io two.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	project("b", "*two.io one.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	project("c", "*out.io one.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "out.io/foo", 1, NULL);
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	expect(&told, "one.io/foo", 1,
		"promoted from out.io/foo digest unknown/written v1 absent/written");
	told_release(&told);
}

Test(run, a_quarantine_says_whose_fault_it_is)
{
	struct told told;

	project("a", "*src.io dst.io",
		"- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: [\"v2\"]\n    @3: [\"v2\"]\n");
	project("b", "*src.io dst.io", "- surprise: foo\n");
	manifest_tree_load(&tree);
	model_hold(model, "dst.io/foo", 2, "v2");
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_str_eq(told_find(&told, "dst.io/foo", 1)->error,
		"project b promotes below the same prefix and cannot be read; no new tag is made "
		"there until it can");
	cr_expect(strstr(told_find(&told, "dst.io/foo", 3)->error, "tag v2: "));
	cr_expect_eq(told.result.outcomes[OUTCOME_IN_PLACE], 1);
	cr_expect_eq(model_counts(model).writes, 0);
	told_release(&told);
}

Test(run, malformed_entries_are_told_and_looked_at_by_nobody)
{
	struct told told;

	project("a", "*src.io dst.io",
		"- name: foo\n  dmap:\n    \"sha256:abc\": [\"bad\"]\n    @1: [\"no good\", "
		"\"v1\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 1, NULL);
	model_hold(model, "dst.io/foo", 1, "bad");
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_QUARANTINED], 2);
	/* Once each where they stand, not once more for every destination. */
	cr_expect_eq(told.result.findings[FINDING_MALFORMED], 2);
	cr_expect(model_holds(model, "dst.io/foo", 1, "v1"));
	cr_expect_eq(model_counts(model).heads, 0);
	told_release(&told);
}

Test(run, a_google_source_is_listed_once_without_confirm)
{
	struct told told;

	project("a", "*gcr.io/src dst.io",
		"- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: [\"v2\"]\n    @3: []\n");
	manifest_tree_load(&tree);
	model_set_google(model, "gcr.io");
	model_hold(model, "gcr.io/src/foo", 1, NULL);
	model_hold(model, "gcr.io/src/foo", 2, NULL);
	tell_run(&tree, model, &dry, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(model_counts(model).lists, 2);
	/* The tagless digest at the plain destination. */
	cr_expect_eq(model_counts(model).heads, 1);
	cr_expect_eq(told.result.outcomes[OUTCOME_PLANNED], 2);
	cr_expect_eq(told.result.outcomes[OUTCOME_LOST], 1);
	told_release(&told);
}

Test(run, one_digest_is_not_worth_a_list)
{
	struct told told;

	project("a", "*gcr.io/src dst.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	manifest_tree_load(&tree);
	model_set_google(model, "gcr.io");
	model_hold(model, "gcr.io/src/foo", 1, NULL);
	tell_run(&tree, model, &dry, &told);
	cr_expect_eq(model_counts(model).lists, 1);
	cr_expect_eq(model_counts(model).heads, 1);
	told_release(&told);
}

Test(run, two_projects_may_feed_one_digest_from_two_sources)
{
	struct told told;

	project("a", "*one.io dst.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	project("b", "*two.io dst.io", "- name: foo\n  dmap:\n    @1: [\"v2\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "two.io/foo", 1, NULL);
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.totals.digests, 1);
	expect(&told, "dst.io/foo", 1,
		"promoted from two.io/foo digest unknown/written v1 absent/written v2 "
		"absent/written");
	told_release(&told);
}

Test(run, an_empty_tree_says_so)
{
	struct told told;

	project("a", "*src.io dst.io", "[]\n");
	manifest_tree_load(&tree);
	tell_run(&tree, model, &confirm, &told);
	cr_expect_eq(told.totals.digests, 0);
	cr_expect_eq(model_counts(model).requests, 0);
	told_release(&told);
}
