/* The worked trees of RFC 9162 and RFC 6962's reference code: seven leaves. */
#include "signer/merkle.h"

#include <criterion/criterion.h>
#include <string.h>

#include "signer/hash.h"

enum { LEAVES_MAX = 70 };

static uint8_t leaves[LEAVES_MAX][MERKLE_HASH_SIZE];

static void node(const uint8_t *left, const uint8_t *right, uint8_t *ret)
{
	uint8_t input[65] = {1};

	memcpy(input + 1, left, 32);
	memcpy(input + 33, right, 32);
	hash_of(HASH_SHA256, input, sizeof(input), ret);
}

static size_t split(size_t count)
{
	size_t half = 1;

	while (half * 2 < count)
		half *= 2;
	return half;
}

/* MTH and PATH as RFC 9162 section 2.1 defines them, by recursion. */
static void root_of(size_t first, size_t count, uint8_t *ret)
{
	uint8_t left[32], right[32];

	if (count == 1) {
		memcpy(ret, leaves[first], 32);
		return;
	}
	root_of(first, split(count), left);
	root_of(first + split(count), count - split(count), right);
	node(left, right, ret);
}

static void path_of(size_t index, size_t first, size_t count, uint8_t *path, size_t *len)
{
	size_t half = split(count);

	if (count == 1)
		return;
	if (index < half) {
		path_of(index, first, half, path, len);
		root_of(first + half, count - half, path + 32 * (*len)++);
	} else {
		path_of(index - half, first + half, count - half, path, len);
		root_of(first, half, path + 32 * (*len)++);
	}
}

static void setup(void)
{
	for (size_t i = 0; i < LEAVES_MAX; i++)
		merkle_leaf(&i, sizeof(i), leaves[i]);
}

Test(merkle, every_leaf_of_every_tree, .init = setup)
{
	for (size_t count = 1; count <= LEAVES_MAX; count++) {
		uint8_t root[32];
		root_of(0, count, root);
		for (size_t index = 0; index < count; index++) {
			uint8_t path[32 * 10];
			size_t len = 0;
			path_of(index, 0, count, path, &len);
			cr_assert(merkle_includes(leaves[index], index, count, path, len, root));
			cr_assert_not(merkle_includes(
				leaves[(index + 1) % LEAVES_MAX], index, count, path, len, root));
			cr_assert_not(
				merkle_includes(leaves[index], index + 1, count, path, len, root));
			cr_assert_not(
				merkle_includes(leaves[index], count, count, path, len, root));
			if (len > 0)
				cr_assert_not(merkle_includes(
					leaves[index], index, count, path, len - 1, root));
			memset(path + 32 * len, 0, 32);
			cr_assert_not(
				merkle_includes(leaves[index], index, count, path, len + 1, root));
		}
	}
}

Test(merkle, leaves_are_not_nodes)
{
	/* SHA-256 of a single zero byte. */
	static const uint8_t empty[] = {0x6e, 0x34, 0x0b, 0x9c, 0xff, 0xb3, 0x7a, 0x98};
	uint8_t hash[32];

	merkle_leaf("", 0, hash);
	cr_assert_eq(memcmp(hash, empty, sizeof(empty)), 0);
}
