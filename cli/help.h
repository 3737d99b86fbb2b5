/*
 * The words of the program in their three shapes, all made from the command table, the flag tables
 * and the sections of help_text.c: help on a terminal, the manual page, shell completions.
 */
#ifndef CIP_CLI_HELP_H
#define CIP_CLI_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/command.h"

/* A few lines for somebody who typed nothing. */
void help_short(const struct program *program, FILE *out);

/* All there is to know about one command. Returns the exit code: writing may fail. */
int help_command(const struct program *program, const struct command *command, FILE *out);

/* The manual page cip(1) in the man macros of roff. Returns the exit code. */
int help_man(const struct program *program, FILE *out);

/* A completion script. `shell` is "bash", "zsh" or "fish". Returns the exit code. */
int help_completion(const struct program *program, const char *shell, FILE *out);

/* A section of prose that help and manual page share. Items are shown as a list. */
struct help_item {
	const char *term;
	const char *text;
};
struct help_section {
	const char *title;
	const char *text; /* NULL: only items */
	const struct help_item *items;
	size_t count;
	bool is_code; /* items: the term is something to type */
	bool only_man;
};
extern const struct help_section help_sections[];
extern const size_t help_section_count;

#endif
