/*
 * Errors that many entries have word for word, as those of a registry that is down: the first is said
 * in full, the others are counted. One thread.
 */
#ifndef CIP_CLI_REPEATS_H
#define CIP_CLI_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/intern.h"
#include "base/strmap.h"
#include "base/vec.h"

/* Further texts are not remembered, so all of them are said. */
#define REPEATS_MAX 1000

struct repeat {
	const char *host;
	const char *error;
	uint64_t more; /* after the first */
};

struct repeats {
	struct intern *texts;
	struct strmap index;	  /* "host error" -> index + 1 */
	VEC(struct repeat) items; /* in the order of their first ones */
};

void repeats_init(struct repeats *repeats);
void repeats_release(struct repeats *repeats);

/* True if the entry, "host/path" as its destination, is the first with this error; else counts it. */
bool repeats_is_first(struct repeats *repeats, const char *destination, const char *error);

#endif
