#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "reconciler/snapshot.h"
#include "tests/unit/reconciler/declared_text.h"

/* What is our choice (`either` in expect.json); docs/manifests.md gives the reasons. */
static bool accepts_by_choice(const char *mutation)
{
	static const char *const accepted[] = {"int-name", "dst-equals-src"};
	static const char *const refused[] = {"trailing-slash", "symlink-manifest",
		"symlink-images", "leading-slash-name", "merge-key"};
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
		if (strcmp(mutation, accepted[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strcmp(mutation, refused[i]) == 0)
			return false;
	cr_assert_fail("nobody has decided about %s", mutation);
	return false;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);
	return len > tail && strcmp(name + len - tail, suffix) == 0;
}

static void compare_snapshot(
	const struct declared *declared, const char *directory, const char *file)
{
	CLEANUP(mem_freep) char *path = fs_join(directory, file);
	CLEANUP(mem_freep) char *registry = mem_strndup(file, strlen(file) - strlen(".csv"));
	CLEANUP(str_release) struct str wanted = STR_INIT(STR_TEXT_MAX);
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);
	bool yaml = has_suffix(file, ".yaml");
	uint64_t left_out = 0;
	if (yaml)
		registry[strlen(registry) - 1] = '\0';
	for (char *at = registry; *at; at++)
		*at = *at == '_' ? '/' : *at;
	cr_assert(fs_read_file(path, &wanted, NULL));
	cr_assert(snapshot_of_manifests(
		declared, registry, yaml ? SNAPSHOT_YAML : SNAPSHOT_CSV, &out, &left_out, NULL));
	cr_assert_str_eq(str_text(&out), str_text(&wanted), "%s", path);
	cr_assert_eq(left_out, 0);
}

static size_t compare_snapshots(const struct declared *declared, const char *directory)
{
	size_t count = 0;
	DIR *entries = opendir(directory);
	for (struct dirent *entry; (entry = readdir(entries));) {
		if (!has_suffix(entry->d_name, ".yaml") && !has_suffix(entry->d_name, ".csv"))
			continue;
		compare_snapshot(declared, directory, entry->d_name);
		count++;
	}
	closedir(entries);
	return count;
}

/* True if parsing finds nothing but warnings. */
static bool load(const char *directory, struct declared **ret_declared, struct str *findings)
{
	CLEANUP(mem_freep) char *tree = fs_join(directory, "tree");
	CLEANUP(source_freep) struct source *source = source_open_directory(tree, NULL);
	cr_assert_not_null(source, "%s", tree);
	bool loaded = declared_load_thin(source, NULL, ret_declared, NULL);
	add_findings(*ret_declared, findings);
	return loaded &&
		declared_findings(*ret_declared, FINDING_WARNING) == (*ret_declared)->findings.len;
}

static void compare_golden(const char *directory)
{
	CLEANUP(mem_freep) char *path = fs_join(directory, "expect.json");
	CLEANUP(str_release) struct str findings = STR_INIT(STR_TEXT_MAX);
	CLEANUP(declared_freep) struct declared *declared = NULL;
	json_t *expected = json_load_file(path, 0, NULL);
	const char *mutation = json_string_value(json_object_get(expected, "mutation"));
	const char *verdict = json_string_value(json_object_get(expected, "cip"));
	cr_assert(mutation && verdict, "%s", path);
	bool accept = strcmp(verdict, "either") == 0 ? accepts_by_choice(mutation)
						     : strcmp(verdict, "accept") == 0;
	cr_assert_eq(load(directory, &declared, &findings), accept, "%s (%s):\n%s", directory,
		mutation, str_text(&findings));
	size_t snapshots = compare_snapshots(declared, directory);
	cr_assert(
		snapshots > 0 || strcmp(verdict, "accept") != 0, "%s has no snapshots", directory);
	json_decref(expected);
}

static size_t compare_goldens(const char *root)
{
	size_t count = 0;
	DIR *entries = opendir(root);
	cr_assert_not_null(entries, "%s", root);
	for (struct dirent *entry; (entry = readdir(entries));) {
		CLEANUP(mem_freep) char *directory = fs_join(root, entry->d_name);
		CLEANUP(mem_freep) char *expect = fs_join(directory, "expect.json");
		if (entry->d_name[0] == '.' || access(expect, R_OK) != 0)
			continue;
		compare_golden(directory);
		count++;
	}
	closedir(entries);
	return count;
}

Test(goldens, excerpt)
{
	CLEANUP(mem_freep)
	char *root = fs_join(getenv("CIP_SOURCE_DIR"), "tests/fixtures/kpromo-goldens");
	cr_assert_eq(compare_goldens(root), 4);
}

Test(goldens, all)
{
	static const char root[] = CIP_SHARED_DATA "/kpromo-goldens";
	if (access(root, R_OK) != 0)
		cr_skip_test("no %s", root);
	cr_assert(compare_goldens(root) > 50);
}
