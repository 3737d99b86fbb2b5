/*
 * Which of the signatures and attestations that stand beside an image in its source go along to its
 * primary: what somebody who is trusted has signed, about this image, and the primary has not (trust rule
 * 11). Pure, any thread.
 */
#ifndef CIP_RECONCILER_CARRY_PLAN_H
#define CIP_RECONCILER_CARRY_PLAN_H

#include "reconciler/event.h"
#include "signer/image_verify.h"

/* Of one image; anybody who may push to the source can add to it. */
#define CARRY_MAX 100				/* things of each kind */
#define CARRY_DESCRIPTORS_MAX ((size_t)1 << 20) /* bytes that they add to a manifest */

/*
 * Drops from *staging what does not go along. `verdicts` are of its items, one each in their order;
 * `primary` is what stands there. Both were read with their parts. Counts in *carried what was left, not what
 * goes along.
 */
void carry_plan(struct attached *staging, const struct image_verdicts *verdicts,
	const struct attached *primary, struct record_carried *carried);

/* Something is left. `why` is kept as record_carried says. */
void carry_leave(struct record_carried *carried, size_t count, const char *why);
/* The same because of an error; with 0 it is not known of how much. */
void carry_fail(struct record_carried *carried, size_t count, const struct err *err);

#endif
