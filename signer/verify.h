/*
 * The verifier: does this bundle prove that somebody the policy accepts signed this artifact? Offline
 * and pure: everything comes from its arguments, no clock is read (a signature is judged at the
 * moments that logs and timestamp authorities vouch for). Any thread.
 *
 * The steps, in order; the first that fails ends it:
 */
#ifndef CIP_SIGNER_VERIFY_H
#define CIP_SIGNER_VERIFY_H

#include "base/err.h"
#include "base/vec.h"
#include "signer/bundle.h"
#include "signer/policy.h"
#include "signer/sct.h"
#include "signer/trust_root.h"

enum verify_step {
	VERIFY_BUNDLE,	    /* it can be read, and is signed with what the policy asks for */
	VERIFY_ARTIFACT,    /* it is about this artifact: stated digest, subject of the statement */
	VERIFY_ENTRY,	    /* each entry of a known log is about this signature, signer, digest */
	VERIFY_PROMISE,	    /* ... and its signed entry timestamp is good */
	VERIFY_INCLUSION,   /* ... and its inclusion proof */
	VERIFY_CHECKPOINT,  /* ... and the checkpoint that the proof leads to */
	VERIFY_LOG,	    /* enough different logs */
	VERIFY_TIMESTAMP,   /* each timestamp of a known authority is good */
	VERIFY_TIME,	    /* enough verified moments, at which the logs' keys counted */
	VERIFY_CERTIFICATE, /* issued by a trusted authority, valid at each of those moments */
	VERIFY_SCT,	    /* published in enough certificate transparency logs */
	VERIFY_SIGNATURE,   /* the signature itself */
	VERIFY_IDENTITY,    /* identity and issuer */
};
#define VERIFY_STEP_COUNT (VERIFY_IDENTITY + 1)

/* Stable name for JSON and logs: "inclusion". */
const char *verify_step_name(enum verify_step step);

struct verified_entry {
	const struct trusted_log *log;
	const struct log_entry *entry;
	bool has_promise; /* verified */
	bool has_proof;	  /* with its checkpoint, verified */
};

struct verified_time {
	int64_t seconds;	       /* since 1970 */
	const char *by;		       /* URL of the log or timestamp authority */
	const struct trusted_log *log; /* NULL: a timestamp authority */
};

/* Everything in it is verified, as far as it came. What it points to is of the bundle and the root. */
struct verify_result {
	bool passed;
	unsigned checked;	 /* bit 1 << step: it was applicable and passed */
	enum verify_step failed; /* unless passed */

	const struct certificate *certificate; /* NULL: signed with the policy's key */
	VEC(struct verified_entry) entries;
	VEC(struct verified_time) times;
	const struct trusted_log *scts[SCT_MAX];
	size_t sct_count;
	const struct trusted_authority *authority; /* that issued the certificate */
	const struct certificate *issuer;	   /* its certificate that did */
	char *predicate_type;			   /* of a statement, else NULL */
	VEC(char *) passed_over;		   /* what did not count, and why */
};

/*
 * *ret_result (empty before) is filled either way and released by the caller. On failure the error
 * says why and ret_result->failed where: ERR_INVALID, ERR_UNSUPPORTED, ERR_TOO_LARGE. `artifact` is
 * what must have been signed: of a container image, its manifest.
 */
bool verify_bundle(const struct trust_root *root, const struct bundle *bundle,
	const struct message *artifact, const struct policy *policy,
	struct verify_result *ret_result, struct err **err);

void verify_result_release(struct verify_result *result);

#endif
