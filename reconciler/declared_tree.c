/*
 * The shape of a thin manifest tree: which directories are projects, and everything that is not
 * where it belongs. Knows names and kinds of entries only; contents are declared_parse.c's. All
 * faults are found, then the walk fails once.
 */
#include <stdarg.h>
#include <string.h>

#include "base/fs.h"
#include "reconciler/declared_private.h"

#define MANIFEST_NAME "promoter-manifest.yaml"
#define FAULTS_IN_MESSAGE 10

struct walk {
	struct declared *declared;
	struct source *source;
	size_t directories;
};

__attribute__((format(printf, 4, 5))) static void find_in_tree(
	struct walk *walk, enum finding_kind kind, const char *path, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	CLEANUP(mem_freep) char *message = mem_vprintf(fmt, args);
	va_end(args);
	struct place place = {.file = intern_text(walk->declared->strings, path)};
	declared_find(walk->declared, kind, place, NULL, "%s", message);
}

static const char *kind_text(enum source_entry_kind kind)
{
	switch (kind) {
	case SOURCE_FILE:
		return "a file";
	case SOURCE_DIRECTORY:
		return "a directory";
	case SOURCE_LINK:
		return "a symbolic link (links are not followed)";
	default:
		return "neither file nor directory";
	}
}

static const struct source_entry *find_entry(const struct source_entries *entries, const char *name)
{
	for (size_t i = 0; i < entries->list.len; i++)
		if (strcmp(entries->list.items[i].name, name) == 0)
			return &entries->list.items[i];
	return NULL;
}

/* Lists a directory below the root; a failure is a fault of the tree, unless the run is stopped. */
static bool list_below(
	struct walk *walk, const char *path, struct source_entries *ret_entries, struct err **err)
{
	CLEANUP(err_freep) struct err *why = NULL;
	if (++walk->directories > DECLARED_DIRECTORIES_MAX)
		return err_set(err, ERR_TOO_LARGE, "%s: more than %d directories", path,
			DECLARED_DIRECTORIES_MAX);
	if (source_list(walk->source, path, ret_entries, &why))
		return true;
	if (err_is(why, ERR_CANCELLED))
		return err_set(err, ERR_CANCELLED, "%s", why->msg);
	find_in_tree(walk, FINDING_TREE, path, "cannot be listed: %s", why->msg);
	return true;
}

/* Finds manifests that are deeper than manifests/PROJECT/. */
static bool walk_deeper(struct walk *walk, const char *directory, unsigned depth, struct err **err)
{
	CLEANUP(source_entries_release) struct source_entries entries = {0};
	if (depth == DECLARED_DEPTH_MAX) {
		find_in_tree(walk, FINDING_TREE, directory, "more than %d directories deep",
			DECLARED_DEPTH_MAX);
		return true;
	}
	if (!list_below(walk, directory, &entries, err))
		return false;
	for (size_t i = 0; i < entries.list.len; i++) {
		const struct source_entry *entry = &entries.list.items[i];
		CLEANUP(mem_freep) char *path = fs_join(directory, entry->name);
		if (strcmp(entry->name, MANIFEST_NAME) == 0)
			find_in_tree(walk, FINDING_TREE, path,
				"too deep: expected manifests/PROJECT/" MANIFEST_NAME);
		else if (entry->kind == SOURCE_DIRECTORY &&
			!walk_deeper(walk, path, depth + 1, err))
			return false;
	}
	return true;
}

static void add_project(struct walk *walk, const char *name, const char *manifest_file)
{
	CLEANUP(mem_freep) char *images_file = mem_printf("images/%s/images.yaml", name);
	declared_add_project(walk->declared, name, manifest_file, images_file);
}

static bool walk_project(
	struct walk *walk, const char *name, const char *directory, struct err **err)
{
	CLEANUP(source_entries_release) struct source_entries entries = {0};
	bool found = false;
	if (!list_below(walk, directory, &entries, err))
		return false;
	for (size_t i = 0; i < entries.list.len; i++) {
		const struct source_entry *entry = &entries.list.items[i];
		CLEANUP(mem_freep) char *path = fs_join(directory, entry->name);
		if (strcmp(entry->name, MANIFEST_NAME) == 0) {
			found = true;
			if (entry->kind == SOURCE_FILE)
				add_project(walk, name, path);
			else
				find_in_tree(walk, FINDING_TREE, path,
					"expected a regular file, this is %s",
					kind_text(entry->kind));
		} else if (entry->kind == SOURCE_DIRECTORY && !walk_deeper(walk, path, 1, err)) {
			return false;
		}
	}
	if (!found)
		find_in_tree(walk, FINDING_WARNING, directory,
			"no " MANIFEST_NAME " in this directory: ignored");
	return true;
}

static bool walk_manifests(struct walk *walk, struct err **err)
{
	CLEANUP(source_entries_release) struct source_entries entries = {0};
	if (!list_below(walk, "manifests", &entries, err))
		return false;
	for (size_t i = 0; i < entries.list.len; i++) {
		const struct source_entry *entry = &entries.list.items[i];
		CLEANUP(mem_freep) char *path = fs_join("manifests", entry->name);
		if (strcmp(entry->name, MANIFEST_NAME) == 0)
			find_in_tree(walk, FINDING_TREE, path,
				"not deep enough: expected manifests/PROJECT/" MANIFEST_NAME);
		else if (entry->kind == SOURCE_LINK)
			find_in_tree(walk, FINDING_WARNING, path,
				"symbolic links are not followed: ignored");
		else if (entry->kind == SOURCE_DIRECTORY &&
			!walk_project(walk, entry->name, path, err))
			return false;
	}
	if (walk->declared->projects.len == 0)
		find_in_tree(walk, FINDING_TREE, "manifests",
			"no manifest: expected manifests/PROJECT/" MANIFEST_NAME);
	return true;
}

/* Directories of no project. Both lists are sorted. */
static void find_orphans(struct walk *walk, const char *directory,
	const struct source_entries *entries, const char *consequence)
{
	size_t project = 0;
	for (size_t i = 0; i < entries->list.len; i++) {
		const struct source_entry *entry = &entries->list.items[i];
		int order = 1;
		while (project < walk->declared->projects.len &&
			(order = strcmp(
				 walk->declared->projects.items[project].name, entry->name)) < 0)
			project++;
		if (entry->kind != SOURCE_DIRECTORY || order == 0)
			continue;
		CLEANUP(mem_freep) char *path = fs_join(directory, entry->name);
		find_in_tree(walk, FINDING_WARNING, path, "no manifests/%s/" MANIFEST_NAME ": %s",
			entry->name, consequence);
	}
}

/* Images that nobody promotes are most likely a forgotten manifest. */
static bool walk_images(struct walk *walk, struct err **err)
{
	CLEANUP(source_entries_release) struct source_entries entries = {0};
	if (!list_below(walk, "images", &entries, err))
		return false;
	find_orphans(walk, "images", &entries, "nothing in here is promoted");
	return true;
}

/*
 * What cannot be listed cannot be read either, which is the matter of whose policy it is
 * (declared_policy.c).
 */
static void walk_policies(struct walk *walk)
{
	CLEANUP(source_entries_release) struct source_entries entries = {0};
	if (source_list(walk->source, "policies", &entries, NULL))
		find_orphans(walk, "policies", &entries, "this policy is of no project");
}

/* One of the two directories that a thin tree has. */
static bool check_directory(struct walk *walk, const struct source_entries *root, const char *name)
{
	const struct source_entry *entry = find_entry(root, name);
	if (entry && entry->kind == SOURCE_DIRECTORY)
		return true;
	if (entry)
		find_in_tree(walk, FINDING_TREE, name, "expected a directory, this is %s",
			kind_text(entry->kind));
	else
		find_in_tree(walk, FINDING_TREE, name, "missing: expected a directory");
	return false;
}

bool declared_walk(struct declared *declared, struct source *source, struct err **err)
{
	CLEANUP(source_entries_release) struct source_entries root = {0};
	struct walk walk = {.declared = declared, .source = source};
	if (!source_list(source, "", &root, err))
		return false;
	bool has_images = check_directory(&walk, &root, "images");
	bool has_manifests = check_directory(&walk, &root, "manifests");
	if ((has_manifests && !walk_manifests(&walk, err)) ||
		(has_images && has_manifests && !walk_images(&walk, err)))
		return false;
	walk_policies(&walk);
	return true;
}

bool declared_check_tree(const struct declared *declared, struct err **err)
{
	CLEANUP(str_release) struct str faults = STR_INIT(STR_TEXT_MAX);
	size_t count = declared_findings(declared, FINDING_TREE), shown = 0;
	if (count == 0)
		return true;
	for (size_t i = 0; i < declared->findings.len && shown < FAULTS_IN_MESSAGE; i++) {
		const struct finding *finding = &declared->findings.items[i];
		if (finding->kind == FINDING_TREE && ++shown)
			str_addf(&faults, "%s%s: %s", shown > 1 ? "; " : "", finding->place.file,
				finding->message);
	}
	if (shown < count)
		str_addf(&faults, "; and %zu more", count - shown);
	return err_set(
		err, ERR_INVALID, "the manifest tree has the wrong shape: %s", str_text(&faults));
}
