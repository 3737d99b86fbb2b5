/* base/strmap.h */
#include "base/strmap.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"

enum { KEYS = 400 };

static char keys[KEYS][16];

static void make_keys(void)
{
	for (int i = 0; i < KEYS; i++)
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
}

Test(strmap, empty_map)
{
	struct strmap map = STRMAP_INIT;
	const char *key = "untouched";
	void *value = NULL;
	size_t cursor = 0;

	cr_assert_null(strmap_get(&map, "a"));
	cr_assert_null(strmap_remove(&map, "a"));
	cr_assert_not(strmap_next(&map, &cursor, &key, &value));
	cr_assert_str_eq(key, "untouched");
	strmap_release(&map);
}

Test(strmap, put_get_remove)
{
	CLEANUP(strmap_release) struct strmap map = STRMAP_INIT;
	int one = 1, two = 2;

	cr_assert_null(*strmap_put(&map, "a"));
	*strmap_put(&map, "a") = &one;
	cr_assert_eq(*strmap_put(&map, "a"), &one);
	cr_assert_eq(map.len, 1);
	*strmap_put(&map, "") = &two;
	cr_assert_eq(strmap_get(&map, ""), &two);
	cr_assert_eq(strmap_remove(&map, "a"), &one);
	cr_assert_null(strmap_get(&map, "a"));
	cr_assert_null(strmap_remove(&map, "a"));
	cr_assert_eq(map.len, 1);
}

/* A table without an empty slot would never answer the second question. */
Test(strmap, misses_end_at_every_size)
{
	CLEANUP(strmap_release) struct strmap map = STRMAP_INIT;

	make_keys();
	for (int i = 0; i < KEYS; i++) {
		*strmap_put(&map, keys[i]) = keys[i];
		cr_assert_null(strmap_get(&map, "missing"));
		cr_assert_eq(map.len, (size_t)i + 1);
	}
}

Test(strmap, keys_without_terminator)
{
	CLEANUP(strmap_release) struct strmap map = STRMAP_INIT;
	int one = 1;

	*strmap_put(&map, "repo") = &one;
	cr_assert_eq(strmap_get_n(&map, "repository", 4), &one);
	cr_assert_null(strmap_get_n(&map, "repository", 3));
	cr_assert_null(strmap_get_n(&map, "repository", 5));
	cr_assert_null(strmap_get_n(&map, "repo\0", 5));
}

Test(strmap, hash_depends_on_every_byte_and_the_length)
{
	unsigned char bytes[80] = {0};
	unsigned seen[162];
	size_t count = 0;

	for (size_t len = 0; len <= sizeof(bytes); len++)
		seen[count++] = strmap_hash(bytes, len);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = 1;
		seen[count++] = strmap_hash(bytes, sizeof(bytes));
		bytes[i] = 0;
	}
	/* 161 values: equal ones would be a one in 300,000 accident */
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			cr_assert_neq(seen[i], seen[j], "%zu and %zu", i, j);
	cr_assert_eq(strmap_hash(bytes, 71), strmap_hash(bytes, 71));
}

static unsigned next_number(unsigned *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void compare(const struct strmap *map, bool present[KEYS])
{
	bool visited[KEYS] = {false};
	size_t count = 0;
	const char *key;
	void *value;

	for (int i = 0; i < KEYS; i++)
		cr_assert_eq(strmap_get(map, keys[i]), present[i] ? keys[i] : NULL);
	for (size_t at = 0; strmap_next(map, &at, &key, &value);) {
		ptrdiff_t i = (char(*)[16])value - keys;

		cr_assert_eq(key, value);
		cr_assert(present[i] && !visited[i]);
		visited[i] = true;
		count++;
	}
	cr_assert_eq(count, map->len);
}

/* Random puts and removes against an array of booleans, at several fill levels. */
Test(strmap, behaves_like_its_model)
{
	CLEANUP(strmap_release) struct strmap map = STRMAP_INIT;
	bool present[KEYS] = {false};
	unsigned state = 1;

	make_keys();
	for (int round = 0; round < 200; round++) {
		bool mostly_put = round / 20 % 2 == 0;

		for (int step = 0; step < 40; step++) {
			unsigned i = next_number(&state) % KEYS;
			bool put = (next_number(&state) % 4 != 0) == mostly_put;

			if (put)
				*strmap_put(&map, keys[i]) = keys[i];
			else
				cr_assert_eq(
					strmap_remove(&map, keys[i]), present[i] ? keys[i] : NULL);
			present[i] = put;
		}
		compare(&map, present);
	}
}
