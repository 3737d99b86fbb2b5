/*
 * RFC 3161 timestamps: an authority's signed word that it saw a hash at a moment. A TimeStampResp in
 * DER as bundles carry it. Immutable once made; one thread at a time.
 *
 * The signer's certificate always comes from the trust root. One that is embedded in the answer is
 * never trusted; it must be the same.
 */
#ifndef CIP_SIGNER_TIMESTAMP_H
#define CIP_SIGNER_TIMESTAMP_H

#include "base/err.h"
#include "signer/message.h"
#include "signer/trust_root.h"

#define TIMESTAMP_MAX_SIZE ((size_t)64 * 1024)

struct timestamp;

/* A granted answer with one signer, nothing after it. ERR_INVALID, ERR_TOO_LARGE. */
bool timestamp_parse(
	const void *der, size_t len, struct timestamp **ret_timestamp, struct err **err);
void timestamp_free(struct timestamp *timestamp);
DEFINE_CLEANUP(struct timestamp, timestamp_freep, timestamp_free)

/*
 * Signature by a timestamp authority of the root, hash of `message`, and the time: within the
 * authority's validity and that of its whole chain. ret_authority is borrowed from the root;
 * ret_seconds since 1970. ERR_NOT_FOUND if no authority of the root made it, else ERR_INVALID.
 */
bool timestamp_verify(const struct timestamp *timestamp, const struct trust_root *root,
	const struct message *message, const struct trusted_authority **ret_authority,
	int64_t *ret_seconds, struct err **err);

#endif
