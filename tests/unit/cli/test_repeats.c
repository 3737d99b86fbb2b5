/* cli/repeats.h */
#include "cli/repeats.h"

#include <criterion/criterion.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static struct repeats repeats;

static void set_up(void)
{
	repeats_init(&repeats);
}

static void tear_down(void)
{
	repeats_release(&repeats);
}

TestSuite(repeats, .init = set_up, .fini = tear_down);

Test(repeats, equal_errors_of_one_host_are_counted)
{
	cr_expect(repeats_is_first(&repeats, "a.io/x", "down"));
	cr_expect_not(repeats_is_first(&repeats, "a.io/y", "down"));
	cr_expect_not(repeats_is_first(&repeats, "a.io/z/z", "down"));
	cr_expect(repeats_is_first(&repeats, "a.io/x", "refused"));
	cr_expect(repeats_is_first(&repeats, "b.io/x", "down"));
	cr_assert_eq(repeats.items.len, 3);
	cr_expect_str_eq(repeats.items.items[0].host, "a.io");
	cr_expect_str_eq(repeats.items.items[0].error, "down");
	cr_expect_eq(repeats.items.items[0].more, 2);
	cr_expect_eq(repeats.items.items[1].more, 0);
}

Test(repeats, what_does_not_fit_is_always_the_first)
{
	for (int i = 0; i < REPEATS_MAX; i++) {
		CLEANUP(mem_freep) char *error = mem_printf("error %d", i);

		cr_assert(repeats_is_first(&repeats, "a.io/x", error));
	}
	cr_expect(repeats_is_first(&repeats, "a.io/x", "one more"));
	cr_expect(repeats_is_first(&repeats, "a.io/x", "one more"));
	cr_expect_not(repeats_is_first(&repeats, "a.io/x", "error 7"));
	cr_expect_eq(repeats.items.len, REPEATS_MAX);
}
