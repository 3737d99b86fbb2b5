/*
 * What a signature is made over: bytes at hand (a payload, the PAE of an envelope), or something of
 * which only digests are known (a file that was hashed while it was read, an image named by digest).
 * A plain value; bytes are borrowed. Pure, any thread.
 */
#ifndef CIP_SIGNER_MESSAGE_H
#define CIP_SIGNER_MESSAGE_H

#include "base/err.h"
#include "signer/hash.h"

struct message {
	const void *bytes; /* NULL: only digests */
	size_t len;
	unsigned known; /* bit 1 << enum hash; what `digests` holds */
	uint8_t digests[HASH_COUNT][HASH_MAX_SIZE];
};

struct message message_of_bytes(const void *bytes, size_t len);

/* Of something whose SHA-256 is known, as in "sha256:HEX". */
struct message message_of_sha256(const uint8_t digest[HASH_SHA256_SIZE]);

/*
 * Reads a file once, of any size, and keeps its digests by all functions. ERR_NOT_FOUND, ERR_IO.
 */
bool message_of_file(const char *path, struct message *ret_message, struct err **err);

/* False if this digest is not known. */
bool message_digest(const struct message *message, enum hash hash, uint8_t *ret_digest);

#endif
