/* base/vec.h */
#include "base/vec.h"

#include <criterion/criterion.h>

struct pair {
	int a;
	const char *b;
};

Test(vec, push_gives_zeroed_elements)
{
	VEC(struct pair) pairs = {0};

	for (int i = 0; i < 100; i++) {
		struct pair *pair = vec_push(&pairs);

		cr_assert(pair->a == 0 && !pair->b);
		*pair = (struct pair){.a = i, .b = "x"};
	}
	cr_assert_eq(pairs.len, 100);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(pairs.items[i].a, i);
	vec_clear(&pairs);
	cr_assert_eq(pairs.len, 0);
	cr_assert_eq(vec_push(&pairs)->a, 0, "old element shows through");
	vec_release(&pairs);
	cr_assert(!pairs.items && !pairs.len && !pairs.capacity);
}

Test(vec, shrink_keeps_the_elements)
{
	VEC(const char *) names = {0};

	vec_shrink(&names);
	for (int i = 0; i < 9; i++)
		*vec_push(&names) = "name";
	cr_assert_gt(names.capacity, 9);
	vec_shrink(&names);
	cr_assert_eq(names.capacity, 9);
	cr_assert_str_eq(names.items[8], "name");
	*vec_push(&names) = "tenth";
	cr_assert_str_eq(names.items[9], "tenth");
	vec_release(&names);
}
