/*
 * Records from plans: one record goes with a pair from its plan to its end. Plain values, any
 * thread; the strings belong to the declared state and the worklist.
 */
#ifndef CIP_RECONCILER_RECORD_H
#define CIP_RECONCILER_RECORD_H

#include "reconciler/plan.h"

/* As planned: what is to be written has TAG_DONE_PLANNED. record_release. */
void record_init(struct record *record, const struct worklist *list, uint32_t destination,
	const struct observed *observed, const struct plan *plan, const struct plan_pair *pair);

/* Why the pair cannot be brought to its state. The first error's text is kept. */
void record_add_error(struct record *record, const struct err *err);

/* Why the image could not be signed. The first error is kept. */
void record_add_unsigned(struct record *record, const struct err *err);

enum record_end {
	RECORD_END_PLANNED,  /* no --confirm: what is planned stays planned */
	RECORD_END_DONE,     /* everything possible was done */
	RECORD_END_WAITING,  /* for another destination of this run */
	RECORD_END_NOT_DONE, /* the run was stopped first */
};

/* Of the digest or one of its tags. */
bool record_has_done(const struct record *record, enum tag_done done);

/* Draws outcome, reason and explanation from what is in the record. */
void record_settle(struct record *record, const struct declared *declared, enum record_end end);

#endif
