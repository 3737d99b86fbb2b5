/*
 * Open addressing with a round number in each slot: clearing starts a new round and touches
 * nothing. Knows addresses only, no text.
 */
#include "reconciler/tagset.h"

#include "base/alloc.h"
#include "base/strmap.h"

enum { FIRST_CAPACITY = 64 };

void tagset_release(struct tagset *set)
{
	mem_free(set->slots);
	*set = (struct tagset)TAGSET_INIT;
}

void tagset_clear(struct tagset *set)
{
	set->len = 0;
	if (++set->round == 0)
		tagset_release(set);
}

static struct tagset_slot *find(const struct tagset *set, const char *name)
{
	size_t mask = set->capacity - 1;
	size_t i = strmap_hash(&name, sizeof(name)) & mask;
	while (set->slots[i].round == set->round && set->slots[i].name &&
		set->slots[i].name != name)
		i = (i + 1) & mask;
	return &set->slots[i];
}

static bool is_filled(const struct tagset *set, const struct tagset_slot *slot)
{
	return slot->round == set->round && slot->name;
}

static void grow(struct tagset *set)
{
	struct tagset bigger = {.len = set->len, .round = set->round};
	bigger.capacity = set->capacity ? 2 * set->capacity : FIRST_CAPACITY;
	bigger.slots = mem_new(bigger.capacity, sizeof(*bigger.slots));
	for (size_t i = 0; i < set->capacity; i++)
		if (is_filled(set, &set->slots[i]))
			*find(&bigger, set->slots[i].name) = set->slots[i];
	mem_free(set->slots);
	*set = bigger;
}

struct tagset_slot *tagset_put(struct tagset *set, const char *name, bool *ret_new)
{
	if (set->len >= set->capacity / 2)
		grow(set);
	struct tagset_slot *slot = find(set, name);
	*ret_new = !is_filled(set, slot);
	if (*ret_new) {
		*slot = (struct tagset_slot){.name = name, .round = set->round};
		set->len++;
	}
	return slot;
}
