/* Repositories on this machine. One thread. */
#ifndef CIP_RECONCILER_SOURCE_GIT_LOCAL_H
#define CIP_RECONCILER_SOURCE_GIT_LOCAL_H

#include <stdbool.h>

#include "base/err.h"
#include "reconciler/source_git_deadline.h"
#include "reconciler/source_git_refs.h"

/*
 * Heads, tags and HEAD of the repository (bare or with a working tree) at `path`, sorted.
 * ERR_INVALID: no repository, an empty or a broken one.
 */
bool source_git_local_refs(const char *path, struct source_git_refs *ret_refs, struct err **err);

/*
 * Copies into the bare repository `mirror` what it lacks of these refs. ERR_IO and ERR_DIGEST: the
 * mirror cannot be read or written; ERR_INVALID: the repository is broken; ERR_UNSUPPORTED: shallow;
 * ERR_CANCELLED, ERR_TIMEOUT.
 */
bool source_git_local_fetch(const char *path, const struct source_git_refs *refs,
	const char *mirror, const struct source_git_deadline *deadline, struct err **err);

#endif
