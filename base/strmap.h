/*
 * Hash map from strings (bytes without NUL) to pointers, seeded per process so that outside text
 * cannot choose its collisions. Keys are borrowed: they must outlive the map (interned strings,
 * base/intern.h, or fields of the values). Values are borrowed too. No thread contract: one owner
 * or an outer lock.
 */
#ifndef CIP_BASE_STRMAP_H
#define CIP_BASE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>

struct strmap_slot {
	const char *key; /* NULL: empty */
	void *value;
	unsigned hash;
};

struct strmap {
	struct strmap_slot *slots;
	size_t len;
	size_t capacity; /* power of two or 0 */
};

#define STRMAP_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}

void strmap_release(struct strmap *map);

/* NULL if absent. */
void *strmap_get(const struct strmap *map, const char *key);
/* Like strmap_get for a key that is not NUL-terminated. */
void *strmap_get_n(const struct strmap *map, const char *key, size_t len);

/* Address of the value of `key`, made with value NULL if absent; valid until the next put. */
void **strmap_put(struct strmap *map, const char *key);

/* Returns the old value, NULL if there was none. */
void *strmap_remove(struct strmap *map, const char *key);

/* Visits in no particular order: `for (size_t i = 0; strmap_next(&map, &i, &key, &value);)`. */
bool strmap_next(const struct strmap *map, size_t *cursor, const char **ret_key, void **ret_value);

/* The process-seeded hash the map uses; for other hashed structures. */
unsigned strmap_hash(const void *bytes, size_t len);

#endif
