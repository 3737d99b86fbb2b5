/*
 * Checkpoints: what a transparency log signs about its tree. A signed note (C2SP signed-note) whose
 * text is an origin, a size, a root hash and optional further lines (C2SP tlog-checkpoint). Rekor v1
 * writes the same with "<host> - <tree id>" as origin. Pure, any thread.
 */
#ifndef CIP_SIGNER_CHECKPOINT_H
#define CIP_SIGNER_CHECKPOINT_H

#include "base/err.h"
#include "signer/bytes.h"
#include "signer/merkle.h"
#include "signer/public_key.h"

#define CHECKPOINT_MAX_SIZE ((size_t)64 * 1024)
#define CHECKPOINT_MAX_SIGNATURES 64
#define CHECKPOINT_HINT_SIZE 4

struct checkpoint_signature {
	char *name;
	uint8_t hint[CHECKPOINT_HINT_SIZE];
	struct bytes signature; /* without the hint */
};

struct checkpoint {
	char *origin;
	uint64_t size;
	uint8_t root[MERKLE_HASH_SIZE];
	struct bytes text; /* what is signed */
	struct checkpoint_signature *signatures;
	size_t signature_count;
};

/*
 * ERR_INVALID, ERR_TOO_LARGE. A line that is no signature makes the whole note invalid; what it
 * leaves in *ret_checkpoint is released with checkpoint_release.
 */
bool checkpoint_parse(
	const char *note, size_t len, struct checkpoint *ret_checkpoint, struct err **err);
void checkpoint_release(struct checkpoint *checkpoint);

/*
 * Is there a signature by this key? Lines of another name or hint are ignored: witnesses, other keys
 * of the log. At least one must be left, and all that are left must be good. ERR_INVALID.
 */
bool checkpoint_verify(const struct checkpoint *checkpoint, const char *name,
	const uint8_t hint[CHECKPOINT_HINT_SIZE], const struct public_key *key, struct err **err);

#endif
