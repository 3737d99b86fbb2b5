#include "reconciler/primary.h"

#include <criterion/criterion.h>
#include <string.h>

#include "reconciler/identity.h"
#include "tests/unit/reconciler/declared_text.h"

#define PROD(host) host "-docker.pkg.dev/k8s-artifacts-prod/images"
#define SITES 8

static struct declared *declared;
static struct worklist *list;
static struct wanted wanted[SITES];
static struct primary_site sites[SITES];
static struct primaries *primaries;
static uint32_t count;

/* What is wanted by all and shared is shared here too. */
static void load(
	const char *manifest_a, const char *images_a, const char *manifest_b, const char *images_b)
{
	const struct memory_file files[] = {{.path = "images/a/images.yaml", .text = images_a},
		{.path = "images/b/images.yaml", .text = images_b},
		{.path = "manifests/a/promoter-manifest.yaml", .text = manifest_a},
		{.path = "manifests/b/promoter-manifest.yaml", .text = manifest_b}, {0}};

	declared = declared_of(files, true);
	list = worklist_new(declared);
	count = list->units.items[0].destination_count;
	cr_assert_leq(count, SITES);
	for (uint32_t i = 0; i < count; i++) {
		bool is_shared = i && wanted_is_shared(list, i - 1, i);

		wanted_init(&wanted[i], list, i);
		sites[i] = (struct primary_site){list->destinations.items[i].name,
			is_shared ? sites[i - 1].wanted : &wanted[i]};
	}
	primaries = primaries_new(NULL, sites, count);
}

static void tear_down(void)
{
	primaries_free(primaries);
	for (uint32_t i = 0; i < count; i++)
		wanted_release(&wanted[i]);
	worklist_free(list);
	declared_free(declared);
}

TestSuite(primary, .fini = tear_down);

static uint32_t site_named(const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(sites[i].name, name) == 0)
			return i;
	cr_assert_fail("no site %s", name);
	return 0;
}

/* The only digest there, unless said otherwise. */
static struct primary_pair pair_at(const char *name, uint32_t digest)
{
	return (struct primary_pair){site_named(name), digest};
}

static void expect_primary(const char *name, uint32_t digest, const char *primary)
{
	struct primary_pair found = primary_of(primaries, pair_at(name, digest));

	cr_expect_str_eq(sites[found.site].name, primary, "%s: %s", name, sites[found.site].name);
}

#define REGISTRIES(source) "registries:\n- name: " source "\n  src: true\n"
#define NO_PROJECT REGISTRIES("src.io/none") "- name: none.io\n"
#define IMAGE_OF(digest) "- name: app\n  dmap: {\"" digest "\": [v1]}\n"

Test(primary, the_canonical_registry_is_first)
{
	load(REGISTRIES("src.io") "- name: " PROD("asia") "\n- name: " PROD(
		     "us-central1") "\n- name: " PROD("europe") "\n",
		IMAGE_OF(DIGEST_A), NO_PROJECT, "[]\n");
	expect_primary(PROD("asia") "/app", 0, PROD("us-central1") "/app");
	expect_primary(PROD("us-central1") "/app", 0, PROD("us-central1") "/app");
	cr_expect_eq(
		primary_role(primaries, site_named(PROD("us-central1") "/app")), PRIMARY_OF_ALL);
	cr_expect_eq(primary_role(primaries, site_named(PROD("europe") "/app")), PRIMARY_OF_NONE);
	cr_expect(primary_is_uniform(primaries, pair_at(PROD("us-central1") "/app", 0)));
	cr_expect_str_eq(primary_identity(primaries, 0), "registry.k8s.io/app");
}

/* Two projects put different digests, and one that is the same, below one identity. */
Test(primary, decided_by_digest_where_not_all_want_the_same)
{
	struct primary_pair both;
	uint32_t digest;

	load(REGISTRIES("src.io") "- name: " PROD("b") "\n- name: " PROD("c") "\n",
		"- name: app\n  dmap: {\"" DIGEST_A "\": [v1], \"" DIGEST_B "\": [v2]}\n",
		REGISTRIES("other.io") "- name: " PROD("a") "\n- name: " PROD("b") "\n",
		"- name: app\n  dmap: {\"" DIGEST_B "\": [v2]}\n");
	expect_primary(PROD("c") "/app", 0, PROD("b") "/app");
	expect_primary(PROD("c") "/app", 1, PROD("a") "/app");
	expect_primary(PROD("b") "/app", 0, PROD("b") "/app");
	expect_primary(PROD("b") "/app", 1, PROD("a") "/app");
	cr_expect_eq(primary_role(primaries, site_named(PROD("b") "/app")), PRIMARY_OF_SOME);
	both = primary_of(primaries, pair_at(PROD("c") "/app", 1));
	cr_expect_eq(both.digest, 0, "its index at the primary");
	cr_expect_not(primary_is_uniform(primaries, both));
	cr_expect_not(primary_has(
		primaries, pair_at(PROD("b") "/app", 0), site_named(PROD("a") "/app"), &digest));
	cr_expect(primary_are_related(
		primaries, site_named(PROD("a") "/app"), site_named(PROD("c") "/app")));
}

Test(primary, without_a_name_the_entry_is_what_they_share)
{
	load(REGISTRIES("src.io") "- name: b.io\n- name: z.io\n", IMAGE_OF(DIGEST_A),
		REGISTRIES("src.io") "- name: a.io\n- name: z.io\n", IMAGE_OF(DIGEST_A));
	expect_primary("a.io/app", 0, "a.io/app");
	expect_primary("b.io/app", 0, "b.io/app");
	/* Of what both claim, the first entry. */
	expect_primary("z.io/app", 0, "b.io/app");
	cr_expect_null(primary_identity(primaries, 0));
	cr_expect_not(
		primary_are_related(primaries, site_named("a.io/app"), site_named("b.io/app")));
}

Test(primary, two_names_keep_apart)
{
	load(REGISTRIES("src.io") "- name: " PROD("a") "\n- name: b.io\n- name: " PROD(
		     "c") "/sub\n",
		IMAGE_OF(DIGEST_A), NO_PROJECT, "[]\n");
	for (uint32_t i = 0; i < count; i++) {
		cr_expect_eq(primary_role(primaries, i), PRIMARY_OF_ALL, "%s", sites[i].name);
		expect_primary(sites[i].name, 0, sites[i].name);
	}
}
