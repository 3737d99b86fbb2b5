#include "reconciler/overlap.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/reconciler/declared_text.h"

#define IMAGE(name, digest, tags) "- name: " name "\n  dmap: {" DIGEST(digest) ": " tags "}\n"

/* Projects "a" and "b" with these destinations and images. */
struct pair {
	const char *manifests[2];
	const char *images[2];
};

static struct declared *load_pair(const struct pair *pair)
{
	const struct memory_file files[] = {
		{.path = "images/a/images.yaml", .text = pair->images[0]},
		{.path = "images/b/images.yaml", .text = pair->images[1]},
		{.path = "manifests/a/promoter-manifest.yaml", .text = pair->manifests[0]},
		{.path = "manifests/b/promoter-manifest.yaml", .text = pair->manifests[1]}, {0}};
	return declared_of(files, true);
}

static struct declared *load(const char *manifest, const char *images)
{
	const struct memory_file files[] = {{.path = "images/a/images.yaml", .text = images},
		{.path = "manifests/a/promoter-manifest.yaml", .text = manifest}, {0}};
	return declared_of(files, true);
}

static void expect_dispute(
	const struct declared *declared, const char *repository, const char *tag, bool wanted)
{
	const struct declared_dispute *dispute = declared_dispute(declared, repository, tag);
	cr_assert_eq(dispute != NULL, wanted, "%s:%s", repository, tag);
	if (dispute)
		cr_assert_str_eq(dispute->tag, tag);
}

Test(overlap, two_digests_of_one_image)
{
	CLEANUP(declared_freep)
	struct declared *declared = load(
		"registries: [{name: s.example, src: true}, {name: d.example},"
		" {name: e.example}, {name: f.example}]",
		"- name: x\n  dmap:\n    " DIGEST_A ": [v1, v2]\n    " DIGEST_B ": [v2, v3]\n");
	expect_findings(declared,
		"images/a/images.yaml:4:79 overlap: tag \"v2\" of d.example/x and 2 other "
		"destinations "
		"is claimed for two digests: " DIGEST_B " here, " DIGEST_A
		" at images/a/images.yaml:3:83\n");
	expect_dispute(declared, "d.example/x", "v2", true);
	expect_dispute(declared, "f.example/x", "v2", true);
	expect_dispute(declared, "d.example/x", "v1", false);
	expect_dispute(declared, "s.example/x", "v2", false);
	expect_dispute(declared, "d.example/y", "v2", false);
	cr_assert_str_eq(declared_dispute(declared, "e.example/x", "v2")->reason,
		DIGEST_A " (images/a/images.yaml:3:83) and " DIGEST_B
			 " (images/a/images.yaml:4:79) both claim this tag");
}

Test(overlap, the_same_digest_twice_is_fine)
{
	const struct pair pair = {.manifests = {MANIFEST("s.example", "d.example/p"),
					  MANIFEST("t.example", "d.example")},
		.images = {IMAGE("x", "a", "[v1, v2]") IMAGE("x", "a", "[v1]"),
			IMAGE("p/x", "a", "[v1]")}};
	CLEANUP(declared_freep) struct declared *declared = load_pair(&pair);
	expect_findings(declared, "");
	expect_dispute(declared, "d.example/p/x", "v1", false);
	cr_assert_eq(declared->counts.edges, 2);
}

/* Registries nest: only the full path tells what is the same. */
Test(overlap, nested_registries_share_a_repository)
{
	const struct pair pair = {.manifests = {MANIFEST("s.example", "d.example/p"),
					  MANIFEST("s.example", "D.example:443")},
		.images = {IMAGE("q/x", "a", "[v1, v2]"), IMAGE("p/q/x", "b", "[v2]")}};
	CLEANUP(declared_freep) struct declared *declared = load_pair(&pair);
	expect_findings(declared,
		"images/b/images.yaml:2:84 overlap: tag \"v2\" of d.example/p/q/x is claimed for "
		"two "
		"digests: " DIGEST_B " here, " DIGEST_A " at images/a/images.yaml:2:88\n");
	expect_dispute(declared, "d.example/p/q/x", "v2", true);
	expect_dispute(declared, "d.example/p/q/x", "v1", false);
}

Test(overlap, only_the_shared_destination_is_disputed)
{
	const struct pair pair = {.manifests = {"registries: [{name: s.example, src: true}, {name: "
						"d.example}, {name: e.example}]",
					  MANIFEST("s.example", "d.example")},
		.images = {IMAGE("x", "a", "[v1]"), IMAGE("x", "b", "[v1]")}};
	CLEANUP(declared_freep) struct declared *declared = load_pair(&pair);
	cr_assert_eq(declared->findings.len, 1);
	expect_dispute(declared, "d.example/x", "v1", true);
	expect_dispute(declared, "e.example/x", "v1", false);
}

Test(overlap, many_shared_mirrors_are_one_finding)
{
	CLEANUP(str_release) struct str manifest = STR_INIT(STR_TEXT_MAX);
	str_add_text(&manifest, "registries:\n- {name: s.example, src: true}\n");
	for (int i = 10; i < 30; i++)
		str_addf(&manifest, "- name: m%d.example\n", i);
	const struct pair pair = {.manifests = {str_text(&manifest), str_text(&manifest)},
		.images = {IMAGE("x", "a", "[v1]"), IMAGE("x", "b", "[v1]")}};
	CLEANUP(declared_freep) struct declared *declared = load_pair(&pair);
	expect_findings(declared,
		"images/b/images.yaml:2:84 overlap: tag \"v1\" of m10.example/x and 19 other "
		"destinations "
		"is claimed for two digests: " DIGEST_B " here, " DIGEST_A
		" at images/a/images.yaml:2:84\n");
	cr_assert_eq(declared->disputes.len, 1);
	expect_dispute(declared, "m29.example/x", "v1", true);
}

/* Trust rule 4: registry.k8s.io/foo:v1 from two regions by two projects. */
Test(overlap, one_public_identity_from_two_regions)
{
	const struct pair pair = {
		.manifests = {MANIFEST("s.example", "us-docker.pkg.dev/k8s-artifacts-prod/images"),
			MANIFEST("s.example", "asia-docker.pkg.dev/k8s-artifacts-prod/images/p")},
		.images = {IMAGE("p/x", "a", "[v1]"), IMAGE("x", "b", "[v1, v2]")}};
	CLEANUP(declared_freep) struct declared *declared = load_pair(&pair);
	expect_findings(declared,
		"images/b/images.yaml:2:84 overlap: tag \"v1\" of the public name "
		"registry.k8s.io/p/x is "
		"claimed for two digests: " DIGEST_B " here, " DIGEST_A
		" at images/a/images.yaml:2:84\n");
	expect_dispute(declared, "us-docker.pkg.dev/k8s-artifacts-prod/images/p/x", "v1", true);
	expect_dispute(declared, "asia-docker.pkg.dev/k8s-artifacts-prod/images/p/x", "v1", true);
	expect_dispute(declared, "asia-docker.pkg.dev/k8s-artifacts-prod/images/p/x", "v2", false);
	expect_dispute(declared, "d.example/p/x", "v1", false);
}

Test(overlap, a_pair_is_reported_once_though_it_meets_in_two_places)
{
	const struct pair pair = {
		.manifests = {"registries: [{name: s.example, src: true},"
			      " {name: us-docker.pkg.dev/k8s-artifacts-prod/images},"
			      " {name: asia-docker.pkg.dev/k8s-artifacts-prod/images}]",
			MANIFEST("s.example", "us-docker.pkg.dev/k8s-artifacts-prod/images")},
		.images = {IMAGE("x", "a", "[v1]"), IMAGE("x", "b", "[v1]")}};
	CLEANUP(declared_freep) struct declared *declared = load_pair(&pair);
	expect_findings(declared,
		"images/b/images.yaml:2:84 overlap: tag \"v1\" of "
		"us-docker.pkg.dev/k8s-artifacts-prod/images/x is claimed for two "
		"digests: " DIGEST_B " here, " DIGEST_A " at images/a/images.yaml:2:84\n");
	expect_dispute(declared, "asia-docker.pkg.dev/k8s-artifacts-prod/images/x", "v1", true);
}

/* Trust rule 1: what is quarantined keeps its claim. */
Test(overlap, a_malformed_digest_claims_its_tags)
{
	const struct pair pair = {.manifests = {MANIFEST("s.example", "d.example"),
					  MANIFEST("s.example", "d.example")},
		.images = {"- name: x\n  dmap: {sha256:short: [v1]}\n", IMAGE("x", "b", "[v1]")}};
	CLEANUP(declared_freep) struct declared *declared = load_pair(&pair);
	cr_assert_eq(declared_findings(declared, FINDING_MALFORMED), 1);
	cr_assert_eq(declared_findings(declared, FINDING_OVERLAP), 1);
	expect_dispute(declared, "d.example/x", "v1", true);
}

Test(overlap, a_malformed_digest_equals_no_other)
{
	CLEANUP(declared_freep)
	struct declared *declared = load(MANIFEST("s.example", "d.example"),
		IMAGE("x", "0", "[v1]") "- name: x\n  dmap: {sha256:short: [v1]}\n");
	cr_assert_eq(declared_findings(declared, FINDING_OVERLAP), 1);
	expect_dispute(declared, "d.example/x", "v1", true);
}

Test(overlap, a_quarantined_project_claims_what_is_readable)
{
	const struct pair pair = {.manifests = {MANIFEST("s.example", "d.example"),
					  MANIFEST("s.example", "d.example")},
		.images = {IMAGE("x", "a", "[v1]") "  nonsense: 1\n", IMAGE("x", "b", "[v1]")}};
	CLEANUP(declared_freep) struct declared *declared = load_pair(&pair);
	expect_dispute(declared, "d.example/x", "v1", true);
	cr_assert_eq(declared->counts.edges, 1);
}

Test(overlap, what_cannot_be_written_claims_nothing)
{
	const struct pair pair = {.manifests = {MANIFEST("s.example", "d.example"),
					  MANIFEST("s.example", "d.example")},
		.images = {IMAGE("/x", "a", "[v1]") IMAGE("y", "a", "['v 1']"),
			IMAGE("x", "b", "[v1]") IMAGE("y", "b", "['v 1']")}};
	CLEANUP(declared_freep) struct declared *declared = load_pair(&pair);
	cr_assert_eq(declared_findings(declared, FINDING_OVERLAP), 0);
	cr_assert_eq(declared->disputes.len, 0);
}

Test(overlap, entries_without_tags_never_overlap)
{
	const struct pair pair = {.manifests = {MANIFEST("s.example", "d.example"),
					  MANIFEST("s.example", "d.example")},
		.images = {IMAGE("x", "a", "[]"), IMAGE("x", "b", "[]")}};
	CLEANUP(declared_freep) struct declared *declared = load_pair(&pair);
	expect_findings(declared, "");
	cr_assert_eq(declared->counts.destinations, 2);
}

Test(overlap, three_digests_are_two_findings)
{
	CLEANUP(declared_freep)
	struct declared *declared = load(MANIFEST("s.example", "d.example"),
		IMAGE("x", "a", "[v1]") IMAGE("x", "b", "[v1]") IMAGE("x", "c", "[v1]")
			IMAGE("x", "b", "[v1]"));
	cr_assert_eq(declared_findings(declared, FINDING_OVERLAP), 3);
	cr_assert_eq(declared->findings.items[0].place.line, 4);
	cr_assert_eq(declared->findings.items[1].place.line, 6);
	cr_assert_eq(declared->findings.items[2].place.line, 8);
}

Test(overlap, findings_are_bounded_and_disputes_are_not)
{
	CLEANUP(str_release) struct str images = STR_INIT(STR_TEXT_MAX);
	for (int half = 0; half < 2; half++) {
		str_addf(&images, "- name: x\n  dmap:\n    sha256:%064x: [v0", half);
		for (int i = 1; i < 3000; i++)
			str_addf(&images, ", v%d", i);
		str_add_text(&images, "]\n");
	}
	CLEANUP(declared_freep)
	struct declared *declared = load(MANIFEST("s.example", "d.example"), str_text(&images));
	cr_assert_eq(declared->findings.len, 1001);
	cr_assert(strstr(declared->findings.items[1000].message, "more than 1000 overlaps"));
	expect_dispute(declared, "d.example/x", "v0", true);
	expect_dispute(declared, "d.example/x", "v2999", true);
}

/* ---- Against a check that expands every edge ---- */

enum { REGISTRIES = 5, NAMES = 6, TAGS = 3, DIGESTS = 3, PROJECTS = 3 };

static const char *const registries[REGISTRIES] = {"d.example", "d.example/p", "e.example",
	"us-docker.pkg.dev/k8s-artifacts-prod/images",
	"asia-docker.pkg.dev/k8s-artifacts-prod/images/p"};
static const char *const names[NAMES] = {"x", "p/x", "q", "p/p/x", "p/q", "p/p/q"};

static unsigned pick(unsigned *state, unsigned below)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 16) % below;
}

static void random_tree(unsigned *state, struct str *manifests, struct str *images)
{
	str_add_text(manifests, "registries:\n- {name: s.example, src: true}\n");
	for (size_t i = 0; i < REGISTRIES; i++)
		if (pick(state, 2))
			str_addf(manifests, "- name: %s\n", registries[i]);
	for (unsigned i = pick(state, 4); i > 0; i--) {
		str_addf(images, "- name: %s\n  dmap:\n", names[pick(state, NAMES)]);
		for (unsigned digest = 0; digest < DIGESTS; digest++) {
			if (!pick(state, 2))
				continue;
			str_add_text(images, "    sha256:");
			for (int j = 0; j < 64; j++)
				str_add_char(images, "abc"[digest]);
			str_addf(images, ": [v%u]\n", pick(state, TAGS));
		}
	}
}

struct edge {
	char place[128]; /* repository, or public identity */
	const struct declared_digest *digest;
	const char *tag;
};

static size_t expand(const struct declared *declared, struct edge *edges)
{
	static const char public_path[] = "-docker.pkg.dev/k8s-artifacts-prod/images/";
	size_t count = 0;
	for (size_t i = 0; i < declared->images.len; i++) {
		const struct declared_image *image = &declared->images.items[i];
		const struct declared_project *project = &declared->projects.items[image->project];
		for (size_t j = 0; j < image->digest_count * project->registry_count; j++) {
			const struct declared_digest *digest =
				&declared->digests
					 .items[image->first_digest + j % image->digest_count];
			const struct declared_registry *registry =
				&declared->registries
					 .items[project->first_registry + j / image->digest_count];
			struct edge *edge = &edges[count];
			if (registry->is_source)
				continue;
			snprintf(edge->place, sizeof(edge->place), "%s/%s", registry->name,
				image->name);
			edge->digest = digest;
			edge->tag = declared->tags.items[digest->first_tag].name;
			count++;
			const char *inside = strstr(edge->place, public_path);
			if (!inside)
				continue;
			edges[count] = *edge;
			snprintf(edges[count].place, sizeof(edge->place), "registry.k8s.io/%s",
				inside + strlen(public_path));
			count++;
		}
	}
	return count;
}

static void compare_with_expansion(const struct declared *declared)
{
	static struct edge edges[4096];
	size_t count = expand(declared, edges), disputed = 0;
	for (size_t i = 0; i < count; i++) {
		bool conflict = false;
		for (size_t j = 0; j < count; j++)
			conflict |= strcmp(edges[i].place, edges[j].place) == 0 &&
				edges[i].tag == edges[j].tag &&
				memcmp(edges[i].digest->sha256, edges[j].digest->sha256, 32) != 0;
		disputed += conflict;
		if (conflict)
			expect_dispute(declared, edges[i].place, edges[i].tag, true);
		else if (!strstr(edges[i].place, "k8s-artifacts-prod"))
			expect_dispute(declared, edges[i].place, edges[i].tag, false);
	}
	cr_assert_eq(disputed > 0, declared_findings(declared, FINDING_OVERLAP) > 0);
}

Test(overlap, agrees_with_expanding_every_edge)
{
	unsigned state = 1, overlaps = 0;
	for (int round = 0; round < 500; round++) {
		struct str texts[2 * PROJECTS];
		struct memory_file files[2 * PROJECTS + 1] = {0};
		char paths[2 * PROJECTS][64];
		for (size_t i = 0; i < PROJECTS; i++) {
			str_init(&texts[2 * i], STR_TEXT_MAX);
			str_init(&texts[2 * i + 1], STR_TEXT_MAX);
			random_tree(&state, &texts[2 * i], &texts[2 * i + 1]);
			snprintf(paths[2 * i], sizeof(paths[0]),
				"manifests/p%zu/promoter-manifest.yaml", i);
			snprintf(paths[2 * i + 1], sizeof(paths[0]), "images/p%zu/images.yaml", i);
			for (size_t j = 2 * i; j < 2 * i + 2; j++)
				files[j] = (struct memory_file){
					.path = paths[j], .text = str_text(&texts[j])};
		}
		CLEANUP(declared_freep) struct declared *declared = declared_of(files, true);
		compare_with_expansion(declared);
		overlaps += declared_findings(declared, FINDING_OVERLAP) > 0;
		for (size_t i = 0; i < 2 * PROJECTS; i++)
			str_release(&texts[i]);
	}
	cr_assert(overlaps > 50 && overlaps < 450, "%u rounds had overlaps", overlaps);
}
