#include "reconciler/declared.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/reconciler/declared_text.h"

#define EXPECTED_DIGITS "64 lower-case hexadecimal digits"
#define EXPECTED_TAG                                                                               \
	"expected 1 to 128 letters, digits, '_', '.' and '-', not beginning with '.' or '-'"

/* Loads one project "p" with these two files. */
static struct declared *load(const char *manifest, const char *images)
{
	const struct memory_file files[] = {{.path = "images/p/images.yaml", .text = images},
		{.path = "manifests/p/promoter-manifest.yaml", .text = manifest}, {0}};
	return declared_of(files, true);
}

static void expect_images(const char *images, const char *findings, bool quarantined)
{
	CLEANUP(declared_freep)
	struct declared *declared = load(MANIFEST("src.example/a", "dst.example/b"), images);
	expect_findings(declared, findings);
	cr_assert_eq(declared->projects.items[0].quarantined, quarantined);
}

static void expect_manifest(const char *manifest, const char *findings, bool quarantined)
{
	CLEANUP(declared_freep) struct declared *declared = load(manifest, "[]");
	expect_findings(declared, findings);
	cr_assert_eq(declared->projects.items[0].quarantined, quarantined);
}

/* ---- What is kept ---- */

Test(declared, everything_declared_is_there_in_order)
{
	CLEANUP(declared_freep)
	struct declared *declared = load("registries:\n"
					 "- name: Src.Example:443/a\n"
					 "  src: true\n"
					 "- name: dst.example/b\n"
					 "  service-account: who@where\n"
					 "imagesPath: ignored\n",
		"- name: x/y\n"
		"  dmap:\n"
		"    \"" DIGEST_B "\": [v2, 1.10, v2]\n"
		"    " DIGEST_A ":\n"
		"- dmap: {" DIGEST_A ": [on]}\n"
		"  name: z\n");
	expect_findings(declared, "");
	const struct declared_project *project = &declared->projects.items[0];
	cr_assert_str_eq(project->name, "p");
	cr_assert_str_eq(project->manifest_file, "manifests/p/promoter-manifest.yaml");
	cr_assert_str_eq(project->images_file, "images/p/images.yaml");
	cr_assert_eq(project->registry_count, 2);
	cr_assert_eq(project->image_count, 2);

	const struct declared_registry *registries = declared->registries.items;
	cr_assert_str_eq(registries[0].name, "src.example/a");
	cr_assert_str_eq(registries[0].written, "Src.Example:443/a");
	cr_assert_eq(project->source_registry, 0);
	cr_assert_str_eq(registries[1].service_account, "who@where");
	cr_assert_not(declared_is_destination(declared, project, &registries[0]));
	cr_assert(declared_is_destination(declared, project, &registries[1]));

	const struct declared_image *image = &declared->images.items[0];
	const struct declared_digest *digests = declared->digests.items;
	cr_assert_str_eq(image->name, "x/y");
	cr_assert_eq(image->line, 1);
	cr_assert_eq(image->digest_count, 2);
	cr_assert_eq(digests[0].sha256[31], 0xbb);
	cr_assert_eq(digests[0].line, 3);
	cr_assert_eq(digests[0].column, 5);
	cr_assert_eq(digests[0].tag_count, 2, "a tag given twice is one");
	cr_assert_str_eq(declared->tags.items[1].name, "1.10");
	cr_assert_eq(digests[1].tag_count, 0);
	cr_assert_str_eq(declared->images.items[1].name, "z");
	cr_assert_eq(declared->images.items[1].digest_count, 1);
	cr_assert_eq(declared->tags.items[0].name, intern_text(declared->strings, "v2"));
}

Test(declared, counts)
{
	const struct memory_file files[] = {
		{.path = "images/a/images.yaml",
			.text = "- name: x\n  dmap:\n    " DIGEST_A ": [v1, v2]\n    " DIGEST_B
				":\n"
				"- name: y\n  dmap: {" DIGEST_A ": [v1], sha256:short: [v2]}\n"},
		{.path = "manifests/a/promoter-manifest.yaml",
			.text = "registries: [{name: s.example, src: true}, {name: d.example/p},"
				" {name: e.example}]\n"},
		/* The same repository d.example/p/x by another way: one more tag, one digest again. */
		{.path = "images/b/images.yaml",
			.text = "- name: p/x\n  dmap: {" DIGEST_A ": [v1, v3]}\n"},
		{.path = "manifests/b/promoter-manifest.yaml",
			.text = MANIFEST("s.example", "d.example")},
		/* Quarantined: declared, but nothing is to be done for it. */
		{.path = "images/c/images.yaml",
			.text = "- name: z\n  dmap: {" DIGEST_C ": [v1]}\n  nonsense: 1\n"},
		{.path = "manifests/c/promoter-manifest.yaml",
			.text = MANIFEST("s.example", "d.example")},
		{0}};
	CLEANUP(declared_freep) struct declared *declared = declared_of(files, true);
	struct declared_counts counts;
	declared_count(declared, &counts);
	cr_assert_eq(counts.projects, 3);
	cr_assert_eq(counts.images, 4);
	cr_assert_eq(counts.digests, 6);
	cr_assert_eq(counts.tags, 7);
	/* d/p/x: a, b; e/x: a, b; d/p/y: a; e/y: a */
	cr_assert_eq(counts.repositories, 4);
	cr_assert_eq(counts.destinations, 6);
	/* d/p/x: a:v1 a:v2 a:v3 b; e/x: a:v1 a:v2 b; y twice: a:v1 */
	cr_assert_eq(counts.edges, 9);
	cr_assert_eq(counts.source_repositories, 3);
	cr_assert_eq(declared_findings(declared, FINDING_MALFORMED), 1);
	cr_assert_eq(declared_findings(declared, FINDING_INVALID_FILE), 1);
}

Test(declared, docker_hub_images_have_their_canonical_name)
{
	CLEANUP(declared_freep)
	struct declared *declared = load(MANIFEST("s.example", "index.docker.io"),
		"- name: nginx\n  dmap: {" DIGEST_A ": [v1]}\n- name: a/b\n");
	CLEANUP(str_release) struct str name = STR_INIT(STR_TEXT_MAX);
	declared_repository(&declared->registries.items[1], &declared->images.items[0], &name);
	cr_assert_str_eq(str_text(&name), "docker.io/library/nginx");
	str_clear(&name);
	declared_repository(&declared->registries.items[1], &declared->images.items[1], &name);
	cr_assert_str_eq(str_text(&name), "docker.io/a/b");
}

/* ---- A malformed entry is its own matter ---- */

Test(declared, malformed_digests)
{
	expect_images("- name: x\n  dmap:\n    ha256:" DIGITS_A ": [v1]\n    " DIGEST_B ": [v2]\n",
		"images/p/images.yaml:3:5 malformed: digest \"ha256:" DIGITS_A
		"\" does not begin with \"sha256:\": expected that "
		"and " EXPECTED_DIGITS "\n",
		false);
	expect_images("- name: x\n  dmap:\n    sha256:abc: [v1]\n",
		"images/p/images.yaml:3:5 malformed: digest \"sha256:abc\" has 3 digits: expected "
		"\"sha256:\" and " EXPECTED_DIGITS "\n",
		false);
	expect_images("- name: x\n  dmap:\n    " DIGEST("A") ": [v1]\n",
		"images/p/images.yaml:3:5 malformed: digest \"" DIGEST(
			"A") "\" has other characters than 0-9 and a-f: expected \"sha256:\" "
			     "and " EXPECTED_DIGITS "\n",
		false);
	expect_images("- name: x\n  dmap: {sha2: [], sha512:" DIGITS_A DIGITS_A ": []}\n",
		"images/p/images.yaml:2:10 malformed: digest \"sha2\" does not begin with "
		"\"sha256:\": "
		"expected that and " EXPECTED_DIGITS "\n"
		"images/p/images.yaml:2:20 malformed: digest \"sha512:" DIGITS_A D8("a") D8("a")
			D8("a") "aaaaa\" does not begin with \"sha256:\": expected that "
				"and " EXPECTED_DIGITS "\n",
		false);
}

Test(declared, malformed_tags)
{
	expect_images("- name: x\n  dmap:\n    " DIGEST_A
		      ": [v1, 'a b', ~, '', -x, \"v1\\0\", v2]\n",
		"images/p/images.yaml:3:83 malformed: tag \"a b\": " EXPECTED_TAG "\n"
		"images/p/images.yaml:3:90 malformed: empty or null tag: expected a tag; quote it "
		"if "
		"\"null\" is meant\n"
		"images/p/images.yaml:3:93 malformed: tag \"\": " EXPECTED_TAG "\n"
		"images/p/images.yaml:3:97 malformed: tag \"-x\": " EXPECTED_TAG "\n"
		"images/p/images.yaml:3:101 malformed: tag \"v1\" followed by a NUL "
		"byte: " EXPECTED_TAG "\n",
		false);
}

/* Trust rule 3: such a tag would plant or block the signatures of another digest. */
Test(declared, tags_of_signatures_and_referrers_are_malformed)
{
	expect_images("- name: x\n  dmap:\n    " DIGEST_A ":\n"
		      "    - sha256-" DIGITS_B ".sig\n"
		      "    - sha256-" DIGITS_B "\n"
		      "    - sha256-abc\n",
		"images/p/images.yaml:4:7 malformed: tag \"sha256-" DIGITS_B
		".sig\" belongs to the signatures and referrers of a digest: no "
		"manifest may claim it\n"
		"images/p/images.yaml:5:7 malformed: tag \"sha256-" DIGITS_B
		"\" belongs to the signatures and referrers of a digest: "
		"no manifest may claim it\n",
		false);
}

Test(declared, malformed_image_names)
{
	CLEANUP(declared_freep)
	struct declared *declared = load(MANIFEST("s.example", "d.example"),
		"- name: /x\n- name: a/../b\n- dmap: {}\n- name:\n- name: ok\n- name: \"a\\0\"\n");
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	add_findings(declared, &text);
	cr_assert_eq(declared_findings(declared, FINDING_MALFORMED), 4, "%s", str_text(&text));
	cr_assert_eq(declared_findings(declared, FINDING_INVALID_FILE), 1);
	for (size_t i = 0; i < declared->images.len; i++)
		cr_assert_eq(declared->images.items[i].malformed, i != 4);
}

Test(declared, names_too_long_for_a_registry_are_malformed)
{
	CLEANUP(str_release) struct str images = STR_INIT(STR_TEXT_MAX);
	/* "d.example/" and 245 bytes are 255; the source is one byte longer. */
	for (int len = 244; len <= 245; len++) {
		str_add_text(&images, "- name: ");
		for (int i = 0; i < len; i++)
			str_add_char(&images, 'a');
		str_add_char(&images, '\n');
	}
	CLEANUP(declared_freep)
	struct declared *declared = load(MANIFEST("sr.example", "d.example"), str_text(&images));
	cr_assert_not(declared->images.items[0].malformed);
	cr_assert(declared->images.items[1].malformed);
	cr_assert_eq(declared_findings(declared, FINDING_MALFORMED), 1);
}

/* ---- An invalid file is its project's matter ---- */

Test(declared, wrong_types_quarantine_the_project)
{
	expect_images("- name: x\n  dmap: {" DIGEST_A ": v1}\n",
		"images/p/images.yaml:2:83 invalid-file: expected a list of tags, found a single "
		"value\n",
		true);
	expect_images("- name: x\n  dmap: {" DIGEST_A ": [[v1], v2]}\n",
		"images/p/images.yaml:2:84 invalid-file: expected a tag, found a list\n", true);
	expect_images("name: x\n",
		"images/p/images.yaml:1:1 invalid-file: expected a list of images, found a "
		"mapping\n",
		true);
	expect_images("- x\n- name: y\n  dmap: []\n  labels: {a: b}\n",
		"images/p/images.yaml:1:3 invalid-file: expected an image (a mapping with name and "
		"dmap), found a single value\n"
		"images/p/images.yaml:3:9 invalid-file: expected dmap: a mapping from digests to "
		"lists "
		"of tags, found a list\n"
		"images/p/images.yaml:4:3 invalid-file: unknown key \"labels\": expected name or "
		"dmap\n",
		true);
}

Test(declared, duplicate_digests_quarantine_the_project)
{
	expect_images("- name: x\n  dmap:\n    " DIGEST_A ": [v1]\n    \"" DIGEST_A "\": [v2]\n",
		"images/p/images.yaml:4:5 invalid-file: duplicate key \"" DIGEST_A
		"\": it stands on line 3 already\n",
		true);
}

Test(declared, files_without_images)
{
	expect_images("", "", false);
	expect_images("# all gone\n", "", false);
	expect_images("[]\n", "", false);
	expect_images("- name: x\n", "", false);
	expect_images("- name: x\n  dmap:\n", "", false);
}

Test(declared, a_syntax_error_leaves_what_was_read_and_no_guesses)
{
	CLEANUP(declared_freep)
	struct declared *declared = load(MANIFEST("s.example", "d.example"),
		"- name: x\n  dmap:\n    " DIGEST_A ": [v1]\n- dmap:\n\t");
	cr_assert_eq(declared_findings(declared, FINDING_INVALID_FILE), 1);
	cr_assert_eq(declared->findings.len, 1, "no image without a name is reported");
	cr_assert(declared->projects.items[0].quarantined);
	cr_assert_str_eq(declared->tags.items[0].name, "v1", "the claim is known");
}

Test(declared, sources)
{
	static const char file[] = "manifests/p/promoter-manifest.yaml";
	CLEANUP(str_release) struct str wanted = STR_INIT(STR_TEXT_MAX);
	expect_manifest("registries:\n- name: a.example\n- name: b.example\n",
		"manifests/p/promoter-manifest.yaml:2:1 invalid-file: no registry with src: true: "
		"expected exactly one source\n",
		true);
	expect_manifest(
		"registries: [{name: a.example, src: true}, {name: b.example, src: true}]\n",
		"manifests/p/promoter-manifest.yaml:1:44 invalid-file: a second registry with src: "
		"true: expected exactly one source\n",
		true);
	expect_manifest("registries: [{name: a.example, src: \"true\"}, {name: b.example}]\n",
		"manifests/p/promoter-manifest.yaml:1:37 invalid-file: expected src: true or "
		"false, "
		"found the quoted text \"true\"\n",
		true);
	str_addf(&wanted,
		"%s:1:1 invalid-file: no registries: expected a list with at least one source\n",
		file);
	expect_manifest("", str_text(&wanted), true);
	expect_manifest("imagesPath: x\n", str_text(&wanted), true);
	expect_manifest("registries:\n",
		"manifests/p/promoter-manifest.yaml:1:12 invalid-file: no registry with src: true: "
		"expected exactly one source\n",
		true);
}

Test(declared, registry_names)
{
	expect_manifest("registries:\n- {name: a.example, src: yes}\n- name:\n- name: "
			"b.example/\n- src: no\n",
		"manifests/p/promoter-manifest.yaml:3:8 invalid-file: expected name: the "
		"registry's host "
		"and path, found nothing or null\n"
		"manifests/p/promoter-manifest.yaml:4:9 invalid-file: name: registry 'b.example/': "
		"empty "
		"path component\n"
		"manifests/p/promoter-manifest.yaml:5:3 invalid-file: registry without a name: "
		"expected "
		"name\n",
		true);
}

Test(declared, destinations_that_receive_nothing_are_skipped)
{
	CLEANUP(declared_freep)
	struct declared *declared = load("registries:\n"
					 "- {name: a.example/x, src: true}\n"
					 "- {name: b.example}\n"
					 "- {name: A.example/x}\n"
					 "- {name: b.example.}\n",
		"- name: x\n  dmap: {" DIGEST_A ": [v1]}\n");
	expect_findings(declared,
		"manifests/p/promoter-manifest.yaml:4:0 warning: destination a.example/x is the "
		"source "
		"itself: skipped\n"
		"manifests/p/promoter-manifest.yaml:5:0 warning: destination b.example is listed "
		"twice: "
		"skipped\n");
	const struct declared_project *project = &declared->projects.items[0];
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(
			declared_is_destination(declared, project, &declared->registries.items[i]),
			i == 1);
	cr_assert_eq(declared->counts.edges, 1);
}

Test(declared, errors_of_one_file_are_bounded)
{
	CLEANUP(str_release) struct str images = STR_INIT(STR_TEXT_MAX);
	for (size_t i = 0; i < DECLARED_FILE_FINDINGS_MAX + 100; i++)
		str_add_text(&images, "- name: A\n");
	CLEANUP(declared_freep)
	struct declared *declared = load(MANIFEST("s.example", "d.example"), str_text(&images));
	cr_assert_eq(declared->findings.len, DECLARED_FILE_FINDINGS_MAX + 1);
	cr_assert_eq(declared_findings(declared, FINDING_INVALID_FILE), 1);
	cr_assert(declared->projects.items[0].quarantined, "the rest is unknown");
}

Test(declared, registries_and_repositories_are_bounded)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	str_add_text(&text, "registries:\n- {name: s.example, src: true}\n");
	for (int i = 0; i < DECLARED_REGISTRIES_MAX - 1; i++)
		str_addf(&text, "- name: d%d.example\n", i);
	CLEANUP(str_release) struct str images = STR_INIT(STR_TEXT_MAX);
	for (size_t i = 0; i < DECLARED_REPOSITORIES_MAX / DECLARED_REGISTRIES_MAX + 1; i++)
		str_addf(&images, "- name: x%zu\n  dmap: {" DIGEST_A ": []}\n", i);
	CLEANUP(declared_freep)
	struct declared *expanded = load(str_text(&text), str_text(&images));
	expect_findings(expanded,
		"images/p/images.yaml:0:0 invalid-file: more than 1000000 repositories (images "
		"times "
		"registries) in all\n");
	cr_assert(expanded->projects.items[0].quarantined);

	str_add_text(&text, "- name: one.too.many\n");
	CLEANUP(declared_freep) struct declared *many = load(str_text(&text), "[]");
	cr_assert_eq(declared_findings(many, FINDING_INVALID_FILE), 1);
}

/* ---- Plain manifests ---- */

static struct declared *load_plain(const char *text)
{
	const struct memory_file files[] = {{.path = "m.yaml", .text = text}, {0}};
	CLEANUP(source_freep) struct source *source = memory_source(files);
	struct declared *declared = NULL;
	cr_assert(declared_load_plain(source, "m.yaml", NULL, &declared, NULL));
	return declared;
}

Test(declared, a_plain_manifest_holds_both)
{
	CLEANUP(declared_freep)
	struct declared *declared = load_plain("images:\n- name: x\n  dmap: {" DIGEST_A
					       ": [v1]}\n" MANIFEST("s.example", "d.example"));
	expect_findings(declared, "");
	cr_assert_str_eq(declared->projects.items[0].name, "");
	cr_assert_str_eq(declared->projects.items[0].images_file, "m.yaml");
	cr_assert_eq(declared->counts.edges, 1);

	CLEANUP(declared_freep)
	struct declared *wrong = load_plain(
		MANIFEST("s.example", "d.example") "imagesPath: x\nimages:\n- name: x\n");
	expect_findings(wrong,
		"m.yaml:5:1 invalid-file: unknown key \"imagesPath\": expected registries or "
		"images\n"
		"m.yaml:7:3 malformed: image without digests: expected dmap with at least one "
		"digest in "
		"a plain manifest\n");
}

Test(declared, a_plain_manifest_that_cannot_be_read_is_an_error)
{
	const struct memory_file files[] = {{.path = "m.yaml", .text = ""}, {0}};
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(source_freep) struct source *source = memory_source(files);
	CLEANUP(declared_freep) struct declared *declared = NULL;
	cr_assert_not(declared_load_plain(source, "n.yaml", NULL, &declared, &err));
	cr_assert(err_is(err, ERR_NOT_FOUND));
	cr_assert_not_null(declared);
}

/* ---- The tree ---- */

static void expect_tree(const struct memory_file *files, const char *wanted)
{
	CLEANUP(declared_freep) struct declared *declared = declared_of(files, false);
	expect_findings(declared, wanted);
}

#define GOOD_MANIFEST                                                                              \
	{                                                                                          \
		.path = "manifests/p/promoter-manifest.yaml",                                      \
		.text = MANIFEST("s.example", "d.example")                                         \
	}
#define GOOD_IMAGES                                                                                \
	{                                                                                          \
		.path = "images/p/images.yaml", .text = "[]"                                       \
	}

Test(declared, trees_of_the_wrong_shape)
{
	expect_tree((const struct memory_file[]){{0}},
		"images:0:0 tree: missing: expected a directory\n"
		"manifests:0:0 tree: missing: expected a directory\n");
	expect_tree((const struct memory_file[]){GOOD_IMAGES, {.path = "manifests"}, {0}},
		"images/p:0:0 warning: no manifests/p/promoter-manifest.yaml: nothing in here is "
		"promoted\n"
		"manifests:0:0 tree: no manifest: expected "
		"manifests/PROJECT/promoter-manifest.yaml\n");
	expect_tree(
		(const struct memory_file[]){{.path = "images", .text = "x"}, GOOD_MANIFEST, {0}},
		"images:0:0 tree: expected a directory, this is a file\n"
		"images/p/images.yaml:0:0 tree: missing: manifests/p/promoter-manifest.yaml needs "
		"it\n");
	expect_tree((const struct memory_file[]){GOOD_IMAGES, GOOD_MANIFEST,
			    {.path = "manifests/promoter-manifest.yaml", .text = "x"},
			    {.path = "manifests/q/r/promoter-manifest.yaml", .text = "x"}, {0}},
		"manifests/promoter-manifest.yaml:0:0 tree: not deep enough: expected "
		"manifests/PROJECT/promoter-manifest.yaml\n"
		"manifests/q:0:0 warning: no promoter-manifest.yaml in this directory: ignored\n"
		"manifests/q/r/promoter-manifest.yaml:0:0 tree: too deep: expected "
		"manifests/PROJECT/promoter-manifest.yaml\n");
}

Test(declared, links_are_not_followed)
{
	expect_tree((const struct memory_file[]){GOOD_IMAGES, GOOD_MANIFEST,
			    {.path = "images/q/images.yaml", .text = "[]"},
			    {.path = "manifests/q/promoter-manifest.yaml",
				    .text = "../x",
				    .kind = SOURCE_LINK},
			    {.path = "manifests/r", .text = "p", .kind = SOURCE_LINK}, {0}},
		"images/q:0:0 warning: no manifests/q/promoter-manifest.yaml: nothing in here is "
		"promoted\n"
		"manifests/q/promoter-manifest.yaml:0:0 tree: expected a regular file, this is a "
		"symbolic link (links are not followed)\n"
		"manifests/r:0:0 warning: symbolic links are not followed: ignored\n");
	expect_tree(
		(const struct memory_file[]){GOOD_MANIFEST,
			{.path = "images/p/images.yaml", .text = "x", .kind = SOURCE_LINK}, {0}},
		"images/p/images.yaml:0:0 tree: not a regular file\n");
}

Test(declared, other_files_are_nobodys_business)
{
	CLEANUP(declared_freep)
	struct declared *declared =
		declared_of((const struct memory_file[]){GOOD_IMAGES, GOOD_MANIFEST,
				    {.path = "README.md", .text = ":"},
				    {.path = "manifests/OWNERS", .text = ":"},
				    {.path = "manifests/p/a/b/c", .text = ":"},
				    {.path = "images/p/more.yaml", .text = ":"},
				    {.path = "images/x", .text = ":"}, {0}},
			true);
	expect_findings(declared, "");
}

Test(declared, one_error_names_all_faults_of_the_tree)
{
	const struct memory_file files[] = {{0}};
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(source_freep) struct source *source = memory_source(files);
	CLEANUP(declared_freep) struct declared *declared = NULL;
	cr_assert_not(declared_load_thin(source, NULL, &declared, &err));
	cr_assert(err_is(err, ERR_INVALID));
	cr_assert_str_eq(err->msg,
		"the manifest tree has the wrong shape: images: missing: expected a directory; "
		"manifests: missing: expected a directory");
}

Test(declared, depth_is_bounded)
{
	CLEANUP(str_release) struct str path = STR_INIT(STR_TEXT_MAX);
	str_add_text(&path, "manifests/p");
	for (int i = 0; i < DECLARED_DEPTH_MAX + 1; i++)
		str_add_text(&path, "/d");
	str_add_text(&path, "/x");
	const struct memory_file files[] = {
		GOOD_IMAGES, GOOD_MANIFEST, {.path = str_text(&path), .text = "x"}, {0}};
	CLEANUP(declared_freep) struct declared *declared = declared_of(files, false);
	cr_assert_eq(declared_findings(declared, FINDING_TREE), 1);
}

/* ---- Files and directories that cannot be read ---- */

Test(declared, an_unreadable_file_quarantines_its_project_and_freezes_its_prefixes)
{
	const struct memory_file files[] = {
		{.path = "images/a/images.yaml", .text = "x", .fails = true, .read_error = ERR_IO},
		{.path = "manifests/a/promoter-manifest.yaml",
			.text = MANIFEST(
				"s.example", "us-docker.pkg.dev/k8s-artifacts-prod/images/a")},
		{.path = "images/b/images.yaml",
			.text = "- name: b\n  dmap: {" DIGEST_A ": [v1]}\n"},
		{.path = "manifests/b/promoter-manifest.yaml",
			.text = MANIFEST("s.example", "d.example")},
		{0}};
	CLEANUP(declared_freep) struct declared *declared = declared_of(files, true);
	expect_findings(
		declared, "images/a/images.yaml:0:0 invalid-file: cannot read it: not today\n");
	const struct declared_project *frozen = &declared->projects.items[0];
	cr_assert(frozen->quarantined);
	cr_assert_not(declared->projects.items[1].quarantined);
	cr_assert_not(declared_is_destination(declared, frozen, &declared->registries.items[1]));

	static const char *const below[] = {"us-docker.pkg.dev/k8s-artifacts-prod/images/a/x",
		"us-docker.pkg.dev/k8s-artifacts-prod/images/a/x/y",
		"asia-docker.pkg.dev/k8s-artifacts-prod/images/a/x", "registry.k8s.io/a/x"};
	static const char *const beside[] = {"us-docker.pkg.dev/k8s-artifacts-prod/images/ab",
		"us-docker.pkg.dev/k8s-artifacts-prod/images/a", "d.example/b",
		"asia-docker.pkg.dev/k8s-artifacts-prod/images/b/x", "s.example/a"};
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(declared_frozen_by(declared, below[i], 1), frozen, "%s", below[i]);
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
		cr_assert_null(declared_frozen_by(declared, beside[i], 1), "%s", beside[i]);
	cr_assert_null(declared_frozen_by(declared, below[0], 0), "not by itself");
}

Test(declared, a_cancelled_source_ends_loading)
{
	const struct memory_file files[] = {GOOD_MANIFEST,
		{.path = "images/p/images.yaml",
			.text = "x",
			.fails = true,
			.read_error = ERR_CANCELLED},
		{0}};
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(source_freep) struct source *source = memory_source(files);
	CLEANUP(declared_freep) struct declared *declared = NULL;
	cr_assert_not(declared_load_thin(source, NULL, &declared, &err));
	cr_assert(err_is(err, ERR_CANCELLED));
}

/* ---- Tag policies ---- */

static struct declared *load_policy(const char *path, const char *text)
{
	const struct memory_file files[] = {
		{.path = "images/p/images.yaml",
			.text = "- name: foo\n  dmap: {" DIGEST_A ": [x]}\n"},
		{.path = "manifests/p/promoter-manifest.yaml",
			.text = MANIFEST("src.example/a", "dst.example/b")},
		{.path = path, .text = text}, {0}};
	return declared_of(files, true);
}

Test(declared, a_policy_is_of_its_project)
{
	CLEANUP(declared_freep)
	struct declared *declared =
		load_policy("policies/p/tag-policy.yaml", "mutable: [{tags: [x]}]");
	expect_findings(declared, "");
	cr_assert(declared_is_mutable(declared, &declared->images.items[0], "x"));
	cr_assert_not(declared_is_mutable(declared, &declared->images.items[0], "y"));
}

Test(declared, a_policy_that_is_wrong_costs_only_the_leave_to_move)
{
	CLEANUP(declared_freep)
	struct declared *declared =
		load_policy("policies/p/tag-policy.yaml", "mutable: [{tags: [x]}]\nalso: y\n");
	expect_findings(declared,
		"policies/p/tag-policy.yaml:2:1 invalid-file: unknown key \"also\": expected "
		"mutable; no tag of this project is moved\n");
	cr_assert_not(declared_is_mutable(declared, &declared->images.items[0], "x"));
	cr_assert_not(declared->projects.items[0].quarantined);
}

Test(declared, a_policy_that_is_no_file_is_told)
{
	const struct memory_file files[] = {{.path = "images/p/images.yaml", .text = "[]"},
		{.path = "manifests/p/promoter-manifest.yaml",
			.text = MANIFEST("src.example/a", "dst.example/b")},
		{.path = "policies/p/tag-policy.yaml", .text = "", .kind = SOURCE_LINK}, {0}};
	CLEANUP(declared_freep) struct declared *declared = declared_of(files, true);
	expect_findings(declared,
		"policies/p/tag-policy.yaml:0:0 invalid-file: not a regular file; no tag of this "
		"project is moved\n");
}

Test(declared, a_policy_of_nobody_is_a_warning)
{
	CLEANUP(declared_freep)
	struct declared *declared = load_policy("policies/q/tag-policy.yaml", "");
	expect_findings(declared,
		"policies/q:0:0 warning: no manifests/q/promoter-manifest.yaml: this policy is of "
		"no project\n");
}
