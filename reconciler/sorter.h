/*
 * Sorts more lines than should stay in memory: they are kept in memory up to a bound, then sorted
 * and put aside in an unlinked temporary file ($TMPDIR, else /tmp), and merged at the end. One
 * owner.
 */
#ifndef CIP_RECONCILER_SORTER_H
#define CIP_RECONCILER_SORTER_H

#include "base/err.h"

struct sorter;

/* `memory`: bytes held before something is put aside; 0: 4 MiB. */
struct sorter *sorter_new(size_t memory);
void sorter_free(struct sorter *sorter);
DEFINE_CLEANUP(struct sorter, sorter_freep, sorter_free)

/* Both are copied. Order is by the bytes of the key, then of the text. ERR_IO when putting aside fails. */
bool sorter_add(struct sorter *sorter, const void *key, size_t key_len, const void *text,
	size_t text_len, struct err **err);

/* Calls `take` with each text in order until it returns false (with its error). Once. */
bool sorter_finish(struct sorter *sorter,
	bool (*take)(void *ctx, const char *text, size_t len, struct err **err), void *ctx,
	struct err **err);

#endif
