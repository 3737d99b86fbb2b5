/* libgit2 as we use it: set up once, its errors turned into ours. Any thread. */
#ifndef CIP_RECONCILER_SOURCE_GIT_LIBRARY_H
#define CIP_RECONCILER_SOURCE_GIT_LIBRARY_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Must have succeeded before any other use of libgit2. No configuration outside the repositories
 * themselves is read. ERR_INTERNAL.
 */
bool source_git_library_start(struct err **err);

/*
 * libgit2's last error on this thread behind the given text. ERR_IO if the operating system refused
 * something, else ERR_DIGEST: objects or refs that are damaged. Returns false.
 */
bool source_git_library_error(struct err **err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
