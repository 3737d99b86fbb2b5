/*
 * The words for the exit codes, in the one place that help and manual page are made from. Which
 * findings count is decided by --fail-on (cli/fail_on.h).
 */
#include "cli/exit_code.h"

const struct exit_code_text exit_code_texts[] = {
	{"0",
		"everything declared is in place; without --confirm: the plan was made and no "
		"finding of --fail-on was met"},
	{"1",
		"the job could not be done: the manifests cannot be reached, the tree has the "
		"wrong shape, the report cannot be written"},
	{"2",
		"wrong usage or configuration; with --parse-only or --strict: findings in the "
		"manifests, nothing was promoted"},
	{"3",
		"finished, but some entries were quarantined or failed (--fail-on chooses which "
		"count)"},
	{"130, 143", "interrupted by SIGINT or SIGTERM; the report says what is left"},
};
const size_t exit_code_text_count = sizeof(exit_code_texts) / sizeof(exit_code_texts[0]);

int exit_code_of_error(const struct err *error, int signal)
{
	if (signal && error->kind == ERR_CANCELLED)
		return EXIT_CODE_SIGNAL + signal;
	return error->kind == ERR_USAGE ? EXIT_CODE_USAGE : EXIT_CODE_NOT_DONE;
}
