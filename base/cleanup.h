/*
 * Scope-bound cleanup: `CLEANUP(fn)` on a declaration calls `fn(&variable)` when the scope ends.
 * The variable is initialised where it is declared; ownership leaves the scope only through
 * `steal_ptr` or `steal_fd`. `goto` is banned outside base/.
 */
#ifndef CIP_BASE_CLEANUP_H
#define CIP_BASE_CLEANUP_H

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Yields the pointer and leaves NULL behind, so that the cleanup of the old owner does nothing. */
#define steal_ptr(pointer)                                                                         \
	({                                                                                         \
		__typeof__(*(pointer)) stolen_ = *(pointer);                                       \
		*(pointer) = NULL;                                                                 \
		stolen_;                                                                           \
	})

/* Defines `name(T **p)`, a cleanup function that calls `release(*p)` unless *p is NULL. */
#define DEFINE_CLEANUP(T, name, release)                                                           \
	static inline void name(T **p)                                                             \
	{                                                                                          \
		if (*p)                                                                            \
			release(*p);                                                               \
	}

static inline void mem_freep(void *pointer_to_pointer)
{
	mem_free(*(void **)pointer_to_pointer);
}

static inline void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline int steal_fd(int *fd)
{
	int stolen = *fd;
	*fd = -1;
	return stolen;
}

static inline void file_closep(FILE **file)
{
	if (*file)
		fclose(*file);
}

#endif
