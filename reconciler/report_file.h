/*
 * A file that appears whole or not at all, written as a stream: a temporary file beside it, synced
 * and renamed at the end. What is no regular file (/dev/stdout, a pipe) is written directly. One
 * owner.
 */
#ifndef CIP_RECONCILER_REPORT_FILE_H
#define CIP_RECONCILER_REPORT_FILE_H

#include <stdio.h>

#include "base/err.h"

struct report_file {
	FILE *stream;
	char *target;	 /* with symbolic links resolved */
	char *temporary; /* NULL: written directly */
};

/* ERR_IO with the path and the system's reason. */
bool report_file_open(struct report_file *file, const char *path, struct err **err);

/* `error`: errno of a write that failed before, 0 if none. On failure nothing is left behind. */
bool report_file_commit(struct report_file *file, int error, struct err **err);

/* Removes what was not committed. */
void report_file_release(struct report_file *file);

#endif
