/*
 * Typed growing arrays. `VEC(T)` is the type, `.items[i]` and `.len` are read directly.
 *
 *	VEC(struct tag) tags = {0};
 *	*vec_push(&tags) = (struct tag){...};
 *	vec_release(&tags);
 *
 * Elements that own something are released by their owner before vec_release. One owner.
 */
#ifndef CIP_BASE_VEC_H
#define CIP_BASE_VEC_H

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"

#define VEC(T)                                                                                     \
	struct {                                                                                   \
		T *items;                                                                          \
		size_t len;                                                                        \
		size_t capacity;                                                                   \
	}

/* Address of a new zeroed last element; valid until the next push. */
#define vec_push(v)                                                                                \
	(vec_grow_((void **)&(v)->items, &(v)->len, &(v)->capacity, sizeof(*(v)->items)),          \
		&(v)->items[(v)->len - 1])

#define vec_clear(v) ((void)((v)->len = 0))

/* Gives memory that is not used back. For arrays that live as long as the run. */
#define vec_shrink(v)                                                                              \
	do {                                                                                       \
		if ((v)->len && (v)->capacity > (v)->len) {                                        \
			(v)->items = mem_resize((v)->items, (v)->len, sizeof(*(v)->items));        \
			(v)->capacity = (v)->len;                                                  \
		}                                                                                  \
	} while (0)

#define vec_release(v)                                                                             \
	do {                                                                                       \
		mem_free((v)->items);                                                              \
		memset((v), 0, sizeof(*(v)));                                                      \
	} while (0)

static inline void vec_grow_(void **items, size_t *len, size_t *capacity, size_t size)
{
	if (!*items || *len == *capacity) {
		*capacity = *capacity ? *capacity + *capacity / 2 + 1 : 8;
		*items = mem_resize(*items, *capacity, size);
	}
	memset((char *)*items + *len * size, 0, size);
	(*len)++;
}

#endif
