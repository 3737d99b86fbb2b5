/*
 * What a source repository (staging) has beside an image, and how it comes to the image's primary.
 * Signatures, attestations and bundles that somebody who is trusted has signed are read here and
 * attached by signing.h, together with ours; SBOMs and other referrers, which prove nothing, are
 * copied by content where the settings say so. docs/decisions/076.
 *
 * Costs: a list of tags for each source repository and run, a request for the referrers of each
 * digest where the registry has an API for them, then what there is. Nothing while nothing can be
 * carried. What cannot be read is told and stands in no promotion's way.
 *
 * Any thread; an image is worked on by one thread at a time.
 */
#ifndef CIP_RECONCILER_CARRY_H
#define CIP_RECONCILER_CARRY_H

#include "base/cancel.h"
#include "base/clock.h"
#include "reconciler/carry_plan.h"
#include "registry/registry.h"

enum carry_mode {
	CARRY_NONE,
	CARRY_SIGNED, /* what somebody who is listed has signed */
	CARRY_ALL,    /* that, and the rest unverified */
};

/* Of a run. Borrowed. */
struct carry_options {
	enum carry_mode mode;
	const struct policy_signer *signers; /* who is trusted beside us */
	size_t signer_count;
};

struct carry;

/* All borrowed; `registry` is a client of the signing class. */
struct carry *carry_new(const struct carry_options *options, struct registry *registry,
	const struct clock *clock, struct cancel *cancel);
void carry_free(struct carry *carry);

/* Of one image. Borrowed. */
struct carry_image {
	const char *source; /* "host/path" */
	const struct repository *primary;
	const struct digest *digest;
	struct http_tally *tally; /* of all requests */
};

/* What goes along with one image. Zero is nothing; else cargo_finish must follow. */
struct cargo {
	struct carry *turn; /* of which it holds a turn, from carry_read to carry_choose; or NULL */
	struct attached attached; /* after carry_choose: what is to be attached at the primary */
	bool is_told;		  /* the log has said the reason once, for the whole repository */
	bool asks_sbom;		  /* there is one, or may be */
	struct record_carried report;
};

/* Items in fresh memory: `count` given ones and what is to be attached of the kind, in the order in which they go. */
struct attach_item *cargo_load(const struct cargo *cargo, enum attached_kind kind,
	const struct attach_item *items, size_t count);
size_t cargo_count(const struct cargo *cargo, enum attached_kind kind);
/* What came of it. Either way nothing of the kind is to be attached any more. */
void cargo_arrived(struct cargo *cargo, enum attached_kind kind);
void cargo_stayed(struct cargo *cargo, enum attached_kind kind, const struct err *why);

/* Tells what came of all, and releases the cargo. `image` is a name for people. */
void cargo_finish(struct cargo *cargo, const char *image, struct record_carried *ret_carried);

/* May anything be carried in this run? */
bool carry_is_on(const struct carry *carry);

/* Reads what there is. Never fails: what cannot be read is in cargo->report. */
void carry_read(struct carry *carry, const struct carry_image *image, struct cargo *cargo);

/*
 * Leaves in cargo->attached what goes along: `primary` is what stands there, read with its parts; `policy` is
 * ours, to which those who are listed are added; `root` as in image_verify.
 */
void carry_choose(struct carry *carry, const struct carry_image *image,
	const struct trust_root *root, const struct policy *ours, const struct attached *primary,
	struct cargo *cargo);

/*
 * With CARRY_ALL: what proves nothing, from repository to repository. What is there already, or another
 * thing in its place, stays.
 */
void carry_rest(struct carry *carry, const struct carry_image *image,
	const struct attached *primary, struct cargo *cargo);

#endif
