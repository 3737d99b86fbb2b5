/*
 * What all commands share: looking one up, and how wrong usage is told.
 */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "cli/exit_code.h"

const struct command *command_find(const struct program *program, const char *name)
{
	for (size_t i = 0; i < program->count; i++) {
		if (strcmp(program->commands[i].name, name) == 0)
			return &program->commands[i];
	}
	return NULL;
}

int command_usage_error(const struct err *error)
{
	CLEANUP(mem_freep) char *text = escape_terminal_text(error->msg);

	fprintf(stderr, "cip: %s\n", text);
	return EXIT_CODE_USAGE;
}
