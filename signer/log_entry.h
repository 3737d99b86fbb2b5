/*
 * Entries of transparency logs as bundles carry them: Rekor v1 (hashedrekord 0.0.1, dsse 0.0.1,
 * intoto 0.0.2) and Rekor v2 (hashedrekord 0.0.2). Three questions, each with its own function: is
 * this entry about our signature, did the log promise to include it, is it in the log's tree.
 *
 * What is missing in an entry fails the question that needs it. Pure, any thread.
 */
#ifndef CIP_SIGNER_LOG_ENTRY_H
#define CIP_SIGNER_LOG_ENTRY_H

#include "base/err.h"
#include "signer/bytes.h"
#include "signer/certificate.h"
#include "signer/dsse.h"
#include "signer/message.h"
#include "signer/trust_root.h"

#define LOG_ENTRY_BODY_MAX_SIZE ((size_t)8 << 20)
/* The end of year 9999: no log lives longer, and arithmetic with it cannot overflow. */
#define LOG_ENTRY_TIME_MAX 253402300799

struct log_entry {
	uint64_t index; /* in the log as a whole; v1 has trees with indexes of their own */
	uint8_t log_id[TRUST_ROOT_LOG_ID_SIZE];
	char *kind;
	char *version;
	uint64_t integrated_time; /* seconds since 1970; 0: none. Counts only with a promise */
	struct bytes promise;	  /* signed entry timestamp */
	struct bytes body;	  /* canonical JSON; may be missing for v2 */

	bool has_proof;
	uint64_t proof_index;
	uint64_t proof_size;
	struct bytes proof_root;
	struct bytes proof_path; /* hashes one after the other */
	char *checkpoint;	 /* NULL: none */
};

void log_entry_release(struct log_entry *entry);

/* What an entry must be about. All borrowed. */
struct logged {
	const struct bytes *signature;
	const struct certificate *certificate; /* NULL: a bare key */
	const struct public_key *key;
	const struct message *message;	      /* what the signature is over */
	const struct dsse_envelope *envelope; /* NULL: message is the artifact itself */
	const struct bytes *envelope_text;    /* its JSON as stored, for .att; NULL: not known */
};

bool log_entry_is_v2(const struct log_entry *entry);

/*
 * Signature, certificate or key, and digest in the entry's body are ours. For v2 the body is rebuilt
 * from ours, and one that came along must be the same. ret_leaf is the hash of the entry in the
 * tree. ERR_INVALID, ERR_UNSUPPORTED.
 */
bool log_entry_bind(const struct log_entry *entry, const struct logged *logged,
	uint8_t ret_leaf[MERKLE_HASH_SIZE], struct err **err);

/* The signed entry timestamp of Rekor v1, which also vouches for integrated_time. ERR_INVALID. */
bool log_entry_verify_promise(
	const struct log_entry *entry, const struct trusted_log *log, struct err **err);

/* The path from the leaf to the root that the proof names. ERR_INVALID. */
bool log_entry_verify_inclusion(
	const struct log_entry *entry, const uint8_t leaf[MERKLE_HASH_SIZE], struct err **err);

/* That root and tree size signed by the log. ERR_INVALID. */
bool log_entry_verify_checkpoint(
	const struct log_entry *entry, const struct trusted_log *log, struct err **err);

#endif
