#include "reconciler/snapshot.h"

#include <criterion/criterion.h>

#include "tests/unit/reconciler/declared_text.h"

#define REGISTRIES                                                                                 \
	"registries: [{name: s.example, src: true}, {name: d.example/p}, {name: d.example},"       \
	" {name: e.example}]\n"

static const char images[] = "- name: z\n  dmap:\n    " DIGEST_B ": [v2, v10]\n    " DIGEST_A ":\n"
			     "- name: p/a\n  dmap: {" DIGEST_C ": [\"1.10\"]}\n";

static void expect(const char *manifest, const char *text, const char *registry,
	enum snapshot_format format, const char *wanted, uint64_t left_out)
{
	const struct memory_file files[] = {{.path = "images/q/images.yaml", .text = text},
		{.path = "manifests/q/promoter-manifest.yaml", .text = manifest}, {0}};
	CLEANUP(declared_freep) struct declared *declared = declared_of(files, true);
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);
	uint64_t count = 99;
	cr_assert(snapshot_of_manifests(declared, registry, format, &out, &count, NULL));
	cr_assert_str_eq(str_text(&out), wanted);
	cr_assert_eq(count, left_out);
}

Test(snapshot, yaml)
{
	expect(REGISTRIES, images, "e.example", SNAPSHOT_YAML,
		"- name: p/a\n"
		"  dmap:\n"
		"    \"" DIGEST_C "\": [\"1.10\"]\n"
		"- name: z\n"
		"  dmap:\n"
		"    \"" DIGEST_A "\": []\n"
		"    \"" DIGEST_B "\": [\"v10\", \"v2\"]\n"
		"\n",
		0);
}

Test(snapshot, csv)
{
	expect(REGISTRIES, images, "e.example", SNAPSHOT_CSV,
		"p/a@" DIGEST_C ",p/a:1.10\n"
		"z@" DIGEST_A ",-\n"
		"z@" DIGEST_B ",z:v10\n"
		"z@" DIGEST_B ",z:v2\n"
		"\n",
		0);
}

/* d.example/p/a is reached by two registries; the rest of the registry's path comes first. */
Test(snapshot, nested_registries_are_merged)
{
	static const char both[] = "- name: a\n"
				   "  dmap: {" DIGEST_C ": [v1], " DIGEST_D ": [v3]}\n"
				   "- name: p/a\n"
				   "  dmap: {" DIGEST_C ": [v2, v1], " DIGEST_D ": []}\n";
	expect(REGISTRIES, both, "D.example/", SNAPSHOT_CSV,
		"a@" DIGEST_C ",a:v1\n"
		"a@" DIGEST_D ",a:v3\n"
		"p/a@" DIGEST_C ",p/a:v1\n"
		"p/a@" DIGEST_C ",p/a:v2\n"
		"p/a@" DIGEST_D ",p/a:v3\n"
		"p/p/a@" DIGEST_C ",p/p/a:v1\n"
		"p/p/a@" DIGEST_C ",p/p/a:v2\n"
		"p/p/a@" DIGEST_D ",-\n"
		"\n",
		0);
}

/* As kpromo: the registry is a prefix of text, and nothing below it is an empty line. */
Test(snapshot, registries_are_compared_as_text)
{
	expect(REGISTRIES, "- name: x\n  dmap: {" DIGEST_A ": []}\n", "e.exam", SNAPSHOT_CSV,
		"ple/x@" DIGEST_A ",-\n\n", 0);
	expect(REGISTRIES, images, "f.example", SNAPSHOT_YAML, "\n", 0);
	expect(REGISTRIES, images, "s.example", SNAPSHOT_CSV, "\n", 0);
}

Test(snapshot, quarantined_entries_are_left_out_and_counted)
{
	static const char mixed[] = "- name: x\n  dmap:\n"
				    "    sha256:short: [v0]\n"
				    "    " DIGEST_A ": [v1, v2]\n"
				    "    " DIGEST_B ": [v2]\n"
				    "    " DIGEST_C ": [v3, 'v 4']\n"
				    "- name: /y\n  dmap: {" DIGEST_D ": [v1]}\n";
	expect(REGISTRIES, mixed, "d.example", SNAPSHOT_CSV,
		"p/x@" DIGEST_A ",p/x:v1\n"
		"p/x@" DIGEST_C ",p/x:v3\n"
		"x@" DIGEST_A ",x:v1\n"
		"x@" DIGEST_C ",x:v3\n"
		"\n",
		5);
	expect(REGISTRIES, "- name: x\n  dmap: {" DIGEST_A ": []}\n  nonsense: 1\n", "d.example",
		SNAPSHOT_CSV, "\n", 1);
}

Test(snapshot, a_full_buffer_is_an_error)
{
	const struct memory_file files[] = {{.path = "images/q/images.yaml", .text = images},
		{.path = "manifests/q/promoter-manifest.yaml", .text = REGISTRIES}, {0}};
	CLEANUP(declared_freep) struct declared *declared = declared_of(files, true);
	CLEANUP(str_release) struct str out = STR_INIT(100);
	CLEANUP(err_freep) struct err *err = NULL;
	uint64_t count = 0;
	cr_assert_not(
		snapshot_of_manifests(declared, "e.example", SNAPSHOT_YAML, &out, &count, &err));
	cr_assert(err_is(err, ERR_TOO_LARGE));
}
