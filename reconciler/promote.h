/*
 * Carries out what was planned for one digest: from one of its sources to every destination that
 * lacks something, and what remains to be done when no source holds it. Turns what happened into
 * the records. Blocks; any thread.
 */
#ifndef CIP_RECONCILER_PROMOTE_H
#define CIP_RECONCILER_PROMOTE_H

#include "reconciler/hosts.h"
#include "reconciler/plan.h"
#include "reconciler/record.h"
#include "registry/copy.h"

struct promoter {
	struct registry *registry;
	struct copier *copier;
	struct hosts *hosts;
	const struct clock *clock;
	struct cancel *cancel;
};

/* One source repository of the digest. */
struct promote_source {
	const char *name; /* "host/path" */
	const struct repository *repository;
	struct http_tally *tally; /* of everything read from it */
	bool coming;		  /* it is a destination of this run that shall hold the digest */
	struct err *err;	  /* set when it could not be read (a 404 is no error); owned */
};

struct promote_target {
	const struct repository *repository;
	struct record *record; /* as planned (record_init); brought up to date */
	int64_t observed_ms;   /* monotonic time of the look */
	bool has_images;       /* it found images in the repository */
	bool is_done;	       /* there is nothing to be carried out (any more) */
	enum record_end end;   /* in: RECORD_END_DONE; for record_settle */
};

/* Tries the sources in order until one holds the digest. */
void promote_group(const struct promoter *promoter, const struct digest *digest,
	struct promote_source *sources, size_t source_count, struct promote_target *targets,
	size_t target_count);

/*
 * What follows for one target from what is known of all sources together, after asking the
 * destination for the digest if that decides it. The record gets its error, or that it is lost;
 * `end` that it waits or was stopped. `err`: why the sources are unknown. Copying and tagging are
 * left to the caller.
 */
enum plan_resolution promote_resolve(const struct promoter *promoter, const struct digest *digest,
	struct promote_target *target, enum plan_source source, const struct err *err);

#endif
