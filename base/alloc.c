/*
 * Memory over libc's allocator. Knows only how to fail: one line on standard error, then abort.
 * That line is written without formatting, because formatting may allocate. It keeps no counters
 * and no pools; limits belong to the callers who know where the bytes come from.
 */
#include "base/alloc.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *or_abort(void *memory)
{
	static const char message[] = "cip: out of memory\n";

	if (memory)
		return memory;
	if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
		abort();
	abort();
}

void *mem_new(size_t count, size_t size)
{
	return or_abort(calloc(count ? count : 1, size ? size : 1));
}

void *mem_resize(void *old, size_t count, size_t size)
{
	return or_abort(reallocarray(old, count ? count : 1, size ? size : 1));
}

void *mem_dup(const void *bytes, size_t len)
{
	void *copy = or_abort(malloc(len ? len : 1));

	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

char *mem_strdup(const char *text)
{
	return mem_dup(text, strlen(text) + 1);
}

char *mem_strndup(const char *text, size_t max)
{
	/* Not strndup: the strict checks of sanitizers want a NUL behind what it is given. */
	size_t len = strnlen(text, max);
	char *copy = or_abort(malloc(len + 1));

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *mem_printf(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = mem_vprintf(fmt, args);
	va_end(args);
	return text;
}

char *mem_vprintf(const char *fmt, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	return or_abort(text);
}

void mem_free(void *memory)
{
	free(memory);
}

void mem_free_secret(void *memory, size_t len)
{
	if (!memory)
		return;
	explicit_bzero(memory, len);
	free(memory);
}

void mem_free_secret_string(char *text)
{
	if (text)
		mem_free_secret(text, strlen(text));
}

void mem_free_secret_unsized(void *memory)
{
	if (memory)
		mem_free_secret(memory, malloc_usable_size(memory));
}
