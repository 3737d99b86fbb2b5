/*
 * Inclusion proofs. The arithmetic only: whose tree it is and who signed its root is the business of
 * checkpoints.
 */
#include "signer/merkle.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "signer/hash.h"

void merkle_leaf(const void *bytes, size_t len, uint8_t ret_hash[MERKLE_HASH_SIZE])
{
	CLEANUP(mem_freep) uint8_t *input = mem_new(len + 1, 1);

	input[0] = 0x00;
	if (len)
		memcpy(input + 1, bytes, len);
	hash_of(HASH_SHA256, input, len + 1, ret_hash);
}

static void node(const uint8_t *left, const uint8_t *right, uint8_t *ret_hash)
{
	uint8_t input[1 + 2 * MERKLE_HASH_SIZE] = {0x01};

	memcpy(input + 1, left, MERKLE_HASH_SIZE);
	memcpy(input + 1 + MERKLE_HASH_SIZE, right, MERKLE_HASH_SIZE);
	hash_of(HASH_SHA256, input, sizeof(input), ret_hash);
}

bool merkle_includes(const uint8_t leaf[MERKLE_HASH_SIZE], uint64_t index, uint64_t size,
	const uint8_t *path, size_t count, const uint8_t root[MERKLE_HASH_SIZE])
{
	uint8_t hash[MERKLE_HASH_SIZE];

	if (index >= size || count > MERKLE_PROOF_MAX)
		return false;
	memcpy(hash, leaf, sizeof(hash));
	/* The names of the RFC: fn and sn. */
	uint64_t first = index, last = size - 1;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *sibling = path + i * MERKLE_HASH_SIZE;
		if (last == 0)
			return false;
		if (first & 1 || first == last) {
			node(sibling, hash, hash);
			while (!(first & 1) && first != 0) {
				first >>= 1;
				last >>= 1;
			}
		} else {
			node(hash, sibling, hash);
		}
		first >>= 1;
		last >>= 1;
	}
	return last == 0 && memcmp(hash, root, sizeof(hash)) == 0;
}
