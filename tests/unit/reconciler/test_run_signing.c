/*
 * What of a run is signed, where and under which name. The model's images cannot be read for what is
 * attached to them, so in confirmed runs every attempt fails: which were made can be seen.
 */
#include <criterion/criterion.h>

#include "replicator/replica_tag.h"
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
	expect(&told, "a.io/foo", 1,
		"planned from src.io/foo digest present/nothing v1 at-digest/nothing");
	expect_signing(&told, "a.io/foo", 1, "planned planned as a.io/foo at a.io/foo *");
	expect_signing(&told, "b.io/foo", 1, "planned planned as a.io/foo at a.io/foo");
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

	/* The next run tries again, where it is signed. */
	model_reset_counts(model);
	tell_run(&tree, model, &acting, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_IN_PLACE], 2);
	cr_expect_eq(told.result.outcomes[OUTCOME_UNSIGNED], 2);
	expect(&told, "a.io/foo", 1,
		"unsigned from src.io/foo digest present/nothing v1 at-digest/nothing");
	cr_expect_null(told_find(&told, "b.io/foo", 1));
	told_release(&told);
}

/* ---- What is in place ---- */

static void hold_beside(const char *repository, unsigned digest, enum replica_kind kind)
{
	struct replica_tag tag = {.kind = kind};
	char text[REPLICA_TAG_TEXT_SIZE];

	memcpy(tag.image, model_digest(digest).bytes, sizeof(tag.image));
	model_hold(model, repository, 8, replica_tag_format(&tag, text));
}

/* Digests 1, 2 (without a tag) and 3 in place at a.io and b.io. */
static void promoted(void)
{
	static const char *const at[] = {"src.io/foo", "a.io/foo", "b.io/foo"};

	project("a", "*src.io a.io b.io",
		"- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: []\n    @3: [\"v3\"]\n");
	manifest_tree_load(&tree);
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		model_hold(model, at[i], 1, "v1");
		model_hold(model, at[i], 2, NULL);
		model_hold(model, at[i], 3, "v3");
	}
}

Test(run_signing, in_place_and_unsigned_is_planned)
{
	struct told told;

	promoted();
	hold_beside("a.io/foo", 1, REPLICA_SIG);
	hold_beside("a.io/foo", 3, REPLICA_SIG);
	hold_beside("a.io/foo", 3, REPLICA_ATT);
	tell_run(&tree, model, &planning, &told);
	cr_expect(told_is_consistent(&told, model));
	expect_signing(&told, "a.io/foo", 1, "before planned as a.io/foo at a.io/foo *");
	expect_signing(&told, "a.io/foo", 2, "planned planned as a.io/foo at a.io/foo *");
	cr_expect_null(told_find(&told, "a.io/foo", 3));
	cr_expect_null(told_find(&told, "b.io/foo", 1), "only the primary is signed");
	cr_expect_eq(told.result.outcomes[OUTCOME_PLANNED], 2);
	cr_expect_eq(told.result.outcomes[OUTCOME_IN_PLACE], 4);
	cr_expect_eq(told.result.assumed_images, 2);
	told_release(&told);
}

Test(run_signing, without_signing_all_of_it_is_left_alone)
{
	struct told told;

	promoted();
	tell_run(&tree, model, &confirm, &told);
	cr_expect_eq(told.result.outcomes[OUTCOME_IN_PLACE], 6);
	cr_expect_eq(told.records.len, 0);
	told_release(&told);
}

/* The images that the run tried to sign. */
static void expect_tried(const struct tell_options *options, unsigned tried, uint64_t assumed)
{
	struct told told;

	tell_run(&tree, model, options, &told);
	cr_expect_eq(told.result.outcomes[OUTCOME_UNSIGNED], tried, "%u, not %u",
		(unsigned)told.result.outcomes[OUTCOME_UNSIGNED], tried);
	cr_expect_eq(told.result.outcomes[OUTCOME_IN_PLACE], 6 - tried);
	cr_expect_eq(told.result.assumed_images, assumed);
	cr_expect_not(told.phases & 1U << PHASE_PROMOTE, "nothing is promoted");
	told_release(&told);
}

static int64_t told_ms;

static int64_t unix_ms(void *ctx)
{
	(void)ctx;
	return told_ms;
}

static int64_t monotonic_ms(void *ctx)
{
	(void)ctx;
	return clock_monotonic_ms(&clock_system);
}

static uint64_t random_bits(void *ctx)
{
	(void)ctx;
	return 4;
}

static const struct clock told_clock = {monotonic_ms, unix_ms, random_bits, NULL};

Test(run_signing, what_is_listed_is_believed_but_for_its_hour_and_full_depth)
{
	const struct tell_options full = {
		.signing = &signing, .confirm = true, .depth = VERIFY_FULL};
	const struct tell_options swept = {
		.signing = &signing, .confirm = true, .sweep = 3, .clock = &told_clock};
	unsigned tried[3] = {0};

	promoted();
	for (unsigned i = 1; i <= 3; i++) {
		hold_beside("a.io/foo", i, REPLICA_SIG);
		hold_beside("a.io/foo", i, REPLICA_ATT);
	}
	expect_tried(&acting, 0, 3);
	expect_tried(&full, 3, 0);
	for (unsigned i = 1; i <= 3; i++) {
		const uint8_t *bytes = model_digest(i).bytes;
		uint64_t number = 0;

		for (unsigned b = 0; b < 8; b++)
			number = number << 8 | bytes[b];
		tried[number % 3]++;
	}
	for (unsigned hour = 0; hour < 6; hour++) {
		told_ms = (int64_t)(hour * 3600 + 1800) * 1000;
		expect_tried(&swept, tried[hour % 3], 3 - tried[hour % 3]);
	}
}

Test(run_signing, a_quarantined_tag_does_not_keep_its_digest_from_being_signed)
{
	struct told told;

	project("a", "*src.io a.io", "- name: foo\n  dmap:\n    @1: [\"v1\", \"v2\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "a.io/foo", 1, "v1");
	model_hold(model, "a.io/foo", 3, "v2");
	tell_run(&tree, model, &planning, &told);
	expect(&told, "a.io/foo", 1,
		"quarantined from src.io/foo digest present/nothing v1 at-digest/nothing v2 "
		"elsewhere/quarantined");
	expect_signing(&told, "a.io/foo", 1, "planned planned as a.io/foo at a.io/foo *");
	told_release(&told);
}

/* A list that cannot be read says nothing. */
static bool refuse_lists(
	void *ctx, enum model_verb verb, const char *name, const char *reference, struct err **err)
{
	(void)ctx;
	(void)name;
	(void)reference;
	return verb != MODEL_LIST || err_set_http(err, ERR_AUTH, 403, "403 Forbidden");
}

Test(run_signing, what_could_not_be_looked_at_is_not_missing)
{
	struct told told;

	promoted();
	model_set_fault(model, refuse_lists, NULL);
	tell_run(&tree, model, &acting, &told);
	cr_expect_eq(told.result.outcomes[OUTCOME_FAILED], 6);
	expect_signing(&told, "a.io/foo", 1, "");
	told_release(&told);
}

/* The model cannot be read for what is attached, so nobody can tell what moved the tag to where it is. */
Test(run_signing, a_tag_moves_only_when_it_is_known_who_moved_it_before)
{
	struct told told;

	project("a", "*src.io dst.io eu.io",
		"- name: foo\n  dmap:\n    @2: [\"latest\", \"v2\"]\n    @3: [\"edge\"]\n");
	manifest_tree_write(
		&tree, "policies/a/tag-policy.yaml", "mutable:\n- tags: [latest, edge]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 2, NULL);
	model_hold(model, "src.io/foo", 3, NULL);
	model_hold(model, "eu.io/foo", 1, "latest");
	model_hold(model, "eu.io/foo", 1, "edge");
	tell_run(&tree, model, &acting, &told);
	cr_expect(told_is_consistent(&told, model));
	expect(&told, "eu.io/foo", 2,
		"failed from src.io/foo digest unknown/written latest elsewhere/nothing v2 "
		"absent/written");
	expect(&told, "eu.io/foo", 3,
		"failed from src.io/foo digest unknown/nothing edge elsewhere/nothing");
	cr_expect(strstr(told_find(&told, "eu.io/foo", 3)->error,
			  "whether tag edge may be moved cannot be told from dst.io/foo"),
		"%s", told_find(&told, "eu.io/foo", 3)->error);
	cr_expect(model_holds(model, "eu.io/foo", 1, "latest"));
	cr_expect(model_holds(model, "dst.io/foo", 2, "latest"), "it is new there");
	told_release(&told);
}
