/* The rules of promotion as a table: one wanted tag or digest, what was seen, what follows. */
#include "reconciler/plan.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/reconciler/run_fixture.h"

static struct manifest_tree tree;
static struct worklist *list;
static struct wanted wanted;
static struct observed observed;
static struct plan plan;

/* One destination dst.io/foo. */
static void begin(const char *images)
{
	manifest_tree_init(&tree);
	manifest_tree_project(&tree, "a", "*src.io dst.io", images);
	manifest_tree_load(&tree);
	list = worklist_new(tree.declared);
	wanted_init(&wanted, list, 0);
	observed_init(&observed, &wanted);
}

static const struct plan_pair *only_pair(void)
{
	plan_init(&plan, tree.declared, "dst.io/foo", &observed, NULL, true);
	cr_assert_eq(plan.pairs.len, 1);
	return &plan.pairs.items[0];
}

static void end(void)
{
	plan_release(&plan);
	observed_release(&observed);
	wanted_release(&wanted);
	worklist_free(list);
	manifest_tree_release(&tree);
}

TestSuite(plan, .fini = end);

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define FOO "- name: foo\n  dmap:\n"

/* `tag`: TAG_ELSEWHERE means a digest that nobody declares. */
static const struct plan_pair *plan_tagged(enum tag_found tag, enum known digest)
{
	begin(FOO "    \"" DIGEST "\": [\"v1\"]\n");
	observed.tags[0].found = tag;
	if (tag == TAG_ELSEWHERE) {
		struct digest other;

		digest_parse(OTHER, &other, NULL);
		observed.tags[0].elsewhere = mem_dup(&other, sizeof(other));
	}
	observed.digests[0] = digest;
	return only_pair();
}

Test(plan, a_tag_in_place_is_left_alone)
{
	const struct plan_pair *pair = plan_tagged(TAG_AT_DIGEST, KNOWN_PRESENT);

	cr_expect_eq(pair->action, PLAN_NOTHING);
	cr_expect_eq(pair->reasons, 0);
	cr_expect_eq(plan.in_place, 1);
}

Test(plan, an_absent_tag_on_a_present_digest_is_added)
{
	const struct plan_pair *pair = plan_tagged(TAG_ABSENT, KNOWN_PRESENT);

	cr_expect_eq(pair->action, PLAN_TAG);
	cr_expect_eq(plan.tags.items[0].done, TAG_DONE_PLANNED);
}

Test(plan, an_absent_digest_is_copied)
{
	cr_expect_eq(plan_tagged(TAG_ABSENT, KNOWN_ABSENT)->action, PLAN_COPY);
}

Test(plan, a_digest_nobody_could_know_of_is_copied)
{
	cr_expect_eq(plan_tagged(TAG_ABSENT, KNOWN_NOTHING)->action, PLAN_COPY);
}

Test(plan, a_tag_elsewhere_is_a_move)
{
	const struct plan_pair *pair = plan_tagged(TAG_ELSEWHERE, KNOWN_PRESENT);

	cr_expect_eq(pair->action, PLAN_NOTHING);
	cr_expect_eq(pair->reasons, PLAN_REASON(FINDING_TAG_MOVE));
	cr_expect_eq(plan.tags.items[0].done, TAG_DONE_QUARANTINED);
}

Test(plan, an_unknown_tag_is_not_written)
{
	const struct plan_pair *pair = plan_tagged(TAG_UNKNOWN, KNOWN_PRESENT);

	cr_expect_eq(pair->action, PLAN_NOTHING);
	cr_expect_eq(pair->reasons, PLAN_REASON(FINDING_ERROR));
}

static const struct plan_pair *plan_tagless(enum known digest)
{
	begin(FOO "    \"" DIGEST "\": []\n");
	observed.digests[0] = digest;
	return only_pair();
}

Test(plan, a_tagless_digest_that_is_there_is_in_place)
{
	cr_expect_eq(plan_tagless(KNOWN_PRESENT)->reasons, 0);
	cr_expect_eq(plan.in_place, 1);
}

Test(plan, a_tagless_digest_that_is_not_there_is_copied)
{
	cr_expect_eq(plan_tagless(KNOWN_ABSENT)->action, PLAN_COPY);
}

Test(plan, a_tagless_digest_that_is_unknown_is_not)
{
	const struct plan_pair *pair = plan_tagless(KNOWN_NOTHING);

	cr_expect_eq(pair->action, PLAN_NOTHING);
	cr_expect_eq(pair->reasons, PLAN_REASON(FINDING_ERROR));
}

Test(plan, another_declared_digest_under_the_tag_is_a_move_too)
{
	begin(FOO "    \"" DIGEST "\": [\"v1\"]\n    \"" OTHER "\": []\n");
	observed.tags[0].found = TAG_AT_DIGEST;
	observed.tags[0].digest = 1;
	observed.digests[1] = KNOWN_PRESENT;
	plan_init(&plan, tree.declared, "dst.io/foo", &observed, NULL, false);
	cr_assert_eq(plan.pairs.len, 1);
	cr_expect_eq(plan.in_place, 1);
	cr_expect_eq(plan.tags.items[0].found, TAG_ELSEWHERE);
	cr_expect_eq(plan.pairs.items[0].reasons, PLAN_REASON(FINDING_TAG_MOVE));
}

Test(plan, a_dispute_is_left_as_the_registry_has_settled_it)
{
	const struct plan_pair *pair;

	begin(FOO "    \"" DIGEST "\": [\"v1\", \"v2\"]\n    \"" OTHER "\": [\"v1\"]\n");
	/* v1 is at the first digest. */
	observed.tags[wanted_slot(&wanted, "v1")].found = TAG_AT_DIGEST;
	observed.tags[wanted_slot(&wanted, "v1")].digest = 0;
	observed.tags[wanted_slot(&wanted, "v2")].found = TAG_ABSENT;
	observed.digests[0] = KNOWN_PRESENT;
	plan_init(&plan, tree.declared, "dst.io/foo", &observed, NULL, true);
	pair = plan_find(&plan, 0);
	cr_expect_eq(pair->action, PLAN_TAG, "v2 is nobody else's");
	cr_expect_eq(pair->reasons, 0, "the fulfilled claim stays in force");
	cr_expect_eq(plan_find(&plan, 1)->reasons, PLAN_REASON(FINDING_OVERLAP));
	cr_expect_eq(plan_find(&plan, 1)->action, PLAN_NOTHING);
}

Test(plan, an_unsettled_dispute_is_settled_by_nobody)
{
	begin(FOO "    \"" DIGEST "\": [\"v1\"]\n    \"" OTHER "\": [\"v1\"]\n");
	observed.tags[0].found = TAG_ABSENT;
	plan_init(&plan, tree.declared, "dst.io/foo", &observed, NULL, true);
	for (uint32_t i = 0; i < 2; i++) {
		cr_expect_eq(plan_find(&plan, i)->action, PLAN_NOTHING);
		cr_expect_eq(plan_find(&plan, i)->reasons, PLAN_REASON(FINDING_OVERLAP));
	}
}

Test(plan, below_the_prefix_of_an_unreadable_project_no_new_tag_is_made)
{
	manifest_tree_init(&tree);
	manifest_tree_project(
		&tree, "a", "*src.io dst.io", FOO "    \"" DIGEST "\": [\"v1\", \"v2\"]\n");
	manifest_tree_project(&tree, "b", "*src.io dst.io", "- surprise: foo\n");
	manifest_tree_load(&tree);
	list = worklist_new(tree.declared);
	wanted_init(&wanted, list, 0);
	observed_init(&observed, &wanted);
	observed.tags[wanted_slot(&wanted, "v1")].found = TAG_AT_DIGEST;
	observed.tags[wanted_slot(&wanted, "v2")].found = TAG_ABSENT;
	observed.digests[0] = KNOWN_PRESENT;
	cr_expect_eq(only_pair()->reasons, PLAN_REASON(FINDING_INVALID_FILE));
	cr_expect_eq(plan.pairs.items[0].action, PLAN_NOTHING);
	cr_expect_eq(plan.tags.items[0].done, TAG_DONE_NOTHING, "the existing one is fine");
}

Test(plan, what_follows_from_the_source)
{
	static const struct {
		enum known destination;
		enum plan_source source;
		enum plan_resolution resolution;
	} rows[] = {
		{KNOWN_ABSENT, PLAN_SOURCE_PRESENT, PLAN_DO_COPY},
		{KNOWN_NOTHING, PLAN_SOURCE_PRESENT, PLAN_DO_COPY},
		{KNOWN_PRESENT, PLAN_SOURCE_PRESENT, PLAN_DO_COPY},
		{KNOWN_ABSENT, PLAN_SOURCE_ABSENT, PLAN_DO_LOST},
		{KNOWN_NOTHING, PLAN_SOURCE_ABSENT, PLAN_DO_ASK},
		{KNOWN_PRESENT, PLAN_SOURCE_ABSENT, PLAN_DO_TAG},
		{KNOWN_ABSENT, PLAN_SOURCE_UNKNOWN, PLAN_DO_FAIL},
		{KNOWN_NOTHING, PLAN_SOURCE_UNKNOWN, PLAN_DO_FAIL},
		{KNOWN_PRESENT, PLAN_SOURCE_UNKNOWN, PLAN_DO_TAG},
		{KNOWN_ABSENT, PLAN_SOURCE_COMING, PLAN_DO_WAIT},
		{KNOWN_NOTHING, PLAN_SOURCE_COMING, PLAN_DO_WAIT},
		{KNOWN_PRESENT, PLAN_SOURCE_COMING, PLAN_DO_TAG},
	};

	begin(FOO "    \"" DIGEST "\": []\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(plan_resolve(rows[i].destination, rows[i].source), rows[i].resolution,
			"row %zu", i);
}

Test(plan, sources_together)
{
	begin(FOO "    \"" DIGEST "\": []\n");
	cr_expect_eq(
		plan_source_join(PLAN_SOURCE_ABSENT, PLAN_SOURCE_UNKNOWN), PLAN_SOURCE_UNKNOWN);
	cr_expect_eq(plan_source_join(PLAN_SOURCE_COMING, PLAN_SOURCE_ABSENT), PLAN_SOURCE_COMING);
	cr_expect_eq(
		plan_source_join(PLAN_SOURCE_COMING, PLAN_SOURCE_UNKNOWN), PLAN_SOURCE_UNKNOWN);
	cr_expect_eq(
		plan_source_join(PLAN_SOURCE_PRESENT, PLAN_SOURCE_UNKNOWN), PLAN_SOURCE_PRESENT);
}

/* ---- Tags that may move ---- */

static void begin_mutable(const char *images, const char *policy)
{
	manifest_tree_init(&tree);
	manifest_tree_project(&tree, "a", "*src.io dst.io", images);
	manifest_tree_write(&tree, "policies/a/tag-policy.yaml", policy);
	manifest_tree_load(&tree);
	list = worklist_new(tree.declared);
	wanted_init(&wanted, list, 0);
	observed_init(&observed, &wanted);
	for (size_t i = 0; i < wanted.names.len; i++) {
		struct digest other;

		digest_parse(OTHER, &other, NULL);
		observed.tags[i].found = TAG_ELSEWHERE;
		observed.tags[i].elsewhere = mem_dup(&other, sizeof(other));
	}
}

#define LATEST "mutable:\n- image: fo?\n  tags: [latest]\n"

Test(plan, a_mutable_tag_moves_and_another_does_not)
{
	const struct plan_pair *pair;

	begin_mutable(FOO "    \"" DIGEST "\": [\"latest\", \"v1\"]\n", LATEST);
	pair = only_pair();
	cr_expect_eq(pair->action, PLAN_COPY);
	cr_expect_eq(pair->reasons, PLAN_REASON(FINDING_TAG_MOVE), "of v1");
	cr_expect_eq(plan.tags.items[0].found, TAG_ELSEWHERE);
	cr_expect_eq(plan.tags.items[0].done, TAG_DONE_PLANNED);
	cr_expect_eq(plan.tags.items[1].done, TAG_DONE_QUARANTINED);
}

Test(plan, a_mutable_tag_of_a_digest_that_is_there_is_only_tagged)
{
	begin_mutable(FOO "    \"" DIGEST "\": [\"latest\"]\n", LATEST);
	observed.digests[0] = KNOWN_PRESENT;
	cr_expect_eq(only_pair()->action, PLAN_TAG);
	cr_expect_eq(plan.pairs.items[0].reasons, 0);
}

Test(plan, a_policy_that_is_wrong_moves_nothing)
{
	begin_mutable(FOO "    \"" DIGEST "\": [\"latest\"]\n", LATEST "  more: x\n");
	cr_expect_eq(only_pair()->action, PLAN_NOTHING);
	cr_expect_eq(plan.pairs.items[0].reasons, PLAN_REASON(FINDING_TAG_MOVE));
}

Test(plan, a_mutable_tag_that_two_digests_claim_is_an_overlap)
{
	begin_mutable(
		FOO "    \"" DIGEST "\": [\"latest\"]\n    \"" OTHER "\": [\"latest\"]\n", LATEST);
	mem_free(steal_ptr(&observed.tags[0].elsewhere));
	observed.tags[0].found = TAG_AT_DIGEST;
	observed.tags[0].digest = 1;
	plan_init(&plan, tree.declared, "dst.io/foo", &observed, NULL, true);
	cr_expect_eq(plan_find(&plan, 0)->reasons, PLAN_REASON(FINDING_OVERLAP));
	cr_expect_eq(plan_find(&plan, 0)->action, PLAN_NOTHING);
	cr_expect_eq(plan_find(&plan, 1)->reasons, 0);
}

Test(plan, a_tag_of_two_projects_moves_only_with_the_leave_of_both)
{
	const char *images = FOO "    \"" DIGEST "\": [\"latest\"]\n";

	for (int both = 0; both < 2; both++) {
		struct digest other;

		manifest_tree_init(&tree);
		manifest_tree_project(&tree, "a", "*src.io dst.io", images);
		manifest_tree_project(&tree, "b", "*src.io dst.io", images);
		manifest_tree_write(&tree, "policies/b/tag-policy.yaml", LATEST);
		if (both)
			manifest_tree_write(&tree, "policies/a/tag-policy.yaml", LATEST);
		manifest_tree_load(&tree);
		list = worklist_new(tree.declared);
		wanted_init(&wanted, list, 0);
		observed_init(&observed, &wanted);
		digest_parse(OTHER, &other, NULL);
		observed.tags[0].found = TAG_ELSEWHERE;
		observed.tags[0].elsewhere = mem_dup(&other, sizeof(other));
		cr_expect_eq(only_pair()->action, both ? PLAN_COPY : PLAN_NOTHING);
		if (!both)
			end();
	}
}

Test(plan, below_the_prefix_of_an_unreadable_project_no_tag_moves)
{
	manifest_tree_init(&tree);
	manifest_tree_project(
		&tree, "a", "*src.io dst.io", FOO "    \"" DIGEST "\": [\"latest\"]\n");
	manifest_tree_project(&tree, "b", "*src.io dst.io", "- surprise: foo\n");
	manifest_tree_write(&tree, "policies/a/tag-policy.yaml", LATEST);
	manifest_tree_load(&tree);
	list = worklist_new(tree.declared);
	wanted_init(&wanted, list, 0);
	observed_init(&observed, &wanted);
	observed.tags[0].found = TAG_ELSEWHERE;
	cr_expect_eq(only_pair()->reasons, PLAN_REASON(FINDING_INVALID_FILE));
	cr_expect_eq(plan.pairs.items[0].action, PLAN_NOTHING);
}
