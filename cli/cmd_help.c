/*
 * `cip help`: the way from a name to its help. Two hidden flags print what the installation puts
 * into place: --man and --completion=SHELL.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/help.h"

struct help_options {
	bool help;
	bool man;
	const char *completion;
};

static const struct flag flags[] = {
	{.group = "Flags",
		.name = "help",
		.type = FLAG_BOOL,
		.offset = offsetof(struct help_options, help),
		.ends_parsing = true,
		.help = "print this and stop"},
	{.name = "man",
		.type = FLAG_BOOL,
		.state = FLAG_HIDDEN,
		.offset = offsetof(struct help_options, man),
		.help = "print the manual page"},
	{.name = "completion",
		.type = FLAG_CHOICE,
		.state = FLAG_HIDDEN,
		.offset = offsetof(struct help_options, completion),
		.value = "SHELL",
		.choices = "bash|zsh|fish",
		.help = "print the completions of a shell"},
};
const struct flag_set cmd_help_flags = {
	.flags = flags,
	.count = sizeof(flags) / sizeof(flags[0]),
	.max_positional = 1,
};

int cmd_help(const struct program *program, const char *const *arguments)
{
	CLEANUP(err_freep) struct err *error = NULL;
	const struct command *command;
	struct help_options options;
	struct flag_given given;

	if (!flag_parse(&cmd_help_flags, arguments, &options, &given, &error))
		return command_usage_error(error);
	if (options.help)
		return help_command(program, command_find(program, "help"), stdout);
	if (options.man)
		return help_man(program, stdout);
	if (options.completion)
		return help_completion(program, options.completion, stdout);
	command = command_find(program, given.positional_count ? given.positional[0] : "");
	if (!command || !command->run) {
		err_set(&error, ERR_USAGE, "there is no command \"%s\" to explain; see cip help",
			given.positional[0]);
		return command_usage_error(error);
	}
	return help_command(program, command, stdout);
}
