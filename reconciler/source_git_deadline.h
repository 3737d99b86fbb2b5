/*
 * How long a fetch may go on: until its deadline passes or the run is being stopped. Shared by
 * everything that waits in it. One thread.
 */
#ifndef CIP_RECONCILER_SOURCE_GIT_DEADLINE_H
#define CIP_RECONCILER_SOURCE_GIT_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"

struct source_git_deadline {
	struct cancel *cancel; /* borrowed; may be NULL */
	int64_t at_ms;	       /* monotonic */
	int64_t allowed_ms;    /* for the message */
};

/* allowed_ms 0: 10 minutes. */
struct source_git_deadline source_git_deadline_start(struct cancel *cancel, int64_t allowed_ms);

/* ERR_CANCELLED from CANCEL_DRAIN on (a fetch is nothing that must be finished), ERR_TIMEOUT. */
bool source_git_deadline_check(const struct source_git_deadline *deadline, struct err **err);

/* Never negative. */
int64_t source_git_deadline_left_ms(const struct source_git_deadline *deadline);

#endif
