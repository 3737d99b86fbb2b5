/*
 * What the exit status of cip means. Scripts depend on it; --help, the manual page and docs/errors.md
 * say the same.
 */
#ifndef CIP_CLI_EXIT_CODE_H
#define CIP_CLI_EXIT_CODE_H

#include <stddef.h>

#include "base/err.h"

enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_NOT_DONE = 1,
	EXIT_CODE_USAGE = 2,
	EXIT_CODE_FINDINGS = 3,
	EXIT_CODE_SIGNAL = 128, /* plus the number of the signal */
};

/*
 * The code of a job that could not be done. `signal` is the one that interrupted it, 0 if none did.
 */
int exit_code_of_error(const struct err *error, int signal);

struct exit_code_text {
	const char *codes;
	const char *meaning;
};

/* In order; exit_code_text_count of them. */
extern const struct exit_code_text exit_code_texts[];
extern const size_t exit_code_text_count;

#endif
