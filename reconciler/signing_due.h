/*
 * Whether something is to be done about the signature of a digest: a pure function of what is wanted
 * and of what a look at its primary has shown. What a list shows to be there is believed; content is
 * read where something is missing or was written, and of a rotating share of all digests. What has to be made is
 * decided after that reading (signing_plan.h).
 *
 * This is the one place where a digest is kept from being signed.
 */
#ifndef CIP_RECONCILER_SIGNING_DUE_H
#define CIP_RECONCILER_SIGNING_DUE_H

#include "reconciler/observed.h"
#include "reconciler/signing_plan.h"

/* How much is believed (docs/convergence.md). */
enum verify_depth {
	VERIFY_DIGEST,	 /* where a tag points is asked; signatures as they are listed */
	VERIFY_PRESENCE, /* tags too as they are listed */
	VERIFY_FULL,	 /* nothing: every signature is read and verified */
};

struct signing_rules {
	struct signing_wanted wanted;
	enum verify_depth depth;
	/*
	 * Each run reads and verifies one of so many digests, whichever the hour says: those of which the
	 * first eight bytes leave the same rest as it. 0: none.
	 */
	uint32_t sweep;
	uint64_t unix_hour;
};

/* One digest at its primary. */
struct signing_subject {
	const uint8_t *sha256;
	bool is_withheld; /* it must not be signed */
	bool is_changed;  /* something of it was written in this run, or would be */
	enum known signature[SIGN_FORMS];
	enum known statements[SIGN_FORMS][PROMOTION_STATEMENTS];
};

/* Bits. None: it is left alone. */
enum signing_due {
	SIGNING_LACKS_SIGNATURE = 1 << 0,
	SIGNING_LACKS_STATEMENT = 1 << 1,
	SIGNING_TO_CHECK = 1 << 2, /* what is there is to be read and verified */
};
unsigned signing_due(const struct signing_rules *rules, const struct signing_subject *subject);

/* What the look at a repository says of a digest that is wanted there. */
struct signing_subject signing_subject_of(const struct observed *observed, uint32_t digest);

#endif
