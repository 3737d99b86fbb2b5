/*
 * The plan as people read it and scripts compare it: one line for each thing that would be done or
 * is left alone, sorted by project, destination and digest, the same bytes every time. Made from
 * the records of a run without --confirm. One owner; not the worker threads.
 *
 *	promote      HOST/REPO@DIGEST from HOST/REPO tags v1,v2
 *	tag          HOST/REPO@DIGEST tags v3
 *	waiting      HOST/REPO@DIGEST for HOST/REPO
 *	lost         HOST/REPO@DIGEST: neither ... (FILE:LINE)
 *	quarantined  HOST/REPO:TAG tag-move: ... (FILE:LINE)
 *	failed       HOST/REPO@DIGEST: ... (FILE:LINE)
 */
#ifndef CIP_RECONCILER_PLAN_TEXT_H
#define CIP_RECONCILER_PLAN_TEXT_H

#include "base/str.h"
#include "reconciler/event.h"

/* Appends the lines of one record, each ended by \n; nothing for one that is in place. */
void plan_text_lines(const struct record *record, struct str *out);

struct plan_text;

struct plan_text *plan_text_new(void);
void plan_text_free(struct plan_text *text);
DEFINE_CLEANUP(struct plan_text, plan_text_freep, plan_text_free)

/* Copies what it needs. An error (ERR_IO: temporary file) is kept for plan_text_write. */
void plan_text_add(struct plan_text *text, const struct record *record);

/* Calls `write` with pieces of the whole plan in order; false with the first error. Once. */
bool plan_text_write(struct plan_text *text,
	bool (*write)(void *ctx, const char *bytes, size_t len, struct err **err), void *ctx,
	struct err **err);

#endif
