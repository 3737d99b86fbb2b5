/*
 * The two verbs that read manifests, whatever they are read from. Knows which paths are allowed
 * and in which order entries come; does not know files or Git: those are backends.
 */
#include "reconciler/source.h"

#include <stdlib.h>
#include <string.h>

#include "reconciler/source_backend.h"

struct source {
	const struct source_backend *backend;
	void *ctx;
	char *commit;
	char *description;
	char *subject, *merged_by;
};

struct source *source_new(const struct source_backend *backend, void *ctx, const char *commit,
	const char *description)
{
	struct source *source = mem_new(1, sizeof(*source));

	source->backend = backend;
	source->ctx = ctx;
	source->commit = commit ? mem_strdup(commit) : NULL;
	source->description = mem_strdup(description);
	return source;
}

void source_free(struct source *source)
{
	if (!source)
		return;
	source->backend->free(source->ctx);
	mem_free(source->commit);
	mem_free(source->description);
	mem_free(source->subject);
	mem_free(source->merged_by);
	mem_free(source);
}

const char *source_commit(const struct source *source)
{
	return source->commit;
}

bool source_contains(
	struct source *source, const char *commit, bool *ret_contains, struct err **err)
{
	if (source->backend->contains)
		return source->backend->contains(source->ctx, commit, ret_contains, err);
	*ret_contains = false;
	return true;
}

void source_set_words(struct source *source, const char *subject, const char *merged_by)
{
	source->subject = subject ? mem_strdup(subject) : NULL;
	source->merged_by = merged_by ? mem_strdup(merged_by) : NULL;
}

const char *source_subject(const struct source *source)
{
	return source->subject;
}

const char *source_merged_by(const struct source *source)
{
	return source->merged_by;
}

const char *source_description(const struct source *source)
{
	return source->description;
}

void source_entries_release(struct source_entries *entries)
{
	for (size_t i = 0; i < entries->list.len; i++)
		mem_free(entries->list.items[i].name);
	vec_release(&entries->list);
}

bool source_entries_add(struct source_entries *entries, const char *name,
	enum source_entry_kind kind, struct err **err)
{
	if (entries->list.len >= SOURCE_ENTRIES_MAX)
		return err_set(err, ERR_TOO_LARGE, "a directory of more than %zu entries",
			SOURCE_ENTRIES_MAX);
	*vec_push(&entries->list) = (struct source_entry){.name = mem_strdup(name), .kind = kind};
	return true;
}

bool source_path_check(const char *path, struct err **err)
{
	size_t len = strlen(path);

	if (len == 0)
		return true;
	if (len > SOURCE_PATH_MAX)
		return err_set(err, ERR_INVALID, "a path of more than %zu bytes", SOURCE_PATH_MAX);
	for (const char *at = path;;) {
		size_t part = strcspn(at, "/");

		if (part == 0 || (part == 1 && at[0] == '.') ||
			(part == 2 && at[0] == '.' && at[1] == '.'))
			return err_set(err, ERR_INVALID,
				"%s: not a plain path below the manifests' root (no leading, "
				"double or "
				"last '/', no '.' or '..')",
				path);
		if (!at[part])
			return true;
		at += part + 1;
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct source_entry *left = a;
	const struct source_entry *right = b;

	return strcmp(left->name, right->name);
}

/* A Git tree can be made that has a name twice; no reader would know which of the two it gets. */
static bool sort_entries(struct source_entries *entries, struct err **err)
{
	const struct source_entry *items = entries->list.items;

	if (!entries->list.len)
		return true;
	qsort(entries->list.items, entries->list.len, sizeof(*items), compare_entries);
	for (size_t i = 1; i < entries->list.len; i++)
		if (strcmp(items[i - 1].name, items[i].name) == 0)
			return err_set(
				err, ERR_INVALID, "two entries have the name '%s'", items[i].name);
	return true;
}

bool source_list(struct source *source, const char *directory, struct source_entries *ret_entries,
	struct err **err)
{
	CLEANUP(source_entries_release) struct source_entries entries = {0};

	if (!source_path_check(directory, err))
		return false;
	if (!source->backend->list(source->ctx, directory, &entries, err))
		return err_prefix(err, "%s", *directory ? directory : source->description);
	if (!sort_entries(&entries, err))
		return err_prefix(err, "%s", *directory ? directory : source->description);
	*ret_entries = entries;
	memset(&entries, 0, sizeof(entries));
	return true;
}

bool source_read(struct source *source, const char *path, struct str *out, struct err **err)
{
	if (!source_path_check(path, err))
		return false;
	if (!*path)
		return err_set(
			err, ERR_INVALID, "%s: a directory, not a file", source->description);
	if (!source->backend->read(source->ctx, path, out, err))
		return err_prefix(err, "%s", path);
	return true;
}
