/*
 * The list of refs a remote advertises, and the packed-refs file (git-pack-refs(1)) that carries it
 * to the next run: written whole, so refs that are gone are pruned and a killed run leaves the old
 * list. No "peeled" header: whoever reads it looks the tags up.
 */
#include "reconciler/source_git_refs.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

#define REFS_MAX ((size_t)500000)

void source_git_refs_release(struct source_git_refs *refs)
{
	for (size_t i = 0; i < refs->list.len; i++)
		mem_free(refs->list.items[i].name);
	vec_release(&refs->list);
	mem_free(refs->head_target);
	memset(refs, 0, sizeof(*refs));
}

bool source_git_refs_add(struct source_git_refs *refs, const char *name, const char *id,
	const char *target, struct err **err)
{
	struct source_git_ref *ref;

	if (strcmp(name, "HEAD") == 0) {
		mem_free(refs->head_target);
		refs->head_target = target ? mem_strdup(target) : NULL;
		memcpy(refs->head_id, id, SOURCE_GIT_ID_SIZE);
		return true;
	}
	if (strncmp(name, "refs/heads/", 11) != 0 && strncmp(name, "refs/tags/", 10) != 0)
		return true;
	if (refs->list.len >= REFS_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %zu branches and tags", REFS_MAX);
	ref = vec_push(&refs->list);
	ref->name = mem_strdup(name);
	memcpy(ref->id, id, SOURCE_GIT_ID_SIZE);
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct source_git_ref *left = a;
	const struct source_git_ref *right = b;

	return strcmp(left->name, right->name);
}

void source_git_refs_sort(struct source_git_refs *refs)
{
	if (refs->list.len)
		qsort(refs->list.items, refs->list.len, sizeof(*refs->list.items), compare);
}

static int compare_name(const void *name, const void *ref)
{
	return strcmp(name, ((const struct source_git_ref *)ref)->name);
}

const struct source_git_ref *source_git_refs_find(
	const struct source_git_refs *refs, const char *name)
{
	if (!refs->list.len)
		return NULL;
	return bsearch(
		name, refs->list.items, refs->list.len, sizeof(*refs->list.items), compare_name);
}

bool source_git_refs_write(
	const struct source_git_refs *refs, const char *repository, struct err **err)
{
	CLEANUP(mem_freep) char *path = fs_join(repository, "packed-refs");
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX * 2);

	for (size_t i = 0; i < refs->list.len; i++)
		str_addf(&text, "%s %s\n", refs->list.items[i].id, refs->list.items[i].name);
	if (str_overflowed(&text))
		return err_set(err, ERR_TOO_LARGE, "the names of its refs are too long");
	return fs_write_atomic(path, str_text(&text), text.len, 0600, err);
}
