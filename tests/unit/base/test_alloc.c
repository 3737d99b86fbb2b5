/* base/alloc.h. What happens without memory is tried only without sanitizers: they report it. */
#include "base/alloc.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

Test(alloc, fresh_memory_is_zero)
{
	CLEANUP(mem_freep) unsigned char *bytes = mem_new(300, 3);

	for (size_t i = 0; i < 900; i++)
		cr_assert_eq(bytes[i], 0);
}

Test(alloc, empty_objects_have_an_address)
{
	CLEANUP(mem_freep) void *none = mem_new(0, 8);
	CLEANUP(mem_freep) void *nothing = mem_new(8, 0);
	CLEANUP(mem_freep) void *copy = mem_dup(NULL, 0);

	cr_assert(none && nothing && copy);
	none = mem_resize(none, 0, 8);
	cr_assert(none);
}

Test(alloc, resize_keeps_content)
{
	CLEANUP(mem_freep) char *text = mem_strdup("abc");

	text = mem_resize(text, 1000, 4);
	cr_assert_str_eq(text, "abc");
}

Test(alloc, copies)
{
	CLEANUP(mem_freep) char *bytes = mem_dup("a\0b", 3);
	CLEANUP(mem_freep) char *start = mem_strndup("manifest", 3);
	CLEANUP(mem_freep) char *whole = mem_strndup("ab", 30);
	CLEANUP(mem_freep) char *line = mem_printf("%s:%d", "file", 12);

	cr_assert_arr_eq(bytes, "a\0b", 3);
	cr_assert_str_eq(start, "man");
	cr_assert_str_eq(whole, "ab");
	cr_assert_str_eq(line, "file:12");
}

Test(alloc, freeing_nothing)
{
	mem_free(NULL);
	mem_free_secret(NULL, 8);
	mem_free_secret_string(NULL);
	mem_free_secret(mem_strdup("token"), 5);
	mem_free_secret_string(mem_strdup("token"));
	mem_free_secret_unsized(NULL);
	mem_free_secret_unsized(mem_strdup("token"));
}

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

#if !SANITIZED
Test(alloc, too_much_aborts, .signal = SIGABRT)
{
	mem_free(mem_new(SIZE_MAX / 2, 1));
}

Test(alloc, product_overflow_aborts, .signal = SIGABRT)
{
	volatile size_t half = (size_t)1 << (sizeof(size_t) * 4);

	mem_free(mem_new(half, half));
}

Test(alloc, resize_product_overflow_aborts, .signal = SIGABRT)
{
	volatile size_t half = (size_t)1 << (sizeof(size_t) * 4);

	mem_free(mem_resize(NULL, half, half));
}
#endif
