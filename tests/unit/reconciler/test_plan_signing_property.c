/*
 * Properties of what is decided about one destination, over random declared states and random looks at
 * them, most of which no registry could give: of each tag by itself, of signatures whatever becomes of
 * tags, and that nothing is left once what was planned is done. CIP_SEED chooses another sequence.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "reconciler/plan.h"
#include "reconciler/signing_due.h"
#include "tests/unit/reconciler/random_world.h"

enum { TREES = 100, LOOKS = 10 };

static struct manifest_tree tree;
static struct worklist *list;
static struct wanted wanted;
static struct observed observed;
static struct plan plan;
static const char *name;
static unsigned planned, kept, due_seen;

static void look(void)
{
	observed_init(&observed, &wanted);
	observed.is_listed = world_chance(80);
	observed.tells_tags = observed.is_listed && world_chance(80);
	for (uint32_t i = 0; observed.is_listed && i < wanted.well_formed; i++) {
		observed.digests[i] = (uint8_t)world_below(KNOWN_PRESENT + 1);
		observed.beside[i] = (uint8_t)world_below(16);
	}
	for (uint32_t i = 0; observed.is_listed && i < wanted.names.len; i++) {
		const struct digest other = model_digest(1000);

		observed.tags[i].found = (enum tag_found)world_below(TAG_ELSEWHERE + 1);
		if (observed.tags[i].found == TAG_AT_DIGEST && wanted.well_formed)
			observed.tags[i].digest = world_below(wanted.well_formed);
		else if (observed.tags[i].found == TAG_ELSEWHERE)
			observed.tags[i].elsewhere = mem_dup(&other, sizeof(other));
	}
	observed_finish(&observed);
}

/* ---- Tags ---- */

static bool may_be_written(const struct wanted_tag *tag, uint32_t digest)
{
	const struct observed_tag *seen = tag->slot == WORK_NONE ? NULL : &observed.tags[tag->slot];
	bool is_elsewhere = seen &&
		(seen->found == TAG_ELSEWHERE ||
			(seen->found == TAG_AT_DIGEST && seen->digest != digest));

	return seen && (seen->found == TAG_ABSENT || (is_elsewhere && tag->is_mutable)) &&
		!tag->in_cycle && !declared_dispute(tree.declared, name, tag->name) &&
		!declared_frozen_by(tree.declared, name, tag->project);
}

static void check_tags(void)
{
	for (size_t i = 0; i < plan.pairs.len; i++) {
		const struct plan_pair *pair = &plan.pairs.items[i];
		const struct wanted_digest *digest = &wanted.digests.items[pair->digest];

		for (uint32_t t = 0; t < digest->tag_count; t++) {
			const struct wanted_tag *tag = &wanted.tags.items[digest->first_tag + t];
			bool is_planned =
				plan.tags.items[pair->first_tag + t].done == TAG_DONE_PLANNED;

			cr_assert_eq(is_planned, may_be_written(tag, pair->digest), "%s:%s", name,
				tag->name);
			planned += is_planned;
		}
		if (!observed.is_listed)
			cr_assert_eq(pair->action, PLAN_NOTHING, "%s: a guess", name);
	}
}

/* ---- Signatures ---- */

static const struct signing_rules rules = {
	.wanted = {.forms = {[SIGN_LEGACY] = true}, .statements = {[PROMOTION_RECORD] = true}},
};

static unsigned due_of(uint32_t digest, bool is_withheld)
{
	struct signing_subject subject = signing_subject_of(&observed, digest);

	subject.is_withheld = is_withheld;
	return signing_due(&rules, &subject);
}

/* Exactly what a list proves to be missing, and nothing where it must not be. */
static void check_due(uint8_t *sign)
{
	for (uint32_t i = 0; i < wanted.well_formed; i++) {
		unsigned expected = 0;

		if (observed.tells_tags && !(observed.beside[i] & BESIDE_SIG))
			expected |= SIGNING_LACKS_SIGNATURE;
		if (observed.tells_tags && !(observed.beside[i] & BESIDE_ATT))
			expected |= SIGNING_LACKS_STATEMENT;
		cr_assert_eq(due_of(i, false), expected);
		cr_assert_eq(due_of(i, true), 0);
		sign[i] = (uint8_t)expected;
		due_seen += expected != 0;
	}
}

/* Tags and signatures do not know each other. */
static void check_apart(const uint8_t *sign)
{
	struct plan with, without;

	plan_init(&with, tree.declared, name, &observed, sign, true);
	plan_init(&without, tree.declared, name, &observed, NULL, true);
	cr_assert_eq(with.pairs.len, without.pairs.len);
	for (size_t i = 0; i < with.pairs.len; i++) {
		const struct plan_pair *pair = &with.pairs.items[i];

		cr_assert_eq(pair->sign, sign[pair->digest], "%s: what is due got lost", name);
		cr_assert_eq(pair->action, without.pairs.items[i].action);
		kept += pair->sign && pair->reasons & PLAN_QUARANTINES;
	}
	cr_assert_eq(with.tags.len, without.tags.len);
	for (size_t i = 0; i < with.tags.len; i++)
		cr_assert_eq(with.tags.items[i].done, without.tags.items[i].done);
	plan_release(&with);
	plan_release(&without);
}

/* ---- Once it is done ---- */

static void apply(void)
{
	for (size_t i = 0; i < plan.pairs.len; i++) {
		const struct plan_pair *pair = &plan.pairs.items[i];
		const struct wanted_digest *digest = &wanted.digests.items[pair->digest];

		if (pair->action != PLAN_NOTHING)
			observed.digests[pair->digest] = KNOWN_PRESENT;
		if (pair->sign)
			observed.beside[pair->digest] |= BESIDE_SIG | BESIDE_ATT;
		for (uint32_t t = 0; t < digest->tag_count; t++) {
			struct observed_tag *tag;

			if (plan.tags.items[pair->first_tag + t].done != TAG_DONE_PLANNED)
				continue;
			tag = &observed.tags[wanted.tags.items[digest->first_tag + t].slot];
			cr_assert(tag->found != TAG_AT_DIGEST || tag->digest != pair->digest);
			mem_free(steal_ptr(&tag->elsewhere));
			tag->found = TAG_AT_DIGEST;
			tag->digest = pair->digest;
		}
	}
}

static void check_nothing_left(uint8_t *sign)
{
	struct plan rest;

	apply();
	check_due(sign);
	plan_init(&rest, tree.declared, name, &observed, sign, false);
	for (size_t i = 0; i < rest.pairs.len; i++) {
		cr_assert_eq(rest.pairs.items[i].action, PLAN_NOTHING, "%s", name);
		cr_assert_eq(rest.pairs.items[i].sign, 0, "%s", name);
	}
	plan_release(&rest);
}

static void check_destination(uint32_t destination)
{
	CLEANUP(mem_freep) uint8_t *sign = NULL;

	name = list->destinations.items[destination].name;
	wanted_init(&wanted, list, destination);
	sign = mem_new(wanted.digests.len + 1, sizeof(*sign));
	look();
	check_due(sign);
	plan_init(&plan, tree.declared, name, &observed, sign, true);
	check_tags();
	check_apart(sign);
	check_nothing_left(sign);
	plan_release(&plan);
	observed_release(&observed);
	wanted_release(&wanted);
}

Test(plan_signing_property, tags_and_signatures_are_judged_each_by_itself_and_settle)
{
	world_seed();
	for (unsigned t = 0; t < TREES; t++) {
		world_tree(&tree, world_chance(50));
		list = worklist_new(tree.declared);
		for (unsigned l = 0; l < LOOKS; l++)
			for (uint32_t i = 0; i < list->destinations.len; i++)
				check_destination(i);
		worklist_free(list);
		manifest_tree_release(&tree);
	}
	cr_expect_gt(planned, 500, "%u tags were planned", planned);
	cr_expect_gt(kept, 500, "%u due beside a quarantined tag", kept);
	cr_expect_gt(due_seen, 500, "%u due", due_seen);
}

Test(plan_signing_property, only_what_both_sides_lack_for_certain_is_lost)
{
	for (int at = 0; at <= KNOWN_PRESENT; at++)
		for (int source = 0; source <= PLAN_SOURCE_PRESENT; source++) {
			enum plan_resolution todo =
				plan_resolve((enum known)at, (enum plan_source)source);

			cr_expect_eq(todo == PLAN_DO_LOST,
				at == KNOWN_ABSENT && source == PLAN_SOURCE_ABSENT);
			cr_expect_eq(todo == PLAN_DO_COPY, source == PLAN_SOURCE_PRESENT);
			if (todo == PLAN_DO_TAG)
				cr_expect_eq(at, KNOWN_PRESENT);
		}
}
