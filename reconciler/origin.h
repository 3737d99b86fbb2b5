/*
 * Whether a source repository holds certain digests, for a run that only plans. (With --confirm
 * nobody asks: the GET of the manifest for the copy is the look.) One list where the host speaks
 * Google's extension and several digests are wanted, else one HEAD each.
 */
#ifndef CIP_RECONCILER_ORIGIN_H
#define CIP_RECONCILER_ORIGIN_H

#include "reconciler/hosts.h"
#include "reconciler/worklist.h"
#include "registry/registry.h"

/* One question. Sorted by source, then digest; each once. */
struct origin {
	uint32_t source;       /* of the worklist */
	const uint8_t *sha256; /* borrowed */
	enum known known;
	struct err *err; /* why it is unknown; owned */
};

/*
 * Tries to answer all `count` questions about one source by a list. Returns false if they have to
 * be asked one by one, and true if they are settled: answered, or all failed with the list's error.
 */
bool origin_list(struct origin *origins, size_t count, struct registry *registry,
	struct hosts *hosts, const struct repository *repository, struct http_tally *tally);

/* Asks one question by HEAD. */
void origin_ask(struct origin *origin, struct registry *registry, struct hosts *hosts,
	const struct repository *repository, struct http_tally *tally);

/* The question about a digest of a source; NULL if nobody asked it. */
struct origin *origin_find(
	struct origin *origins, size_t count, uint32_t source, const uint8_t *sha256);

/* Order for qsort. */
int origin_compare(const void *left, const void *right);

#endif
