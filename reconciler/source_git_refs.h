/*
 * What a repository says it has: its heads and tags, and where its HEAD points. Names that Git does
 * not allow never get in. One owner.
 */
#ifndef CIP_RECONCILER_SOURCE_GIT_REFS_H
#define CIP_RECONCILER_SOURCE_GIT_REFS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"

#define SOURCE_GIT_ID_SIZE 41 /* 40 hex digits and NUL */

struct source_git_ref {
	char *name; /* "refs/heads/main", owned */
	char id[SOURCE_GIT_ID_SIZE];
};

struct source_git_refs {
	VEC(struct source_git_ref) list; /* sorted by source_git_refs_sort */
	char *head_target; /* "refs/heads/main"; NULL: not a symbolic ref, or unknown */
	char head_id[SOURCE_GIT_ID_SIZE]; /* "": there is no HEAD, or it points to nothing yet */
};

void source_git_refs_release(struct source_git_refs *refs);

/*
 * Adds heads and tags, notes HEAD, ignores all else. `name` is valid as git_reference_name_is_valid
 * has it; `target` may be NULL. ERR_TOO_LARGE.
 */
bool source_git_refs_add(struct source_git_refs *refs, const char *name, const char *id,
	const char *target, struct err **err);

void source_git_refs_sort(struct source_git_refs *refs);

/* NULL if there is none. */
const struct source_git_ref *source_git_refs_find(
	const struct source_git_refs *refs, const char *name);

/* Makes them the refs of a bare repository that keeps no loose ones. ERR_IO. */
bool source_git_refs_write(
	const struct source_git_refs *refs, const char *repository, struct err **err);

#endif
