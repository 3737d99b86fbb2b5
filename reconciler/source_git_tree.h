/* Reads one commit's tree from the object database. One thread. */
#ifndef CIP_RECONCILER_SOURCE_GIT_TREE_H
#define CIP_RECONCILER_SOURCE_GIT_TREE_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "reconciler/source_backend.h"

struct source_git_tree;

/*
 * `path` is plain (source_path_check); "" is the root. ERR_NOT_FOUND, ERR_INVALID if the path is no
 * directory, ERR_IO and ERR_DIGEST: the repository is damaged.
 */
struct source_git_tree *source_git_tree_open(
	const char *repository, const char *commit, const char *path, struct err **err);
void source_git_tree_free(struct source_git_tree *tree);
DEFINE_CLEANUP(struct source_git_tree, source_git_tree_freep, source_git_tree_free)

/* As source_subject and source_merged_by. */
const char *source_git_tree_subject(const struct source_git_tree *tree);
const char *source_git_tree_merged_by(const struct source_git_tree *tree);

/* As source_contains: whether `other` is `commit`, which the tree is of, or in its history. */
bool source_git_tree_contains(struct source_git_tree *tree, const char *commit, const char *other,
	bool *ret_contains, struct err **err);

/* As in struct source_backend, with ERR_DIGEST besides. */
bool source_git_tree_list(struct source_git_tree *tree, const char *path,
	struct source_entries *entries, struct err **err);
bool source_git_tree_read(
	struct source_git_tree *tree, const char *path, struct str *out, struct err **err);

#endif
