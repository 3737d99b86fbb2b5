/*
 * Open addressing with linear probing; removal shifts the followers back, so there are no
 * tombstones and a lookup ends at the first empty slot. The hash folds 128-bit products of the
 * input and a secret drawn once per process: without the secret nobody can prepare keys that
 * collide. It is no cryptographic hash and must not be used as one.
 */
#include "base/strmap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"

enum { FIRST_CAPACITY = 16 };

static uint64_t secret[4];

/* Before main, so that hashing needs no check and no lock. */
__attribute__((constructor)) static void draw_secret(void)
{
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		abort();
	/* An even factor would lose its low bits in the product. */
	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		secret[i] |= 1;
}

static inline uint64_t fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load64(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint64_t load32(const unsigned char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

unsigned strmap_hash(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t state = secret[0], a = 0, b = 0;
	size_t left = len;

	for (; left > 16; left -= 16, p += 16)
		state = fold(load64(p) ^ secret[1], load64(p + 8) ^ state);
	/* The last 0 to 16 bytes; the two loads may overlap. */
	if (left >= 8) {
		a = load64(p);
		b = load64(p + left - 8);
	} else if (left >= 4) {
		a = load32(p);
		b = load32(p + left - 4);
	} else if (left) {
		a = (uint64_t)p[0] << 16 | (uint64_t)p[left / 2] << 8 | p[left - 1];
	}
	state = fold(fold(a ^ secret[2], b ^ state) ^ secret[3], len ^ secret[1]);
	return (unsigned)(state ^ state >> 32);
}

void strmap_release(struct strmap *map)
{
	mem_free(map->slots);
	*map = (struct strmap)STRMAP_INIT;
}

/* The slot of the key, or the empty one where it would go. The map has an empty slot. */
static struct strmap_slot *find(
	const struct strmap *map, const char *key, size_t len, unsigned hash)
{
	size_t mask = map->capacity - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct strmap_slot *slot = &map->slots[i];

		if (!slot->key)
			return slot;
		if (slot->hash == hash && strncmp(slot->key, key, len) == 0 &&
			strlen(slot->key) == len)
			return slot;
	}
}

static void grow(struct strmap *map)
{
	struct strmap bigger = {.len = map->len};

	bigger.capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY;
	bigger.slots = mem_new(bigger.capacity, sizeof(*bigger.slots));
	for (size_t i = 0; i < map->capacity; i++) {
		size_t to = map->slots[i].hash & (bigger.capacity - 1);

		if (!map->slots[i].key)
			continue;
		while (bigger.slots[to].key)
			to = (to + 1) & (bigger.capacity - 1);
		bigger.slots[to] = map->slots[i];
	}
	mem_free(map->slots);
	*map = bigger;
}

void *strmap_get(const struct strmap *map, const char *key)
{
	return strmap_get_n(map, key, strlen(key));
}

void *strmap_get_n(const struct strmap *map, const char *key, size_t len)
{
	if (!map->len)
		return NULL;
	return find(map, key, len, strmap_hash(key, len))->value;
}

void **strmap_put(struct strmap *map, const char *key)
{
	size_t len = strlen(key);
	unsigned hash = strmap_hash(key, len);
	struct strmap_slot *slot;

	if (map->len >= map->capacity / 4 * 3)
		grow(map);
	slot = find(map, key, len, hash);
	if (slot->key)
		return &slot->value;
	*slot = (struct strmap_slot){.key = key, .hash = hash};
	map->len++;
	return &slot->value;
}

void *strmap_remove(struct strmap *map, const char *key)
{
	size_t mask = map->capacity - 1, hole, len = strlen(key);
	struct strmap_slot *slot;
	void *value;

	if (!map->len)
		return NULL;
	slot = find(map, key, len, strmap_hash(key, len));
	if (!slot->key)
		return NULL;
	value = slot->value;
	hole = (size_t)(slot - map->slots);
	for (size_t i = (hole + 1) & mask; map->slots[i].key; i = (i + 1) & mask) {
		size_t home = map->slots[i].hash & mask;

		/* An entry may fill the hole unless its home lies between the two. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole] = (struct strmap_slot){0};
	map->len--;
	return value;
}

bool strmap_next(const struct strmap *map, size_t *cursor, const char **ret_key, void **ret_value)
{
	while (*cursor < map->capacity) {
		const struct strmap_slot *slot = &map->slots[(*cursor)++];

		if (!slot->key)
			continue;
		*ret_key = slot->key;
		*ret_value = slot->value;
		return true;
	}
	return false;
}
