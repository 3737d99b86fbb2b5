/* A Merkle tree as transparency logs have it (RFC 6962 section 2.1), with the roots and paths of all its pasts. */
#include <string.h>

#include "tests/fakes/sigstore/fake.h"

void fake_leaf_hash(const void *bytes, size_t len, struct fake_hash *ret_hash)
{
	CLEANUP(str_release) struct str text = STR_INIT(FAKE_BYTES_MAX);

	str_add_char(&text, 0);
	str_add(&text, bytes, len);
	fake_sha256(text.bytes, text.len, ret_hash->bytes);
}

static struct fake_hash node(const struct fake_hash *left, const struct fake_hash *right)
{
	uint8_t text[1 + 2 * FAKE_HASH_SIZE] = {1};
	struct fake_hash hash;

	memcpy(text + 1, left->bytes, FAKE_HASH_SIZE);
	memcpy(text + 1 + FAKE_HASH_SIZE, right->bytes, FAKE_HASH_SIZE);
	fake_sha256(text, sizeof(text), hash.bytes);
	return hash;
}

void fake_tree_add(struct fake_tree *tree, const struct fake_hash *leaf)
{
	struct fake_hash hash = *leaf;

	for (size_t level = 0; level < FAKE_TREE_LEVELS; level++) {
		*vec_push(&tree->levels[level]) = hash;
		size_t len = tree->levels[level].len;
		if (len % 2)
			return;
		hash = node(
			&tree->levels[level].items[len - 2], &tree->levels[level].items[len - 1]);
	}
}

size_t fake_tree_size(const struct fake_tree *tree)
{
	return tree->levels[0].len;
}

/* The largest power of two below `count`, and its exponent. */
static size_t split(size_t count, size_t *ret_level)
{
	size_t level = 0;

	while (((size_t)2 << level) < count)
		level++;
	*ret_level = level;
	return (size_t)1 << level;
}

/* Of `count` leaves from `first`, which is a multiple of the next power of two. */
static struct fake_hash range(const struct fake_tree *tree, size_t first, size_t count)
{
	size_t level, left;

	if (count == 1)
		return tree->levels[0].items[first];
	left = split(count, &level);
	if (left * 2 == count)
		return tree->levels[level + 1].items[first / count];
	struct fake_hash a = range(tree, first, left);
	struct fake_hash b = range(tree, first + left, count - left);
	return node(&a, &b);
}

void fake_tree_root(const struct fake_tree *tree, size_t size, struct fake_hash *ret_root)
{
	*ret_root = range(tree, 0, size);
}

size_t fake_tree_path(const struct fake_tree *tree, size_t index, size_t size,
	struct fake_hash ret_path[FAKE_TREE_LEVELS])
{
	struct fake_hash from_top[FAKE_TREE_LEVELS];
	size_t first = 0, len = 0, level;

	while (size > 1) {
		size_t left = split(size, &level);
		if (index < first + left) {
			from_top[len++] = range(tree, first + left, size - left);
			size = left;
		} else {
			from_top[len++] = range(tree, first, left);
			first += left;
			size -= left;
		}
	}
	for (size_t i = 0; i < len; i++)
		ret_path[i] = from_top[len - 1 - i];
	return len;
}

void fake_tree_release(struct fake_tree *tree)
{
	for (size_t level = 0; level < FAKE_TREE_LEVELS; level++)
		vec_release(&tree->levels[level]);
}
