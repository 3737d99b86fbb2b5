/*
 * Which tags were seen, keyed by the address of the interned name. Cleared in no time, so one set
 * serves every digest and image in turn. One owner.
 */
#ifndef CIP_RECONCILER_TAGSET_H
#define CIP_RECONCILER_TAGSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tagset_slot {
	const char *name;
	uint32_t round; /* in which the slot was filled; others are empty */
	/* Of whoever put the tag first: for the caller. */
	uint32_t image, digest, tag;
};

struct tagset {
	struct tagset_slot *slots;
	size_t capacity; /* power of two or 0 */
	size_t len;
	uint32_t round;
};

#define TAGSET_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}

void tagset_release(struct tagset *set);
void tagset_clear(struct tagset *set);

/*
 * The slot of an interned name; *ret_new tells whether it was made by this call (its numbers are
 * then 0). Valid until the next put.
 */
struct tagset_slot *tagset_put(struct tagset *set, const char *name, bool *ret_new);

#endif
