/*
 * The string table: strings packed end to end in blocks, and an open-addressed set of 32-bit
 * places (block number, offset in the block) beside their hashes. Eight bytes a slot instead of
 * the sixteen that pointers would need is what keeps a hundred thousand digests small. Nothing is
 * ever removed.
 */
#include "base/intern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strmap.h"
#include "base/vec.h"

enum {
	BLOCK_SIZE = 64 * 1024,
	BLOCKS_MAX = 64 * 1024, /* 16 bits of a place; at least 2 GiB of strings */
	FIRST_CAPACITY = 64,
};

struct intern_slot {
	uint32_t hash;
	uint32_t place; /* block << 16 | offset */
};

struct intern {
	VEC(char *) blocks;
	size_t used; /* of the last block; BLOCK_SIZE if it is full or there is none */
	struct intern_slot *slots;
	size_t len;
	size_t capacity;
};

/* The empty string has its place in the first bytes of block 0, so no other string has place 0. */
enum { EMPTY = 0 };

static const char *at(const struct intern *table, uint32_t place)
{
	return table->blocks.items[place >> 16] + (place & 0xffff);
}

struct intern *intern_new(void)
{
	struct intern *table = mem_new(1, sizeof(*table));

	*vec_push(&table->blocks) = mem_new(BLOCK_SIZE, 1);
	table->used = 1;
	table->capacity = FIRST_CAPACITY;
	table->slots = mem_new(table->capacity, sizeof(*table->slots));
	return table;
}

void intern_free(struct intern *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->blocks.len; i++)
		mem_free(table->blocks.items[i]);
	vec_release(&table->blocks);
	mem_free(table->slots);
	mem_free(table);
}

static uint32_t store(struct intern *table, const char *bytes, size_t len)
{
	size_t offset = table->used;
	char *block;

	if (offset + len + 1 > BLOCK_SIZE) {
		if (table->blocks.len == BLOCKS_MAX)
			abort();
		*vec_push(&table->blocks) = mem_new(len < BLOCK_SIZE ? BLOCK_SIZE : len + 1, 1);
		offset = 0;
	}
	block = table->blocks.items[table->blocks.len - 1];
	memcpy(block + offset, bytes, len);
	block[offset + len] = '\0';
	table->used = offset + len + 1 < BLOCK_SIZE ? offset + len + 1 : BLOCK_SIZE;
	return (uint32_t)((table->blocks.len - 1) << 16 | offset);
}

static void grow(struct intern *table)
{
	size_t capacity = table->capacity * 2;
	struct intern_slot *slots = mem_new(capacity, sizeof(*slots));

	for (size_t i = 0; i < table->capacity; i++) {
		size_t to = table->slots[i].hash & (capacity - 1);

		if (table->slots[i].place == EMPTY)
			continue;
		while (slots[to].place != EMPTY)
			to = (to + 1) & (capacity - 1);
		slots[to] = table->slots[i];
	}
	mem_free(table->slots);
	table->slots = slots;
	table->capacity = capacity;
}

const char *intern_text(struct intern *table, const char *text)
{
	return intern_bytes(table, text, strlen(text));
}

const char *intern_bytes(struct intern *table, const char *bytes, size_t len)
{
	uint32_t hash = strmap_hash(bytes, len);
	size_t i;

	if (!len)
		return at(table, EMPTY);
	/* Four fifths: dense, and still about a dozen neighbouring slots at worst for a miss. */
	if (table->len >= table->capacity / 5 * 4)
		grow(table);
	for (i = hash & (table->capacity - 1); table->slots[i].place != EMPTY;
		i = (i + 1) & (table->capacity - 1)) {
		const char *text = at(table, table->slots[i].place);

		if (table->slots[i].hash == hash && strncmp(text, bytes, len) == 0 &&
			strlen(text) == len)
			return text;
	}
	table->slots[i] = (struct intern_slot){.hash = hash, .place = store(table, bytes, len)};
	table->len++;
	return at(table, table->slots[i].place);
}
