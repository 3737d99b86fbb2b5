/* reconciler/extra_tags.h */
#include "reconciler/extra_tags.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct extra_tags extra;

static void done(void)
{
	extra_tags_release(&extra);
}

TestSuite(extra_tags, .fini = done);

Test(extra_tags, sorted_and_each_once)
{
	static const char *const names[] = {"m", "z", "a", "m", "b"};

	for (size_t i = 0; i < 5; i++)
		extra_tags_add(&extra, names[i]);
	cr_expect_eq(extra.count, 4);
	cr_assert_eq(extra.names.len, 4);
	cr_expect_str_eq(extra.names.items[0], "a");
	cr_expect_str_eq(extra.names.items[1], "b");
	cr_expect_str_eq(extra.names.items[2], "m");
	cr_expect_str_eq(extra.names.items[3], "z");
}

/* The order in which they come (7 is prime to 1,000) makes no difference. */
Test(extra_tags, all_counted_and_the_first_kept)
{
	char name[16];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%03u", i * 7 % 1000);
		extra_tags_add(&extra, name);
	}
	cr_expect_eq(extra.count, 1000);
	cr_assert_eq(extra.names.len, EXTRA_TAGS_KEPT);
	for (unsigned i = 0; i < EXTRA_TAGS_KEPT; i++) {
		snprintf(name, sizeof(name), "%03u", i);
		cr_expect_str_eq(extra.names.items[i], name);
	}
}
