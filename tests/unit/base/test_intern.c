/* base/intern.h */
#include "base/intern.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"

DEFINE_CLEANUP(struct intern, intern_freep, intern_free)

Test(intern, equal_strings_have_one_address)
{
	CLEANUP(intern_freep) struct intern *table = intern_new();
	char own[] = "v1.2";
	const char *first = intern_text(table, own);

	cr_assert_neq(first, own);
	memset(own, 'x', sizeof(own) - 1);
	cr_assert_str_eq(first, "v1.2");
	cr_assert_eq(intern_text(table, "v1.2"), first);
	cr_assert_eq(intern_bytes(table, "v1.2.3", 4), first);
	cr_assert_neq(intern_text(table, "v1.2.3"), first);
	cr_assert_neq(intern_text(table, "v1."), first);
}

Test(intern, empty_string)
{
	CLEANUP(intern_freep) struct intern *table = intern_new();
	const char *empty = intern_text(table, "");

	cr_assert_str_eq(empty, "");
	cr_assert_eq(intern_bytes(table, "abc", 0), empty);
	cr_assert_neq(intern_text(table, "a"), empty);
}

Test(intern, addresses_stay_while_it_grows)
{
	enum { COUNT = 20000 };
	CLEANUP(intern_freep) struct intern *table = intern_new();
	VEC(const char *) strings = {0};
	char text[64];

	for (int i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "sha256:%040d", i);
		*vec_push(&strings) = intern_text(table, text);
	}
	for (int i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "sha256:%040d", i);
		cr_assert_str_eq(strings.items[i], text);
		cr_assert_eq(intern_text(table, text), strings.items[i]);
	}
	vec_release(&strings);
}

/* Lengths around the size of a block, between small ones that must survive them. */
Test(intern, long_strings)
{
	CLEANUP(intern_freep) struct intern *table = intern_new();
	static const size_t lengths[] = {1, 30000, 65534, 2, 65535, 65536, 3, 200000, 40000, 40001};
	const char *strings[sizeof(lengths) / sizeof(lengths[0])];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		CLEANUP(mem_freep) char *text = mem_new(lengths[i] + 1, 1);

		memset(text, 'a' + (int)i, lengths[i]);
		strings[i] = intern_text(table, text);
	}
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		CLEANUP(mem_freep) char *text = mem_new(lengths[i] + 1, 1);

		memset(text, 'a' + (int)i, lengths[i]);
		cr_assert(strcmp(strings[i], text) == 0, "length %zu", lengths[i]);
		cr_assert_eq(intern_text(table, text), strings[i]);
	}
}

/* A new table has one byte of its first block in use. */
Test(intern, strings_that_just_fit_a_block)
{
	for (size_t len = 65533; len <= 65537; len++) {
		CLEANUP(intern_freep) struct intern *table = intern_new();
		CLEANUP(mem_freep) char *text = mem_new(len + 1, 1);
		const char *interned;

		memset(text, 'f', len);
		interned = intern_text(table, text);
		cr_assert_str_eq(intern_text(table, "next"), "next");
		cr_assert(strcmp(interned, text) == 0);
	}
}

Test(intern, free_of_nothing)
{
	intern_free(NULL);
}
