/*
 * Signatures of declared images on all their mirrors: who is primary of what, and a run over all of
 * it. What is compared and copied is replicator/'s matter.
 *
 * Destinations with one public identity (reconciler/identity.h) that declare a digest are a group, and
 * so are those of one entry that have none; its primary is the one that is signed. Groups of one are passed over.
 */
#ifndef CIP_RECONCILER_REPLICATE_H
#define CIP_RECONCILER_REPLICATE_H

#include "reconciler/declared.h"
#include "reconciler/replicate_merge.h"

struct replicate_options {
	const struct declared *declared;
	struct registry *registry;
	struct cancel *cancel; /* NULL: cannot be stopped */
	unsigned threads;      /* lists at the same time */
	unsigned copies;       /* objects copied at the same time */
	bool confirm;
	/* Else, beside a group's digests, also those that nobody declares and its primary has anything of. */
	bool only_declared;
	/*
	 * Ask primaries with a referrers API what refers to each digest that is declared, at a request each: no
	 * list shows it.
	 */
	bool referrers;
	struct replicate_trust trust; /* `registry` and `tally` are filled in */
};

/* One object at one mirror that was not in place, or a repository that could not be listed. */
struct replicate_row {
	char *destination; /* "host/path"; owned */
	char *primary;	   /* owned */
	char *tag;	   /* owned; NULL: the repository could not be listed */
	enum replica_end end;
	char *error; /* owned; NULL: none */
};

struct replicate_result {
	VEC(struct replicate_row) rows; /* by destination, then by tag */
	uint64_t ends[REPLICA_ENDS];	/* objects × mirrors */
	uint64_t unlisted;		/* repositories */
	uint32_t left_out;		/* projects whose files cannot be read */
	bool interrupted;
};
void replicate_result_release(struct replicate_result *result);

/* Blocks. Never fails: what went wrong is in the rows. */
void replicate_run(const struct replicate_options *options, struct replicate_result *ret_result);

#endif
