#include "reconciler/replicate_set.h"

#include <criterion/criterion.h>
#include <string.h>

#include "reconciler/identity.h"
#include "tests/unit/reconciler/declared_text.h"

#define PROD(host) host "-docker.pkg.dev/k8s-artifacts-prod/images"

static struct declared *declared;
static struct worklist *list;
static struct replicate_set *set;

/* One or two projects; all their destinations are in one unit. */
static void load(const char *manifest_a, const char *images_a, const char *manifest_b,
	const char *images_b, bool only_declared)
{
	const struct memory_file files[] = {{.path = "images/a/images.yaml", .text = images_a},
		{.path = "images/b/images.yaml", .text = images_b},
		{.path = "manifests/a/promoter-manifest.yaml", .text = manifest_a},
		{.path = "manifests/b/promoter-manifest.yaml", .text = manifest_b}, {0}};

	declared = declared_of(files, true);
	list = worklist_new(declared);
	set = replicate_set_new(list, &list->units.items[0], NULL, only_declared);
}

static void tear_down(void)
{
	replicate_set_free(set);
	worklist_free(list);
	declared_free(declared);
}

TestSuite(replicate_set, .fini = tear_down);

/* The places of mirrors: "1,2"; digests are told apart by their letter. */
static void expect_mirrors(size_t primary, uint8_t byte, const char *wanted)
{
	CLEANUP(mem_freep) bool *is_mirror = mem_new(set->count, sizeof(*is_mirror));
	CLEANUP(str_release) struct str found = STR_INIT(STR_TEXT_MAX);
	uint8_t image[DIGEST_SHA256_SIZE];

	memset(image, byte, sizeof(image));
	replicate_set_mirrors(set, primary, image, is_mirror);
	for (size_t i = 0; i < set->count; i++)
		if (is_mirror[i])
			str_addf(&found, "%s%zu", found.len ? "," : "", i);
	cr_assert_str_eq(str_text(&found), wanted);
}

#define NO_PROJECT "registries:\n- name: src.io/none\n  src: true\n- name: none.io\n"
#define IMAGE_OF(digest) "- name: app\n  dmap: {\"" digest "\": [v1]}\n"

Test(replicate_set, the_canonical_registry_is_primary)
{
	load("registries:\n- name: src.io\n  src: true\n- name: " PROD("asia") "\n- name: " PROD(
		     "us-central1") "\n- name: " PROD("europe") "\n",
		IMAGE_OF(DIGEST_A), NO_PROJECT, "[]\n", false);
	cr_assert_eq(set->count, 3);
	cr_assert_str_eq(set->replicas[0].repository.host, "us-central1-docker.pkg.dev");
	cr_assert(set->replicas[0].is_primary);
	cr_assert_not(set->replicas[1].is_primary);
	cr_assert_not(set->replicas[2].is_primary);
	expect_mirrors(0, 0xaa, "1,2");
	expect_mirrors(0, 0xbb, "1,2"); /* nobody declares it */
	expect_mirrors(1, 0xaa, "");
	expect_mirrors(1, 0xbb, "");
}

Test(replicate_set, undeclared_digests_if_asked_for)
{
	load("registries:\n- name: src.io\n  src: true\n- name: a.io\n- name: b.io\n",
		IMAGE_OF(DIGEST_A), NO_PROJECT, "[]\n", true);
	expect_mirrors(0, 0xaa, "1");
	expect_mirrors(0, 0xbb, "");
}

/* Each digest where it is declared, and no other place. */
Test(replicate_set, a_digest_has_the_mirrors_that_declare_it)
{
	load("registries:\n- name: src.io\n  src: true\n- name: " PROD("b") "\n- name: " PROD(
		     "c") "\n",
		IMAGE_OF(DIGEST_A),
		"registries:\n- name: other.io\n  src: true\n- name: " PROD("a") "\n- name: " PROD(
			"b") "\n",
		IMAGE_OF(DIGEST_B), false);
	cr_assert_eq(set->count, 3);
	cr_assert(set->replicas[0].is_primary);
	cr_assert(set->replicas[1].is_primary);
	cr_assert_not(set->replicas[2].is_primary);
	expect_mirrors(0, 0xaa, "");
	expect_mirrors(1, 0xaa, "2");
	expect_mirrors(0, 0xbb, "1");
	expect_mirrors(1, 0xbb, "");
}

/* A name of its own on one side, and none on the other: not one image to whoever verifies. */
Test(replicate_set, names_keep_apart)
{
	load("registries:\n- name: src.io\n  src: true\n- name: " PROD("a") "\n- name: b.io\n",
		IMAGE_OF(DIGEST_A), NO_PROJECT, "[]\n", false);
	cr_assert_null(set);
}

Test(replicate_set, two_names_keep_apart)
{
	load("registries:\n- name: src.io\n  src: true\n- name: " PROD("a") "\n- name: " PROD(
		     "b") "/sub\n",
		IMAGE_OF(DIGEST_A), NO_PROJECT, "[]\n", false);
	cr_assert_null(set);
}
