/*
 * `cip version`: what this binary is.
 */
#include <stdio.h>

#include "cip_version.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/help.h"

struct version_options {
	bool help;
};

static const struct flag flags[] = {
	{.group = "Flags",
		.name = "help",
		.type = FLAG_BOOL,
		.offset = offsetof(struct version_options, help),
		.ends_parsing = true,
		.help = "print this and stop"},
};
const struct flag_set cmd_version_flags = {
	.flags = flags, .count = sizeof(flags) / sizeof(flags[0])};

int version_print(void)
{
	printf("cip %s (commit %s)\n", CIP_VERSION, CIP_COMMIT);
	return fflush(stdout) == 0 ? EXIT_CODE_OK : EXIT_CODE_NOT_DONE;
}

int cmd_version(const struct program *program, const char *const *arguments)
{
	CLEANUP(err_freep) struct err *error = NULL;
	struct version_options options;
	struct flag_given given;

	if (!flag_parse(&cmd_version_flags, arguments, &options, &given, &error))
		return command_usage_error(error);
	if (options.help)
		return help_command(program, command_find(program, "version"), stdout);
	return version_print();
}
