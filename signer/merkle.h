/*
 * Merkle trees of transparency logs (RFC 9162 section 2.1, as RFC 6962): hashing of leaves and proof
 * that a leaf is in a tree. SHA-256 only. Pure, any thread.
 */
#ifndef CIP_SIGNER_MERKLE_H
#define CIP_SIGNER_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_SIZE 32
#define MERKLE_PROOF_MAX 64 /* hashes: a tree of 2^63 leaves has no longer path */

void merkle_leaf(const void *bytes, size_t len, uint8_t ret_hash[MERKLE_HASH_SIZE]);

/*
 * RFC 9162 section 2.1.3.2: does this path, `count` hashes one after the other, lead from the leaf
 * at `index` to the root of the tree of `size` leaves?
 */
bool merkle_includes(const uint8_t leaf[MERKLE_HASH_SIZE], uint64_t index, uint64_t size,
	const uint8_t *path, size_t count, const uint8_t root[MERKLE_HASH_SIZE]);

#endif
