/*
 * `cip [flags]`: the job itself.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/job.h"
#include "cli/options.h"

int cmd_run(const struct program *program, const char *const *arguments)
{
	CLEANUP(err_freep) struct err *error = NULL;
	CLEANUP(options_release) struct options options = {0};

	if (!options_parse(&options_flags, arguments, &options, &error))
		return command_usage_error(error);
	if (options.help)
		return help_command(program, command_find(program, ""), stdout);
	if (options.version)
		return version_print();
	return job_run(&options);
}
