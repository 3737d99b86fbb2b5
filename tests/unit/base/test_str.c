/* base/str.h */
#include "base/str.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

Test(str, starts_empty)
{
	struct str s = STR_INIT(10);

	cr_assert_str_eq(str_text(&s), "");
	cr_assert_not(str_overflowed(&s));
	str_release(&s);
	str_init(&s, 3);
	cr_assert_eq(s.max, 3);
	cr_assert_str_eq(str_text(&s), "");
}

Test(str, grows_and_stays_terminated)
{
	CLEANUP(str_release) struct str s = STR_INIT(STR_TEXT_MAX);

	for (int i = 0; i < 10000; i++) {
		cr_assert(str_add_char(&s, (char)('a' + i % 26)));
		cr_assert_eq(s.bytes[s.len], '\0');
	}
	cr_assert_eq(s.len, 10000);
	cr_assert_eq(s.bytes[9999], 'a' + 9999 % 26);
	cr_assert(str_add(&s, "\0z", 2));
	cr_assert_eq(s.len, 10002);
	cr_assert(str_add(&s, NULL, 0));
	cr_assert_eq(s.len, 10002);
}

Test(str, formats_over_any_border)
{
	for (int width = 0; width < 300; width++) {
		CLEANUP(str_release) struct str s = STR_INIT(1000);

		cr_assert(str_add_text(&s, "head:"));
		cr_assert(str_addf(&s, "%0*d", width, 7));
		cr_assert_eq(s.len, 5 + (width ? (size_t)width : 1));
		cr_assert_eq(strlen(str_text(&s)), s.len);
		cr_assert_eq(s.bytes[s.len - 1], '7');
	}
}

Test(str, maximum_is_exact)
{
	CLEANUP(str_release) struct str s = STR_INIT(8);

	cr_assert(str_add_text(&s, "12345678"));
	cr_assert_not(str_overflowed(&s));
	cr_assert_leq(s.capacity, 9);
	cr_assert_not(str_add_char(&s, '9'));
	cr_assert(str_overflowed(&s));
	cr_assert_str_eq(str_text(&s), "12345678");
	cr_assert(str_add(&s, "", 0));
	cr_assert(str_overflowed(&s), "forgotten without clear");
}

Test(str, refused_text_changes_nothing)
{
	CLEANUP(str_release) struct str s = STR_INIT(8);

	cr_assert(str_add_text(&s, "123456"));
	cr_assert_not(str_add_text(&s, "789"));
	cr_assert_not(str_addf(&s, "%s", "789"));
	cr_assert_not(str_addf(&s, "%s", "7890123456789"));
	cr_assert_str_eq(str_text(&s), "123456");
	cr_assert(str_addf(&s, "%d", 78));
	cr_assert_str_eq(str_text(&s), "12345678");
}

Test(str, refused_at_once)
{
	CLEANUP(str_release) struct str s = STR_INIT(0);

	cr_assert_not(str_addf(&s, "x"));
	cr_assert_not(str_add(&s, "x", SIZE_MAX));
	cr_assert_str_eq(str_text(&s), "");
	cr_assert(str_add(&s, "", 0));
}

Test(str, unlimited)
{
	CLEANUP(str_release) struct str s = STR_INIT(SIZE_MAX);

	cr_assert(str_add_text(&s, "abc"));
	cr_assert_not(str_add(&s, "abc", SIZE_MAX - 2));
	cr_assert_not(str_add(&s, "abc", SIZE_MAX - 3));
	cr_assert_str_eq(str_text(&s), "abc");
}

Test(str, clear_keeps_memory_and_forgets_overflow)
{
	CLEANUP(str_release) struct str s = STR_INIT(4);
	size_t capacity;

	str_add_text(&s, "abcd");
	str_add_text(&s, "e");
	capacity = s.capacity;
	str_clear(&s);
	cr_assert_eq(s.capacity, capacity);
	cr_assert_eq(s.len, 0);
	cr_assert_str_eq(str_text(&s), "");
	cr_assert_not(str_overflowed(&s));
}

Test(str, steal)
{
	CLEANUP(str_release) struct str s = STR_INIT(10);
	CLEANUP(mem_freep) char *bytes = NULL;
	CLEANUP(mem_freep) char *none = NULL;
	size_t len = 99;

	str_add(&s, "a\0b", 3);
	bytes = str_steal(&s, &len);
	cr_assert_eq(len, 3);
	cr_assert_arr_eq(bytes, "a\0b", 4);
	cr_assert_str_eq(str_text(&s), "");
	none = str_steal(&s, NULL);
	cr_assert_str_eq(none, "");
	cr_assert(str_add_text(&s, "again"));
	cr_assert_str_eq(str_text(&s), "again");
}
