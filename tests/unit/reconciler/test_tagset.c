#include "reconciler/tagset.h"

#include <criterion/criterion.h>

#include "base/cleanup.h"

static const char names[3000];

Test(tagset, remembers_the_round)
{
	CLEANUP(tagset_release) struct tagset set = TAGSET_INIT;
	for (uint32_t round = 0; round < 200; round++) {
		bool is_new = false;
		tagset_clear(&set);
		for (uint32_t i = 0; i < 30; i++) {
			struct tagset_slot *slot =
				tagset_put(&set, &names[10 * round + i], &is_new);
			cr_assert(is_new);
			cr_assert_eq(slot->tag, 0);
			slot->tag = i;
		}
		for (uint32_t i = 0; i < 30; i++) {
			cr_assert_eq(tagset_put(&set, &names[10 * round + i], &is_new)->tag, i);
			cr_assert_not(is_new);
		}
	}
}

Test(tagset, grows)
{
	CLEANUP(tagset_release) struct tagset set = TAGSET_INIT;
	bool is_new = false;
	for (uint32_t i = 0; i < 3000; i++)
		tagset_put(&set, &names[i], &is_new)->tag = i;
	for (uint32_t i = 0; i < 3000; i++)
		cr_assert_eq(tagset_put(&set, &names[i], &is_new)->tag, i);
	cr_assert_eq(set.len, 3000);
}
