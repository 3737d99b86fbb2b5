/* Which commit a person means. One thread. */
#ifndef CIP_RECONCILER_SOURCE_GIT_COMMIT_H
#define CIP_RECONCILER_SOURCE_GIT_COMMIT_H

#include <stdbool.h>

#include "base/err.h"
#include "reconciler/source_git_refs.h"

/*
 * Resolves `wanted` (NULL or "HEAD": the remote's HEAD) against what the remote advertised:
 *
 *	40 hex digits	that commit and nothing else, so no branch can take its place
 *	refs/heads/x, refs/tags/x, or x: the branch, else the tag
 *	7 to 39 hex digits	the one commit that begins so
 *
 * Commits must be reachable from a head or tag. ret_label, owned by the caller, is for people
 * ("main", "tag v1.2", "commit 1234567"). ERR_NOT_FOUND; ERR_USAGE if ambiguous; ERR_INVALID if it
 * names no commit; ERR_IO and ERR_DIGEST: the repository is damaged.
 */
bool source_git_commit_resolve(const char *repository, const struct source_git_refs *refs,
	const char *wanted, char ret_id[SOURCE_GIT_ID_SIZE], char **ret_label, struct err **err);

#endif
