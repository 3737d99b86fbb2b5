/*
 * Fetching without a network: packs what a mirror lacks straight out of another repository's
 * object database. Not libgit2's local transport: that copies what every ref reaches, stops at the
 * first ref that dangles, and sends all tags again each time.
 */
#include "reconciler/source_git_local.h"

#include <git2.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "reconciler/source_git_library.h"

/* Payload of the callbacks. */
struct copy {
	git_repository *from;
	git_repository *to;
	git_odb *from_objects;
	git_odb *to_objects;
	git_packbuilder *pack;
	git_revwalk *walk;
	const struct source_git_deadline *deadline;
	struct err *failure;
};

static void repository_freep(git_repository **repository)
{
	git_repository_free(*repository);
}

static void reference_freep(git_reference **reference)
{
	git_reference_free(*reference);
}

static void object_freep(git_object **object)
{
	git_object_free(*object);
}

static void copy_release(struct copy *copy)
{
	git_revwalk_free(copy->walk);
	git_packbuilder_free(copy->pack);
	git_odb_free(copy->to_objects);
	git_odb_free(copy->from_objects);
	git_repository_free(copy->to);
	git_repository_free(copy->from);
	err_free(copy->failure);
}

/* The repository that is read; all that is wrong with it is the user's to mend. */
static bool source_error(struct err **err, const char *what)
{
	const git_error *last = git_error_last();

	return err_set(
		err, ERR_INVALID, "%s: %s", what, last && last->message ? last->message : "failed");
}

static bool open_source(const char *path, git_repository **ret_repository, struct err **err)
{
	int code =
		git_repository_open_ext(ret_repository, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);

	if (code == GIT_ENOTFOUND)
		return err_set(err, ERR_INVALID, "not a Git repository");
	return code == 0 || source_error(err, "cannot open the Git repository");
}

/* Dangling and unborn refs are left out. */
static bool add_ref(git_repository *repository, const char *name, struct source_git_refs *refs,
	struct err **err)
{
	CLEANUP(reference_freep) git_reference *reference = NULL;
	CLEANUP(reference_freep) git_reference *resolved = NULL;
	char id[SOURCE_GIT_ID_SIZE];
	int code = git_reference_lookup(&reference, repository, name);

	if (code == 0)
		code = git_reference_resolve(&resolved, reference);
	if (code == GIT_ENOTFOUND)
		return true;
	if (code != 0)
		return source_error(err, name);
	git_oid_tostr(id, sizeof(id), git_reference_target(resolved));
	return source_git_refs_add(refs, name, id, git_reference_symbolic_target(reference), err);
}

bool source_git_local_refs(const char *path, struct source_git_refs *ret_refs, struct err **err)
{
	CLEANUP(repository_freep) git_repository *repository = NULL;
	CLEANUP(source_git_refs_release) struct source_git_refs refs = {0};
	CLEANUP(git_strarray_dispose) git_strarray names = {0};

	if (!open_source(path, &repository, err))
		return false;
	if (git_reference_list(&names, repository) != 0)
		return source_error(err, "cannot list its refs");
	if (!add_ref(repository, "HEAD", &refs, err))
		return false;
	for (size_t i = 0; i < names.count; i++)
		if (!add_ref(repository, names.strings[i], &refs, err))
			return false;
	source_git_refs_sort(&refs);
	if (!refs.list.len)
		return err_set(err, ERR_INVALID,
			"the repository is empty: it has neither branches nor tags");
	*ret_refs = refs;
	memset(&refs, 0, sizeof(refs));
	return true;
}

static int check(struct copy *copy)
{
	if (copy->failure)
		return GIT_EUSER;
	return source_git_deadline_check(copy->deadline, &copy->failure) ? 0 : GIT_EUSER;
}

static int on_pack_progress(int stage, uint32_t current, uint32_t total, void *payload)
{
	(void)stage;
	(void)current;
	(void)total;
	return check(payload);
}

static int on_index_progress(const git_indexer_progress *progress, void *payload)
{
	(void)progress;
	return check(payload);
}

static bool pack_error(struct copy *copy, const char *what, struct err **err)
{
	if (!copy->failure)
		return source_error(err, what);
	err_keep_first(err, &copy->failure);
	return false;
}

/* A ref's object: annotated tags themselves and what they lead to, commits by way of the walk. */
static bool add_tip(struct copy *copy, const char *hex, const char *name, struct err **err)
{
	CLEANUP(object_freep) git_object *object = NULL;
	git_oid id;

	if (git_oid_fromstr(&id, hex) != 0 || git_odb_exists(copy->to_objects, &id))
		return true;
	if (git_object_lookup(&object, copy->from, &id, GIT_OBJECT_ANY) != 0)
		return source_error(err, name);
	while (git_object_type(object) == GIT_OBJECT_TAG) {
		git_object *target = NULL;

		if (git_packbuilder_insert(copy->pack, git_object_id(object), NULL) != 0)
			return pack_error(copy, name, err);
		if (git_tag_target(&target, (git_tag *)object) != 0)
			return source_error(err, name);
		git_object_free(object);
		object = target;
	}

	const git_oid *end = git_object_id(object);
	int code = git_object_type(object) == GIT_OBJECT_COMMIT
		? git_revwalk_push(copy->walk, end)
		: git_packbuilder_insert_recur(copy->pack, end, NULL);
	return code == 0 || pack_error(copy, name, err);
}

/* What the mirror's own refs reach need not come again, as far as both sides have it. */
static bool hide_known(struct copy *copy, struct err **err)
{
	CLEANUP(git_strarray_dispose) git_strarray names = {0};

	if (git_reference_list(&names, copy->to) != 0)
		return source_git_library_error(err, "cannot list the mirror's refs");
	for (size_t i = 0; i < names.count; i++) {
		CLEANUP(object_freep) git_object *commit = NULL;
		CLEANUP(reference_freep) git_reference *reference = NULL;

		if (git_reference_lookup(&reference, copy->to, names.strings[i]) != 0 ||
			git_reference_peel(&commit, reference, GIT_OBJECT_COMMIT) != 0 ||
			!git_odb_exists(copy->from_objects, git_object_id(commit)))
			continue;
		if (git_revwalk_hide(copy->walk, git_object_id(commit)) != 0)
			return source_error(err, "cannot walk its history");
	}
	return true;
}

static bool copy_open(struct copy *copy, const char *path, const char *mirror, struct err **err)
{
	if (!open_source(path, &copy->from, err))
		return false;
	if (git_repository_is_shallow(copy->from))
		return err_set(err, ERR_UNSUPPORTED,
			"a shallow clone cannot be mirrored: leave the cache directory out, then "
			"it is "
			"read in place, or run git fetch --unshallow");
	if (git_repository_open_bare(&copy->to, mirror) != 0 ||
		git_repository_odb(&copy->to_objects, copy->to) != 0)
		return source_git_library_error(err, "cannot open the mirror");
	if (git_repository_odb(&copy->from_objects, copy->from) != 0 ||
		git_packbuilder_new(&copy->pack, copy->from) != 0 ||
		git_packbuilder_set_callbacks(copy->pack, on_pack_progress, copy) != 0 ||
		git_revwalk_new(&copy->walk, copy->from) != 0)
		return source_error(err, "cannot read the repository");
	git_revwalk_sorting(copy->walk, GIT_SORT_TIME);
	return true;
}

static bool write_pack(struct copy *copy, const char *mirror, struct err **err)
{
	CLEANUP(mem_freep) char *directory = fs_join(mirror, "objects/pack");
	size_t count = git_packbuilder_object_count(copy->pack);

	if (count == 0)
		return true;
	if (git_packbuilder_write(copy->pack, directory, 0600, on_index_progress, copy) != 0) {
		if (copy->failure)
			return pack_error(copy, "", err);
		return source_git_library_error(err, "cannot write the mirror's objects");
	}
	log_debug("copied %zu objects", count);
	return true;
}

bool source_git_local_fetch(const char *path, const struct source_git_refs *refs,
	const char *mirror, const struct source_git_deadline *deadline, struct err **err)
{
	CLEANUP(copy_release) struct copy copy = {.deadline = deadline};

	if (!copy_open(&copy, path, mirror, err))
		return false;
	for (size_t i = 0; i < refs->list.len; i++)
		if (!add_tip(&copy, refs->list.items[i].id, refs->list.items[i].name, err))
			return false;
	if (!hide_known(&copy, err))
		return false;
	if (git_packbuilder_insert_walk(copy.pack, copy.walk) != 0)
		return pack_error(&copy, "cannot walk its history", err);
	return write_pack(&copy, mirror, err);
}
