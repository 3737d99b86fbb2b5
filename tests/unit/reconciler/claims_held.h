/*
 * What is claimed of the images in the model's registries: a line for each signature and each
 * statement, with what it says and without what differs from one signature to the next.
 */
#ifndef CIP_TESTS_UNIT_RECONCILER_CLAIMS_HELD_H
#define CIP_TESTS_UNIT_RECONCILER_CLAIMS_HELD_H

#include "tests/unit/reconciler/model_fixture.h"

/* "repository:tag says", and how often. */
struct claim_held {
	char *text;
	unsigned count;
};

struct claims_held {
	VEC(struct claim_held) lines; /* sorted, each once */
};

void claims_held_read(struct registry *model, struct claims_held *held);
void claims_held_release(struct claims_held *held);

/* 0: nobody says it. */
unsigned claims_held_count(const struct claims_held *held, const char *text);
/* Lines that begin with this. */
unsigned claims_held_below(const struct claims_held *held, const char *prefix);
/* The first line of a that begins with this and that b lacks; NULL: none. Borrowed. */
const char *claims_held_lost(
	const struct claims_held *a, const struct claims_held *b, const char *prefix);

#endif
