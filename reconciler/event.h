/*
 * Everything a run tells, as plain values in one bounded queue. One thread drains it and owns what
 * people see: log, progress, plan, table, report. Workers block while the queue is full, the I/O
 * thread never posts. The consumer sees events in the order they were posted.
 *
 * Borrowed strings (`const char *`) belong to the declared state or to the run. run_execute returns
 * only when all its events have been consumed and frees its own strings then, so a consumer that
 * keeps something copies it.
 */
#ifndef CIP_RECONCILER_EVENT_H
#define CIP_RECONCILER_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/vec.h"
#include "image/digest.h"
#include "reconciler/extra_tags.h"
#include "reconciler/finding.h"
#include "replicator/replicator.h"

/*
 * Names shown to people; not barriers: each digest moves on as soon as it is ready. Of the phases
 * setup, plan, provenance, validate, promote, sign, attest only those that do work are here.
 */
enum phase { PHASE_SETUP, PHASE_PLAN, PHASE_PROMOTE, PHASE_SIGN, PHASE_ATTEST, PHASES };
const char *phase_name(enum phase phase);

/* What became of one (destination repository, digest). */
enum outcome {
	OUTCOME_IN_PLACE,    /* nothing to do */
	OUTCOME_PLANNED,     /* would be promoted or signed (no --confirm) */
	OUTCOME_PROMOTED,    /* everything missing was written */
	OUTCOME_LOST,	     /* neither side holds it */
	OUTCOME_QUARANTINED, /* left alone on purpose: tag move, overlap, malformed, frozen, cycle */
	OUTCOME_FAILED,	     /* a registry could not be read or written */
	OUTCOME_WAITING,     /* its source is a destination of this run that does not hold it yet */
	OUTCOME_NOT_DONE,    /* the run was stopped before it came to this */
	OUTCOME_UNSIGNED,    /* it is there, but could not be signed or attested */
	OUTCOME_SIGNED,	     /* it was in place; its signature or record was missing and was made */
	OUTCOMES
};
const char *outcome_name(enum outcome outcome);

/* Knowledge has three values, and unknown never leads to a write nor to "lost". */
enum known { KNOWN_NOTHING, KNOWN_ABSENT, KNOWN_PRESENT };
const char *known_name(enum known known);

enum tag_found {
	TAG_UNKNOWN, /* not looked at, or the look failed */
	TAG_ABSENT,
	TAG_AT_DIGEST,
	TAG_ELSEWHERE, /* points at another digest */
};
const char *tag_found_name(enum tag_found found);

enum tag_done {
	TAG_DONE_NOTHING,
	TAG_DONE_PLANNED,
	TAG_DONE_WRITTEN,
	TAG_DONE_QUARANTINED,
};
const char *tag_done_name(enum tag_done done);

struct record_tag {
	const char *name;
	struct place place; /* of the claim; another project's file if that claims the same pair */
	enum tag_found found;
	struct digest found_digest; /* with TAG_ELSEWHERE; else all zero */
	enum tag_done done;
	enum finding_kind reason; /* meaningful with TAG_DONE_QUARANTINED */
	char *why;		  /* owned; what the reason alone does not say; or NULL */
	int64_t written_unix_ms;  /* 0: not written */
};

/* The digest from which the tag was moved, or is to be; NULL if it was not elsewhere. Borrowed. */
const struct digest *record_tag_moves_from(const struct record_tag *tag);

/* What became of the signature, or of the promotion record, of an image. */
enum signed_state {
	SIGNED_NOT_ASKED, /* signing is off, or nothing was due */
	SIGNED_PLANNED,	  /* would be (no --confirm) */
	SIGNED_BEFORE,	  /* was there already; without --confirm: as far as a list shows */
	SIGNED_NOW,
	SIGNED_FAILED,
	SIGNED_NOT_DONE, /* the run was stopped first */
};
const char *signed_state_name(enum signed_state state);

/* An entry in a transparency log that we caused, whatever became of the signature it is about. */
struct record_logged {
	const char *type; /* "signature", or the predicate type of a statement; static */
	const char *form; /* "legacy" or "bundle"; static */
	char *serial;	  /* of the certificate, lower-case hexadecimal; owned */
	const char *log;  /* URL; of the trust root */
	uint64_t index;
	int64_t unix_ms; /* when it was made */
};

/* What stands beside an image in its source repository (reconciler/carry.h). */
enum carried_kind {
	CARRIED_SIGNATURES,   /* layers of .sig */
	CARRIED_ATTESTATIONS, /* layers of .att */
	CARRIED_BUNDLES,      /* Sigstore bundles as referrers */
	CARRIED_SBOMS,	      /* .sbom */
	CARRIED_REFERRERS,    /* others */
	CARRIED_KINDS
};
const char *carried_kind_name(enum carried_kind kind);

struct record_carried {
	size_t brought[CARRIED_KINDS]; /* to the primary, by this run */
	size_t left;		       /* things that were not, nor were there before */
	bool failed;		       /* for something an error is the reason */
	char *why; /* owned; for the first thing that was left, or the first error; NULL: nothing was */
};

/*
 * Signing is done once for all destinations of an image with one identity, at the primary. Each of
 * their records says what came of it; the primary's (or the first, if it has none) says the rest.
 */
struct record_signing {
	char *identity;	     /* owned; NULL with SIGNED_NOT_ASKED */
	const char *primary; /* "host/path" */
	bool leads;
	enum signed_state signature, attestation;
	bool verified; /* what is there was read and verified, not only listed */
	char *instead; /* owned; what is there instead of ours, for people; NULL: nothing, or not read */
	bool is_hidden; /* by a bundle of somebody else: clients that see it look at nothing else */
	char *error;	/* owned; why it failed, for people */
	enum err_kind error_kind;
	VEC(struct record_logged) logged; /* of the one that leads */
	struct record_carried carried;	  /* likewise */
};

/*
 * One (destination repository, digest) at its end. `outcome` is the worst that is true of it: a
 * pair with one tag written and one quarantined is quarantined, and its tags tell the rest.
 */
struct record {
	const char *project;	 /* of the first claim */
	const char *source;	 /* "host/path" that was read or would be; the first declared one */
	const char *destination; /* "host/path" */
	struct place place;	 /* of the digest in the images file */
	struct digest digest;	 /* meaningless for a malformed entry */
	bool digest_malformed;
	enum known digest_found;   /* whether the destination held the digest when looked at */
	enum tag_done digest_done; /* what was done about the digest itself */
	enum outcome outcome;
	bool in_look;		  /* in place, and its repository's look has counted it */
	uint32_t reasons;	  /* 1 << finding_kind for all that keeps it from being in place */
	enum finding_kind reason; /* the worst of them; meaningful if there are any */
	enum err_kind error_kind; /* meaningful with FINDING_ERROR */
	char *error;		  /* owned; why, for people; may hold bytes from outside; or NULL */
	VEC(struct record_tag) tags;
	struct record_signing signing;
	int64_t started_unix_ms, ended_unix_ms; /* 0: nothing was tried */
	uint64_t requests, bytes_received, bytes_sent;
};
void record_release(struct record *record);

/*
 * What looking at one repository cost and what was simply in place there. Once per destination
 * repository that was looked at, and once per source repository that was read (with the reads of
 * all copies). Requests are in exactly one look or one record: their sum is the registries' own.
 */
struct repository_look {
	const char *repository; /* "host/path" */
	const char *project;	/* of the first claim */
	bool is_source;
	uint64_t digests; /* declared for this destination */
	/*
	 * Of these with nothing to do; no record unless records_for_all. What was read to see that its
	 * signature is right is not among them, but has a record.
	 */
	uint64_t in_place;
	uint64_t requests, bytes_received;
	char *error;		 /* owned, the first one; NULL: it could be read */
	struct extra_tags extra; /* owned; with extra_tags in the run's options, else none */
};

/* What stands beside an image in its primary, at one mirror where it is not simply in place. */
struct mirrored {
	const char *destination, *primary; /* "host/path" */
	const char *project;		   /* of the destination's first claim */
	char *tag;			   /* owned; NULL: the mirror could not be listed */
	enum replica_end end;
	char *error; /* owned; why, for people; may hold bytes from outside; NULL: none */
};

struct plan_totals {
	uint64_t digests;      /* (destination repository, digest) pairs, malformed ones included */
	uint64_t edges;	       /* (digest, tag or none) x destination repository */
	uint64_t repositories; /* destinations, each is looked at */
	uint64_t sources;      /* looked at only when something is missing */
};

enum event_kind {
	EVENT_LOG,     /* posted by the program's log sink */
	EVENT_PHASE,   /* a phase has begun */
	EVENT_TOTALS,  /* how much there is */
	EVENT_FINDING, /* of the declared state; what registries show is in records */
	EVENT_LOOK,    /* a repository was looked at */
	EVENT_RECORD,  /* a pair has reached its end */
	EVENT_MIRROR,  /* something lacks, or lacked, at a mirror */
};

struct event {
	enum event_kind kind;
	int64_t unix_ms;
	union {
		struct {
			enum log_level level;
			char *text; /* owned */
		} log;
		enum phase phase;
		struct plan_totals totals;
		struct finding finding; /* message owned */
		struct repository_look look;
		struct record record;
		struct mirrored mirrored;
	};
};
void event_release(struct event *event);

struct event_queue;

/* `consume(ctx, event)` runs on the queue's own thread; NULL as event is a tick for redrawing, at least every 200 ms. */
typedef void event_consumer_fn(void *ctx, const struct event *event);
struct event_queue *event_queue_new(event_consumer_fn *consume, void *ctx);

/* Takes what the event owns. Blocks while 1,024 events wait. Any thread except the consumer's. */
void event_post(struct event_queue *queue, struct event *event);

/* Returns when everything posted before has been consumed. */
void event_flush(struct event_queue *queue);

/* Consumes what is left, then ends the thread. NULL is allowed. */
void event_queue_free(struct event_queue *queue);

#endif
