/*
 * A command of the program, and the table of all of them that main.c holds. The first entry is what
 * `cip [flags]` does and has no name of its own.
 */
#ifndef CIP_CLI_COMMAND_H
#define CIP_CLI_COMMAND_H

#include <stddef.h>

#include "cli/flag.h"

struct program;

/* `arguments` is NULL-terminated and begins after the name of the command. Returns the exit code. */
typedef int command_fn(const struct program *program, const char *const *arguments);

struct command {
	const char *name;    /* "" for the job itself */
	const char *usage;   /* after "cip ": "[flags]", "help [COMMAND]" */
	const char *summary; /* one line for the list of commands */
	const char
		*paragraph; /* what it does, for help and manual page; NULL: the summary says it */
	const struct flag_set *flags;
	command_fn *run; /* NULL: a command of kpromo that comes later */
};

struct program {
	const struct command *commands;
	size_t count;
};

/* NULL if there is no command of that name. */
const struct command *command_find(const struct program *program, const char *name);

/*
 * Says "cip: …" with the message of `error` on standard error, and where help is. Returns
 * EXIT_CODE_USAGE.
 */
int command_usage_error(const struct err *error);

int cmd_run(const struct program *program, const char *const *arguments);
int cmd_login_check(const struct program *program, const char *const *arguments);
int cmd_replicate(const struct program *program, const char *const *arguments);
int cmd_sign_bundle(const struct program *program, const char *const *arguments);
int cmd_status(const struct program *program, const char *const *arguments);
int cmd_verify(const struct program *program, const char *const *arguments);
int cmd_verify_attestation(const struct program *program, const char *const *arguments);
int cmd_verify_bundle(const struct program *program, const char *const *arguments);
int cmd_version(const struct program *program, const char *const *arguments);
int cmd_tuf(const struct program *program, const char *const *arguments);
int cmd_help(const struct program *program, const char *const *arguments);

extern const struct flag_set cmd_login_check_flags;
extern const struct flag_set cmd_replicate_flags;
extern const struct flag_set cmd_sign_bundle_flags;
extern const struct flag_set cmd_status_flags;
extern const struct flag_set cmd_verify_flags;
extern const struct flag_set cmd_verify_attestation_flags;
extern const struct flag_set cmd_verify_bundle_flags;
extern const struct flag_set cmd_version_flags;
extern const struct flag_set cmd_tuf_flags;
extern const struct flag_set cmd_help_flags;

/* Prints the version on standard output. Returns the exit code. */
int version_print(void);

#endif
