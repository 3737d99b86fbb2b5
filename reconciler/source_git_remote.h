/* Brings a mirror up to date from another machine. One thread. */
#ifndef CIP_RECONCILER_SOURCE_GIT_REMOTE_H
#define CIP_RECONCILER_SOURCE_GIT_REMOTE_H

#include <stdbool.h>

#include "base/err.h"
#include "reconciler/source_git_deadline.h"
#include "reconciler/source_git_refs.h"
#include "reconciler/source_git_wire.h"

/*
 * Fetches into the bare repository `mirror` what it lacks of the heads and tags at the other end of
 * the wire; its own refs only say what is there already. ret_refs gets what the other end
 * advertised, sorted. ERR_IO and ERR_DIGEST: the mirror cannot be read or written; ERR_INVALID: the
 * other side is empty or no Git repository; otherwise the wire's errors. *ret_began tells, also on
 * failure, whether the other side had answered.
 */
bool source_git_remote_fetch(const char *mirror, const char *url, struct source_git_wire *wire,
	const struct source_git_deadline *deadline, struct source_git_refs *ret_refs,
	bool *ret_began, struct err **err);

#endif
