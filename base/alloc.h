/*
 * Memory. Running out of it ends the process with one message: no caller handles it, so no
 * untested recovery path exists. Sizes that come from outside are checked against a stated
 * maximum before they reach these functions.
 *
 * All functions may be called from any thread.
 */
#ifndef CIP_BASE_ALLOC_H
#define CIP_BASE_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

/* Zeroed memory for `count` objects of `size` bytes; the product is checked. Never NULL. */
void *mem_new(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Resizes to `count` objects of `size` bytes; new bytes are not zeroed. Never NULL. */
void *mem_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));

void *mem_dup(const void *bytes, size_t len) __attribute__((returns_nonnull));
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *mem_strndup(const char *text, size_t max) __attribute__((malloc, returns_nonnull));

/* Formats into fresh memory. The caller owns the result. */
char *mem_printf(const char *fmt, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
char *mem_vprintf(const char *fmt, va_list args)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 0)));

/* NULL is allowed. */
void mem_free(void *memory);

/* Overwrites before freeing, in a way the compiler may not drop. For keys, tokens and passwords. */
void mem_free_secret(void *memory, size_t len);
void mem_free_secret_string(char *text);
/* The same for memory whose length only the allocator knows: that of libraries. */
void mem_free_secret_unsized(void *memory);

#endif
