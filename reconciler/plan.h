/*
 * What is to be done at one destination repository: a pure function of what is wanted there and
 * what was observed of it. No I/O. Whether the source holds a digest matters only for what has to
 * be copied, and often is not known yet; plan_resolve says what follows once it is.
 *
 * A tag is written only where it was seen to be absent, or to point elsewhere if a tag policy lets
 * it move. Another tag on another digest, a disputed tag (two digests claim it) that the registry has
 * not settled already, a tag that would be made or moved below the prefix of a project whose files
 * cannot be read, and a claim inside a circle are quarantined: exactly that tag, the other tags of
 * the digest go on.
 */
#ifndef CIP_RECONCILER_PLAN_H
#define CIP_RECONCILER_PLAN_H

#include "reconciler/observed.h"

enum plan_action {
	PLAN_NOTHING, /* in place, or nothing may be done */
	PLAN_TAG,     /* the digest was seen there: only tags are missing */
	PLAN_COPY,    /* it was not seen there (absent or unknown) */
};

/* One bit for everything that is wrong with a pair. */
#define PLAN_REASON(kind) (1U << (kind))
#define PLAN_QUARANTINES                                                                           \
	(PLAN_REASON(FINDING_MALFORMED) | PLAN_REASON(FINDING_INVALID_FILE) |                      \
		PLAN_REASON(FINDING_OVERLAP) | PLAN_REASON(FINDING_TAG_MOVE) |                     \
		PLAN_REASON(FINDING_CYCLE))

/* What is to become of one wanted tag. */
struct plan_tag {
	uint8_t found;	/* enum tag_found, as this digest sees it */
	uint8_t done;	/* enum tag_done: planned, quarantined, or nothing */
	uint8_t reason; /* enum finding_kind; meaningful when quarantined */
};

struct plan_pair {
	uint32_t digest;    /* index in wanted */
	uint32_t first_tag; /* in the plan's tags; as many as the wanted digest has */
	uint8_t action;	    /* enum plan_action */
	uint8_t found;	    /* enum known: the digest itself */
	uint8_t sign;	    /* enum signing_due */
	uint16_t reasons;   /* PLAN_REASON of everything that keeps it from its state */
};

struct plan {
	VEC(struct plan_pair) pairs; /* not in place, by index of digest */
	VEC(struct plan_tag) tags;
	uint64_t in_place;
};

/*
 * `repository` is the canonical "host/path". With `all`, pairs in place are listed too. `sign` says by
 * index of digest what is due of its signature here (enum signing_due); NULL: nothing is.
 */
void plan_init(struct plan *plan, const struct declared *declared, const char *repository,
	const struct observed *observed, const uint8_t *sign, bool all);
void plan_release(struct plan *plan);

/* True if nothing will be done about the pair. */
bool plan_is_settled(const struct plan_pair *pair);

/* The pair of a wanted digest; NULL if there is nothing to be said of it. */
const struct plan_pair *plan_find(const struct plan *plan, uint32_t digest);

/* What is known of the sources of a digest together. */
enum plan_source {
	PLAN_SOURCE_ABSENT, /* in none of them */
	PLAN_SOURCE_COMING, /* one of them is itself a destination that shall hold it */
	PLAN_SOURCE_UNKNOWN,
	PLAN_SOURCE_PRESENT, /* in one of them */
};

/*
 * Two sources together: one that holds the digest is enough; else unknown outweighs coming, and
 * coming outweighs absent, so that nothing is ever called lost on a guess.
 */
enum plan_source plan_source_join(enum plan_source a, enum plan_source b);

enum plan_resolution {
	PLAN_DO_COPY,
	PLAN_DO_TAG, /* from what the destination itself holds */
	PLAN_DO_ASK, /* first find out whether the destination holds the digest */
	PLAN_DO_WAIT,
	PLAN_DO_LOST, /* neither side holds it */
	PLAN_DO_FAIL, /* too little is known to do anything */
};

/* For a pair that is to be copied or tagged. */
enum plan_resolution plan_resolve(enum known at_destination, enum plan_source source);

#endif
