/*
 * One job from its flags to its exit code: sets up what it needs, runs it, says what became of it,
 * takes everything down again.
 */
#ifndef CIP_CLI_JOB_H
#define CIP_CLI_JOB_H

#include "cli/options.h"

/* Returns the exit code. At most one at a time. */
int job_run(const struct options *options);

#endif
