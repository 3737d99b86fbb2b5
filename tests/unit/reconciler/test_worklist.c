#include "reconciler/worklist.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/reconciler/run_fixture.h"

#define D1 "\"sha256:1111111111111111111111111111111111111111111111111111111111111111\""
#define D2 "\"sha256:2222222222222222222222222222222222222222222222222222222222222222\""
#define IMAGE(name, tags) "- name: " name "\n  dmap:\n    " D1 ": " tags "\n"

static struct manifest_tree tree;
static struct worklist *list;

static void set_up(void)
{
	manifest_tree_init(&tree);
	list = NULL;
}

static void tear_down(void)
{
	worklist_free(list);
	manifest_tree_release(&tree);
}

TestSuite(worklist, .init = set_up, .fini = tear_down);

static void build(void)
{
	manifest_tree_load(&tree);
	list = worklist_new(tree.declared);
}

static const struct work_destination *find(const char *name)
{
	for (size_t i = 0; i < list->destinations.len; i++)
		if (strcmp(list->destinations.items[i].name, name) == 0)
			return &list->destinations.items[i];
	cr_assert_fail("%s is no destination", name);
	return NULL;
}

static size_t unit_of(const char *name)
{
	uint32_t index = (uint32_t)(find(name) - list->destinations.items);

	for (size_t i = 0; i < list->units.len; i++)
		if (index - list->units.items[i].first_destination <
			list->units.items[i].destination_count)
			return i;
	cr_assert_fail("%s is in no unit", name);
	return 0;
}

Test(worklist, every_destination_repository_once)
{
	struct plan_totals totals;

	manifest_tree_project(&tree, "a", "*src.io r.io/p q.io",
		"- name: foo\n  dmap:\n    " D1 ": [\"v1\", \"v2\"]\n    " D2 ": []\n"
		"- name: bar\n  dmap:\n    " D1 ": []\n");
	build();
	totals = worklist_totals(list);
	cr_expect_eq(totals.repositories, 4);
	cr_expect_eq(totals.sources, 2);
	cr_expect_eq(totals.digests, 6);
	cr_expect_eq(totals.edges, 8);
	cr_expect_eq(list->units.len, 2);
	cr_expect_eq(unit_of("r.io/p/foo"), unit_of("q.io/foo"));
	cr_expect_neq(unit_of("q.io/foo"), unit_of("q.io/bar"));
	cr_expect_str_eq(find("r.io/p/foo")->repository.host, "r.io");
	cr_expect_str_eq(find("r.io/p/foo")->repository.path, "p/foo");
}

Test(worklist, nested_registries_meet_in_one_repository)
{
	struct plan_totals totals;

	manifest_tree_project(&tree, "a", "*src.io r.io/a", IMAGE("b/c", "[\"v1\"]"));
	manifest_tree_project(&tree, "b", "*two.io r.io/a/b", IMAGE("c", "[\"v1\", \"v2\"]"));
	manifest_tree_project(&tree, "c", "*src.io r.io", IMAGE("d", "[]"));
	build();
	totals = worklist_totals(list);
	cr_expect_eq(totals.repositories, 2);
	cr_expect_eq(totals.digests, 2);
	cr_expect_eq(totals.edges, 3);
	cr_expect_eq(find("r.io/a/b/c")->claim_count, 2);
	cr_expect_eq(list->units.len, 2);
}

Test(worklist, a_chain_is_one_unit)
{
	manifest_tree_project(&tree, "a", "*dev.io stg.io", IMAGE("foo", "[]") IMAGE("bar", "[]"));
	manifest_tree_project(&tree, "b", "*stg.io prod.io", IMAGE("foo", "[]"));
	build();
	cr_expect_eq(unit_of("stg.io/foo"), unit_of("prod.io/foo"));
	cr_expect_neq(unit_of("stg.io/foo"), unit_of("stg.io/bar"));
	cr_expect_eq(list->findings.len, 0);
	for (size_t i = 0; i < list->sources.len; i++)
		if (strcmp(list->sources.items[i].name, "stg.io/foo") == 0)
			cr_expect_eq(list->sources.items[i].destination,
				find("stg.io/foo") - list->destinations.items);
}

Test(worklist, units_hold_all_destinations_in_order)
{
	uint32_t next = 0;

	manifest_tree_project(
		&tree, "a", "*src.io r.io/a q.io", IMAGE("b/c", "[]") IMAGE("x", "[]"));
	manifest_tree_project(
		&tree, "b", "*two.io r.io/a/b s.io", IMAGE("c", "[]") IMAGE("y", "[]"));
	build();
	for (size_t i = 0; i < list->units.len; i++) {
		cr_expect_eq(list->units.items[i].first_destination, next);
		cr_expect_gt(list->units.items[i].destination_count, 0);
		next += list->units.items[i].destination_count;
	}
	cr_expect_eq(next, list->destinations.len);
	for (size_t i = 0; i < list->destinations.len; i++) {
		const struct work_destination *destination = &list->destinations.items[i];

		for (uint32_t c = 0; c < destination->claim_count; c++)
			cr_expect_eq(
				list->claims.items[destination->first_claim + c].destination, i);
	}
}

Test(worklist, a_long_circle_is_found_and_only_its_claims)
{
	size_t cycles = 0;

	manifest_tree_project(&tree, "a", "*one.io two.io", IMAGE("foo", "[]"));
	manifest_tree_project(&tree, "b", "*two.io three.io side.io", IMAGE("foo", "[]"));
	manifest_tree_project(&tree, "c", "*three.io one.io", IMAGE("foo", "[]"));
	manifest_tree_project(&tree, "d", "*out.io one.io", IMAGE("foo", "[]"));
	build();
	for (size_t i = 0; i < list->claims.len; i++)
		cycles += list->claims.items[i].in_cycle;
	cr_expect_eq(cycles, 3);
	cr_expect_eq(list->findings.len, 3);
	cr_expect_eq(list->findings.items[0].kind, FINDING_CYCLE);
	cr_expect_str_eq(list->findings.items[0].place.file, "images/a/images.yaml");
	cr_expect_not(list->claims.items[find("side.io/foo")->first_claim].in_cycle);
}

Test(worklist, a_deep_chain_does_not_exhaust_the_stack)
{
	for (int i = 0; i < 300; i++) {
		CLEANUP(mem_freep) char *name = mem_printf("p%03d", i);
		CLEANUP(mem_freep)
		char *registries = mem_printf("*r%d.io r%d.io", i + 1, i);

		manifest_tree_project(&tree, name, registries, IMAGE("foo", "[]"));
	}
	build();
	cr_expect_eq(list->units.len, 1);
	cr_expect_eq(list->findings.len, 0);
}

Test(worklist, quarantined_projects_and_malformed_images_are_no_work)
{
	manifest_tree_project(&tree, "a", "*src.io r.io", "- nme: foo\n");
	manifest_tree_project(
		&tree, "b", "*src.io q.io", IMAGE("\"Bad Name\"", "[]") IMAGE("ok", "[]"));
	build();
	cr_expect_eq(list->destinations.len, 1);
	cr_expect_str_eq(list->destinations.items[0].name, "q.io/ok");
}

Test(worklist, nothing_declared_is_no_work)
{
	manifest_tree_project(&tree, "a", "*src.io r.io", "[]\n");
	build();
	cr_expect_eq(list->units.len, 0);
	cr_expect_eq(worklist_totals(list).digests, 0);
}

Test(worklist, two_registries_may_name_one_repository)
{
	/* Docker Hub's "foo" is "library/foo". */
	manifest_tree_project(
		&tree, "a", "*src.io docker.io docker.io/library", IMAGE("foo", "[]"));
	manifest_tree_project(&tree, "b", "*docker.io docker.io/library q.io", IMAGE("bar", "[]"));
	build();
	cr_expect_eq(list->destinations.len, 2);
	cr_expect_eq(find("docker.io/library/foo")->claim_count, 1);
	cr_expect_eq(find("q.io/bar")->claim_count, 1);
}
