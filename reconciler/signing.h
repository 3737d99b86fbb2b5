/*
 * Signs one image and states its promotion: reads what is attached to it at its primary, verifies
 * that, decides by signing_plan.h, makes what is missing and attaches it, together with what staging
 * carries beside the image (carry.h). No statement stands without
 * a signature: if that failed, none is made. Nothing that is there is taken away.
 *
 * Any thread. The same image is worked on by one thread at a time.
 */
#ifndef CIP_RECONCILER_SIGNING_H
#define CIP_RECONCILER_SIGNING_H

#include "base/cancel.h"
#include "base/clock.h"
#include "reconciler/carry.h"
#include "reconciler/event.h"
#include "reconciler/signing_plan.h"
#include "registry/registry.h"
#include "signer/signer.h"

/* Of a run. Borrowed. */
struct signing_options {
	struct signer *signer; /* NULL: nobody is asked; for runs without `confirm` */
	/* Without a signer: as whose, exactly, what is there is judged. NULL: it is not read. */
	const char *reader_identity, *reader_issuer;
	const struct trust_root *root;
	size_t scts; /* that certificates need, as for the signer */
	struct signing_wanted wanted;
	const struct promotion_run *run;
	struct carry_options carry; /* what staging has beside the images */
	unsigned max_ops;	    /* images signed at the same time; 0: 50 */
};
#define SIGNING_OPS_DEFAULT 50

/*
 * The signed annotation of payloads, as kpromo has it, so that whoever looks for its signatures by this key finds
 * ours. Its value is fresh text.
 */
#define SIGNING_ANNOTATION "org.kubernetes.kpromo.version"
char *signing_annotation_value(const char *program_version);

struct signing;

/*
 * All borrowed. `announce(ctx, phase)` is called at the first signature and the first statement of
 * the run, on the thread that makes it.
 */
struct signing *signing_new(const struct signing_options *options, struct registry *registry,
	const struct clock *clock, struct cancel *cancel,
	void (*announce)(void *ctx, enum phase phase), void *ctx);
void signing_free(struct signing *signing);

/* Who we are, for a policy: exactly. The texts are the signer's. Fails as signing does. */
bool signing_identity(struct signing *signing, struct policy_signer *ret_signer, struct err **err);

/* What a list of the primary's tags, complete and begun at `ms` (monotonic), did not show of an image. */
struct signing_listed {
	unsigned absent; /* enum attached_kind; of bundles, the index of them */
	int64_t ms;
};

struct signing_outcome {
	enum signed_state signature, attestation;
	struct err *err;		  /* why one of them failed; owned */
	VEC(struct record_logged) logged; /* serials owned */
	struct record_carried carried;	  /* `why` owned */
	/* Bits of enum attached_kind: what was attached, or tried to. */
	unsigned written;
	char *instead; /* as in event.h; only without a signer; owned */
	bool is_hidden;
};

/*
 * What is not wanted is SIGNED_NOT_ASKED. After services have failed several times in a row they are
 * left alone for a while, so that a log that is down makes no run slow: then this fails at once.
 * `promotion->destination` is the identity; its statements are about `promotion->digest`, and so is the
 * signature. What a list that is younger than 50 seconds has shown to be absent is not asked for; nobody
 * else in this run may work on the image then. Requests to the registry are added to the tally.
 *
 * What the next run takes as a sign that all is there, the tag of the older form, is written last.
 *
 * Without a signer it ends with what would be made (SIGNED_PLANNED), after the same reading.
 */
void signing_carry_out(struct signing *signing, const struct repository *primary,
	const struct signing_listed *listed, const struct promotion *promotion,
	struct http_tally *tally, struct signing_outcome *ret_outcome);

#endif
