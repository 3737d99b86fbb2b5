/*
 * Child programs, started without a shell: posix_spawn, absolute program path, argument vector,
 * a listed environment, default signal mask and actions, no inherited descriptors besides
 * standard input, output and error, its own process group. Any thread.
 */
#ifndef CIP_BASE_SPAWN_H
#define CIP_BASE_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct spawn_options {
	const char *program;		/* absolute path */
	const char *const *arguments;	/* argv[0] first, NULL-terminated */
	const char *const *environment; /* "NAME=value", NULL-terminated */
	bool keep_stderr;		/* child writes to our standard error; else it is piped */
};

struct spawn_child {
	pid_t pid;
	int input;  /* we write */
	int output; /* we read */
	int errors; /* we read; -1 with keep_stderr */
};
#define SPAWN_CHILD_INIT                                                                           \
	{                                                                                          \
		.pid = -1, .input = -1, .output = -1, .errors = -1                                 \
	}

/* Descriptors are close-on-exec and belong to the child struct. ERR_IO, ERR_NOT_FOUND. */
bool spawn_start(
	const struct spawn_options *options, struct spawn_child *ret_child, struct err **err);

/*
 * Closes our ends, waits up to grace_ms, then kills the process group and reaps it.
 * ret_status gets the wait status. Safe to call twice; never leaves a zombie.
 */
void spawn_stop(struct spawn_child *child, int64_t grace_ms, int *ret_status);

/* The absolute path of `name` in the absolute entries of PATH; fresh memory, NULL if absent. */
char *spawn_find_program(const char *name);

#endif
