#include "tests/unit/reconciler/memory_source.h"

#include <string.h>

#include "reconciler/source_backend.h"

/* True if an entry of that name is listed already. */
static bool has_entry(const struct source_entries *entries, const char *name)
{
	for (size_t i = 0; i < entries->list.len; i++)
		if (strcmp(entries->list.items[i].name, name) == 0)
			return true;
	return false;
}

static bool memory_list(
	void *ctx, const char *directory, struct source_entries *entries, struct err **err)
{
	const struct memory_file *files = ctx;
	size_t len = strlen(directory);
	bool found = len == 0;
	for (; files->path; files++) {
		const char *rest = files->path;
		if (len > 0) {
			if (strncmp(rest, directory, len) != 0 ||
				(rest[len] != '/' && rest[len] != '\0'))
				continue;
			found = true;
			if (rest[len] == '\0')
				continue;
			rest += len + 1;
		}
		CLEANUP(mem_freep) char *name = mem_strndup(rest, strcspn(rest, "/"));
		bool is_leaf = strcmp(name, rest) == 0;
		if (files->fails && !files->text && is_leaf)
			return err_set(err, ERR_IO, "cannot list it: not today");
		if (!has_entry(entries, name) &&
			!source_entries_add(entries, name,
				is_leaf && files->text ? files->kind : SOURCE_DIRECTORY, err))
			return false;
	}
	return found || err_set(err, ERR_NOT_FOUND, "no such directory");
}

static bool memory_read(void *ctx, const char *path, struct str *out, struct err **err)
{
	for (const struct memory_file *file = ctx; file->path; file++) {
		if (strcmp(file->path, path) != 0)
			continue;
		if (file->fails)
			return err_set(err, file->read_error, "cannot read it: not today");
		if (file->kind != SOURCE_FILE || !file->text)
			return err_set(err, ERR_INVALID, "not a regular file");
		return str_add(out, file->text, file->len ? file->len : strlen(file->text)) ||
			err_set(err, ERR_TOO_LARGE, "larger than the limit");
	}
	return err_set(err, ERR_NOT_FOUND, "no such file");
}

static void memory_free(void *ctx)
{
	(void)ctx;
}

struct source *memory_source(const struct memory_file *files)
{
	static const struct source_backend backend = {
		.list = memory_list, .read = memory_read, .free = memory_free};
	return source_new(&backend, (void *)(uintptr_t)files, NULL, "memory");
}
