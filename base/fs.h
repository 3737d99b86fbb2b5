/* Files: bounded reading and atomic writing. Any thread; paths are borrowed. */
#ifndef CIP_BASE_FS_H
#define CIP_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Appends the whole regular file to `out`. ERR_NOT_FOUND if there is none, ERR_TOO_LARGE if it does
 * not fit below out's maximum, ERR_IO otherwise (a directory, a device, no permission).
 */
bool fs_read_file(const char *path, struct str *out, struct err **err);

/*
 * Replaces `path` with the bytes or leaves it untouched: written to a temporary file beside it,
 * synced, renamed. A link to a file stays a link; a device or pipe (/dev/stdout) is written to
 * instead of being replaced. `mode` as in open(2). ERR_IO with the path and the system's reason.
 */
bool fs_write_atomic(
	const char *path, const void *bytes, size_t len, mode_t mode, struct err **err);

/* Creates a directory and its missing parents (mode 0700 for what it makes). */
bool fs_make_directories(const char *path, struct err **err);

/*
 * ERR_USAGE, in words for the person who named it, unless only we and root can change what is in
 * the directory; ERR_IO if it cannot be opened. `flags` are for open(2): O_NOFOLLOW or 0.
 */
bool fs_check_private(const char *path, int flags, struct err **err);

/* Removes a tree without following links. A missing path is success. */
bool fs_remove_tree(const char *path, struct err **err);

/* "a/b", exactly one slash between. Fresh memory. */
char *fs_join(const char *directory, const char *name);

#endif
