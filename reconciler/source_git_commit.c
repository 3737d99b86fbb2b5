/*
 * From a name to a commit id. The names' meaning comes from the remote's advertisement alone; the
 * repository is only asked for objects, which their hashes prove. So nothing that was put into a
 * cache can redirect a branch or a tag.
 */
#include "reconciler/source_git_commit.h"

#include <git2.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "reconciler/source_git_library.h"

#define SHORT_ID_MIN 7
#define BRANCHES_NAMED 3

static void repository_freep(git_repository **repository)
{
	git_repository_free(*repository);
}

static void object_freep(git_object **object)
{
	git_object_free(*object);
}

static bool peel(git_repository *repository, const char *hex, char ret_id[SOURCE_GIT_ID_SIZE],
	struct err **err)
{
	CLEANUP(object_freep) git_object *object = NULL;
	CLEANUP(object_freep) git_object *commit = NULL;
	git_oid id;
	int code;

	if (git_oid_fromstr(&id, hex) != 0 ||
		git_object_lookup(&object, repository, &id, GIT_OBJECT_ANY) != 0)
		return source_git_library_error(err, "object %s", hex);
	code = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
	if (code == GIT_EPEEL || code == GIT_EINVALIDSPEC)
		return err_set(err, ERR_INVALID, "it is a %s, not a commit",
			git_object_type2string(git_object_type(object)));
	if (code != 0)
		return source_git_library_error(err, "object %s", hex);
	git_oid_tostr(ret_id, SOURCE_GIT_ID_SIZE, git_object_id(commit));
	return true;
}

/* True if some head or tag leads to the commit. */
static bool check_reachable(git_repository *repository, const struct source_git_refs *refs,
	const git_oid *id, struct err **err)
{
	VEC(git_oid) tips = {0};
	char hex[SOURCE_GIT_ID_SIZE];
	int code;

	for (size_t i = 0; i < refs->list.len; i++) {
		/* Tags of trees and blobs lead nowhere; a damaged one is found by who needs it. */
		if (peel(repository, refs->list.items[i].id, hex, NULL))
			git_oid_fromstr(vec_push(&tips), hex);
	}
	code = git_graph_reachable_from_any(repository, id, tips.items, tips.len);
	vec_release(&tips);
	if (code < 0)
		return source_git_library_error(err, "cannot walk the history");
	return code == 1 ||
		err_set(err, ERR_NOT_FOUND,
			"the commit is in no branch or tag of the repository: push a branch or tag "
			"that holds it");
}

static bool find_commit(git_repository *repository, const struct source_git_refs *refs,
	const char *wanted, char ret_id[SOURCE_GIT_ID_SIZE], struct err **err)
{
	CLEANUP(object_freep) git_object *commit = NULL;
	size_t len = strlen(wanted);
	git_oid id;
	int code;

	if (git_oid_fromstrn(&id, wanted, len) != 0)
		return source_git_library_error(err, "not a commit id");
	code = git_object_lookup_prefix(&commit, repository, &id, len, GIT_OBJECT_COMMIT);
	if (code == GIT_ENOTFOUND)
		return err_set(err, ERR_NOT_FOUND,
			"the repository's branches and tags hold no such commit");
	if (code == GIT_EAMBIGUOUS)
		return err_set(err, ERR_USAGE, "several objects begin so: give more digits");
	if (code != 0)
		return source_git_library_error(err, "cannot look the commit up");
	if (!check_reachable(repository, refs, git_object_id(commit), err))
		return false;
	git_oid_tostr(ret_id, SOURCE_GIT_ID_SIZE, git_object_id(commit));
	return true;
}

static const struct source_git_ref *find_ref(
	const struct source_git_refs *refs, const char *prefix, const char *name)
{
	CLEANUP(mem_freep) char *full = mem_printf("%s%s", prefix, name);

	return source_git_refs_find(refs, full);
}

/* `len` digits of lower or upper case and nothing else. */
static bool is_hex(const char *text, size_t len)
{
	return len <= SOURCE_GIT_ID_SIZE - 1 && strspn(text, "0123456789abcdefABCDEF") == len;
}

/* The first few, for a message. */
static char *some_branches(const struct source_git_refs *refs)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	size_t count = 0;

	for (size_t i = 0; i < refs->list.len && count <= BRANCHES_NAMED; i++) {
		const char *name = refs->list.items[i].name;

		if (strncmp(name, "refs/heads/", 11) != 0)
			continue;
		if (count++ < BRANCHES_NAMED)
			str_addf(&text, "%s%s", text.len ? ", " : "", name + 11);
		else
			str_add_text(&text, ", ...");
	}
	return text.len ? str_steal(&text, NULL) : mem_strdup("tags only");
}

static bool resolve_head(const struct source_git_refs *refs, git_repository *repository,
	char ret_id[SOURCE_GIT_ID_SIZE], char **ret_label, struct err **err)
{
	const char *target = refs->head_target;

	if (!*refs->head_id) {
		CLEANUP(mem_freep) char *names = some_branches(refs);

		return err_set(err, ERR_NOT_FOUND,
			"the repository's HEAD names no branch that exists: name a branch, tag or "
			"commit (it has %s)",
			names);
	}
	if (!peel(repository, refs->head_id, ret_id, err))
		return err_prefix(err, "HEAD");
	if (target && strncmp(target, "refs/heads/", 11) == 0)
		*ret_label = mem_strdup(target + 11);
	else
		*ret_label = mem_strdup("HEAD");
	return true;
}

static bool resolve_name(git_repository *repository, const struct source_git_refs *refs,
	const char *wanted, char ret_id[SOURCE_GIT_ID_SIZE], char **ret_label, struct err **err)
{
	size_t len = strlen(wanted);
	bool full_id = len == SOURCE_GIT_ID_SIZE - 1 && is_hex(wanted, len);
	const struct source_git_ref *head = find_ref(refs, "refs/heads/", wanted);
	const struct source_git_ref *tag = find_ref(refs, "refs/tags/", wanted);
	const struct source_git_ref *exact = source_git_refs_find(refs, wanted);
	const struct source_git_ref *ref = exact ? exact : head ? head : tag;

	if (ref && !full_id) {
		if (head && tag)
			log_warning("%s is a branch and a tag: the branch is taken; write "
				    "refs/tags/%s for the tag",
				wanted, wanted);
		if (!peel(repository, ref->id, ret_id, err))
			return false;
		*ret_label = ref == tag ? mem_printf("tag %s", wanted) : mem_strdup(wanted);
		return true;
	}
	if (!full_id && (len < SHORT_ID_MIN || !is_hex(wanted, len)))
		return err_set(err, ERR_NOT_FOUND,
			"the repository has no branch or tag of this name%s",
			is_hex(wanted, len) ? ", and a commit id needs 7 digits at least" : "");
	if (!find_commit(repository, refs, wanted, ret_id, err))
		return false;
	*ret_label = mem_strdup("commit");
	return true;
}

bool source_git_commit_resolve(const char *repository, const struct source_git_refs *refs,
	const char *wanted, char ret_id[SOURCE_GIT_ID_SIZE], char **ret_label, struct err **err)
{
	CLEANUP(repository_freep) git_repository *opened = NULL;

	if (git_repository_open(&opened, repository) != 0)
		return source_git_library_error(err, "cannot open the mirror");
	if (!wanted || strcmp(wanted, "HEAD") == 0)
		return resolve_head(refs, opened, ret_id, ret_label, err);
	return resolve_name(opened, refs, wanted, ret_id, ret_label, err) ||
		err_prefix(err, "%s", wanted);
}
