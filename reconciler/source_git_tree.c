/*
 * Trees and blobs by path, straight from the packs; libgit2 checks every object against its id.
 * Sizes are looked at before anything is unpacked. Knows nothing of fetching: an object that is
 * missing or damaged is an error of the repository, and the caller may have a better one.
 */
#include "reconciler/source_git_tree.h"

#include <git2.h>
#include <string.h>

#include "reconciler/source_git_library.h"

/* An entry has 20 bytes of id and some 40 of mode and name. */
#define TREE_BYTES_MAX (SOURCE_ENTRIES_MAX * 64)
#define COMMIT_BYTES_MAX ((size_t)8 << 20)
/* Of what is kept of a commit's text. */
#define WORDS_MAX 500

struct source_git_tree {
	git_repository *repository;
	git_odb *objects;
	git_tree *root;
	char *subject, *merged_by; /* NULL: none */
};

static void tree_freep(git_tree **tree)
{
	git_tree_free(*tree);
}

static void commit_freep(git_commit **commit)
{
	git_commit_free(*commit);
}

static void odb_object_freep(git_odb_object **object)
{
	git_odb_object_free(*object);
}

void source_git_tree_free(struct source_git_tree *tree)
{
	if (!tree)
		return;
	git_tree_free(tree->root);
	git_odb_free(tree->objects);
	git_repository_free(tree->repository);
	mem_free(tree->subject);
	mem_free(tree->merged_by);
	mem_free(tree);
}

static bool check_size(
	struct source_git_tree *tree, const git_oid *id, size_t max, struct err **err)
{
	git_object_t type;
	size_t size;

	if (git_odb_read_header(&size, &type, tree->objects, id) != 0)
		return source_git_library_error(err, "cannot read object %s", git_oid_tostr_s(id));
	return size <= max ||
		err_set(err, ERR_TOO_LARGE, "%zu bytes, more than the limit of %zu", size, max);
}

static bool load_tree(
	struct source_git_tree *tree, const git_oid *id, git_tree **ret_tree, struct err **err)
{
	if (!check_size(tree, id, TREE_BYTES_MAX, err))
		return false;
	return git_tree_lookup(ret_tree, tree->repository, id) == 0 ||
		source_git_library_error(err, "cannot read tree %s", git_oid_tostr_s(id));
}

static enum source_entry_kind kind_of(const git_tree_entry *entry)
{
	switch (git_tree_entry_filemode(entry)) {
	case GIT_FILEMODE_TREE:
		return SOURCE_DIRECTORY;
	case GIT_FILEMODE_BLOB:
	case GIT_FILEMODE_BLOB_EXECUTABLE:
		return SOURCE_FILE;
	case GIT_FILEMODE_LINK:
		return SOURCE_LINK;
	default:
		return SOURCE_OTHER;
	}
}

static const char *kind_text(enum source_entry_kind kind)
{
	switch (kind) {
	case SOURCE_FILE:
		return "a regular file";
	case SOURCE_DIRECTORY:
		return "a directory";
	case SOURCE_LINK:
		return "a symbolic link (links are not followed)";
	default:
		return "a submodule, whose files are in another repository";
	}
}

/* Finds what has this path. ret_id and ret_kind; the root is a directory. */
static bool find(struct source_git_tree *tree, const char *path, git_oid *ret_id,
	enum source_entry_kind *ret_kind, struct err **err)
{
	git_oid id = *git_tree_id(tree->root);
	enum source_entry_kind kind = SOURCE_DIRECTORY;
	CLEANUP(mem_freep) char *copy = mem_strdup(path);
	char *rest = copy;

	for (char *name; *copy && (name = strsep(&rest, "/"));) {
		CLEANUP(tree_freep) git_tree *directory = NULL;

		if (kind != SOURCE_DIRECTORY)
			return err_set(err, ERR_INVALID, "it leads through %s", kind_text(kind));
		if (!load_tree(tree, &id, &directory, err))
			return false;

		const git_tree_entry *entry = git_tree_entry_byname(directory, name);
		if (!entry)
			return err_set(err, ERR_NOT_FOUND, "no such file or directory");
		id = *git_tree_entry_id(entry);
		kind = kind_of(entry);
	}
	*ret_id = id;
	*ret_kind = kind;
	return true;
}

static bool find_directory(
	struct source_git_tree *tree, const char *path, git_tree **ret_tree, struct err **err)
{
	enum source_entry_kind kind = SOURCE_OTHER;
	git_oid id;

	if (!find(tree, path, &id, &kind, err))
		return false;
	if (kind != SOURCE_DIRECTORY)
		return err_set(
			err, ERR_INVALID, "expected a directory, this is %s", kind_text(kind));
	return load_tree(tree, &id, ret_tree, err);
}

/* Forges write merge commits with the one who merged as their author. */
static void keep_words(struct source_git_tree *tree, git_commit *commit)
{
	const char *subject = git_commit_summary(commit);
	const git_signature *author = git_commit_author(commit);

	if (subject && *subject)
		tree->subject = mem_strndup(subject, WORDS_MAX);
	if (author && git_commit_parentcount(commit) > 1)
		tree->merged_by = mem_printf(
			"%.*s <%.*s>", WORDS_MAX, author->name, WORDS_MAX, author->email);
}

static bool open_root(
	struct source_git_tree *tree, const char *hex, const char *path, struct err **err)
{
	CLEANUP(commit_freep) git_commit *commit = NULL;
	CLEANUP(tree_freep) git_tree *narrowed = NULL;
	git_oid id;

	if (git_oid_fromstr(&id, hex) != 0)
		return err_set(err, ERR_INTERNAL, "%s is no commit id", hex);
	if (!check_size(tree, &id, COMMIT_BYTES_MAX, err))
		return false;
	if (git_commit_lookup(&commit, tree->repository, &id) != 0)
		return source_git_library_error(err, "cannot read commit %s", hex);
	if (!load_tree(tree, git_commit_tree_id(commit), &tree->root, err))
		return false;
	keep_words(tree, commit);
	if (!*path)
		return true;
	if (!find_directory(tree, path, &narrowed, err))
		return err_prefix(err, "%s in commit %.7s", path, hex);
	git_tree_free(tree->root);
	tree->root = steal_ptr(&narrowed);
	return true;
}

const char *source_git_tree_subject(const struct source_git_tree *tree)
{
	return tree->subject;
}

const char *source_git_tree_merged_by(const struct source_git_tree *tree)
{
	return tree->merged_by;
}

struct source_git_tree *source_git_tree_open(
	const char *repository, const char *commit, const char *path, struct err **err)
{
	CLEANUP(source_git_tree_freep)
	struct source_git_tree *tree = mem_new(1, sizeof(*tree));

	if (git_repository_open(&tree->repository, repository) != 0 ||
		git_repository_odb(&tree->objects, tree->repository) != 0) {
		source_git_library_error(err, "cannot open the mirror");
		return NULL;
	}
	return open_root(tree, commit, path, err) ? steal_ptr(&tree) : NULL;
}

bool source_git_tree_contains(struct source_git_tree *tree, const char *commit, const char *other,
	bool *ret_contains, struct err **err)
{
	git_oid own, id;
	int code;

	*ret_contains = false;
	if (git_oid_fromstr(&own, commit) != 0)
		return err_set(err, ERR_INTERNAL, "%s is no commit id", commit);
	if (strlen(other) != GIT_OID_HEXSZ || git_oid_fromstr(&id, other) != 0 ||
		!git_odb_exists(tree->objects, &id))
		return true;
	if (git_oid_equal(&own, &id)) {
		*ret_contains = true;
		return true;
	}
	code = git_graph_descendant_of(tree->repository, &own, &id);
	if (code < 0 && code != GIT_ENOTFOUND)
		return source_git_library_error(
			err, "cannot walk the history of commit %s", commit);
	*ret_contains = code == 1;
	return true;
}

bool source_git_tree_list(struct source_git_tree *tree, const char *path,
	struct source_entries *entries, struct err **err)
{
	CLEANUP(tree_freep) git_tree *directory = NULL;

	if (!find_directory(tree, path, &directory, err))
		return false;
	for (size_t i = 0; i < git_tree_entrycount(directory); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(directory, i);
		const char *name = git_tree_entry_name(entry);

		/* Git itself makes no such tree. */
		if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 ||
			strcmp(name, "..") == 0)
			return err_set(err, ERR_INVALID,
				"the tree holds an entry named '%s', which no file can have", name);
		if (!source_entries_add(entries, name, kind_of(entry), err))
			return false;
	}
	return true;
}

bool source_git_tree_read(
	struct source_git_tree *tree, const char *path, struct str *out, struct err **err)
{
	CLEANUP(odb_object_freep) git_odb_object *blob = NULL;
	enum source_entry_kind kind = SOURCE_OTHER;
	git_oid id;

	if (!find(tree, path, &id, &kind, err))
		return false;
	if (kind != SOURCE_FILE)
		return err_set(
			err, ERR_INVALID, "expected a regular file, this is %s", kind_text(kind));
	if (!check_size(tree, &id, out->max - out->len, err))
		return false;
	if (git_odb_read(&blob, tree->objects, &id) != 0)
		return source_git_library_error(err, "cannot read blob %s", git_oid_tostr_s(&id));
	if (git_odb_object_type(blob) != GIT_OBJECT_BLOB)
		return err_set(err, ERR_INVALID, "the tree says file, the object is none");
	return str_add(out, git_odb_object_data(blob), git_odb_object_size(blob)) ||
		err_set(err, ERR_TOO_LARGE, "larger than the limit of %zu bytes", out->max);
}
