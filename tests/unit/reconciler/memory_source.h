/* A source made of a table, for tests of what reads sources. */
#ifndef CIP_TESTS_MEMORY_SOURCE_H
#define CIP_TESTS_MEMORY_SOURCE_H

#include "reconciler/source.h"

/* Ends with path NULL. Directories follow from the paths; text NULL: an empty directory. */
struct memory_file {
	const char *path;
	const char *text;
	size_t len;		     /* 0: up to the terminator */
	enum source_entry_kind kind; /* SOURCE_FILE unless said otherwise */
	enum err_kind read_error;    /* with `fails` */
	bool fails;		     /* listed, but cannot be read */
};

/* The table is borrowed. */
struct source *memory_source(const struct memory_file *files);

#endif
