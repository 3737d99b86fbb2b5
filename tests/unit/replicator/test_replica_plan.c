#include "replicator/replica_plan.h"

#include <criterion/criterion.h>

static struct inventory_item item(uint8_t image, uint8_t content)
{
	struct inventory_item item = {.tag = {{image}, REPLICA_SIG}, .has_content = content != 0};

	item.content[0] = content;
	return item;
}

/* Image 9 is nobody's; all else is for everybody from site 1 on. */
static void mirrors(
	void *ctx, size_t primary, const uint8_t image[DIGEST_SHA256_SIZE], bool *ret_is_mirror)
{
	size_t sites = *(const size_t *)ctx;

	(void)primary;
	for (size_t i = 1; image[0] != 9 && i < sites; i++)
		ret_is_mirror[i] = true;
}

static size_t sites = 3;

static void fill(struct replica_tasks *tasks, const struct inventory_item *items, size_t count)
{
	struct inventory inventory = {0};

	tasks->sites = sites;
	for (size_t i = 0; i < count; i++)
		*vec_push(&inventory.items) = items[i];
	replica_tasks_add(tasks, 0, &inventory, mirrors, &sites);
	inventory_release(&inventory);
}

static void compare(
	struct replica_tasks *tasks, size_t site, const struct inventory_item *items, size_t count)
{
	struct inventory inventory = {0};

	for (size_t i = 0; i < count; i++)
		*vec_push(&inventory.items) = items[i];
	replica_tasks_compare(tasks, site, &inventory);
	inventory_release(&inventory);
}

Test(replica_plan, what_has_no_mirror_is_no_task)
{
	const struct inventory_item held[] = {item(9, 1)};
	struct replica_tasks tasks = {0};

	fill(&tasks, held, 1);
	cr_assert_eq(tasks.all.len, 0);
	cr_assert_not(replica_tasks_want(&tasks, 1));
	replica_tasks_release(&tasks);
}

Test(replica_plan, lists_decide_as_far_as_they_know)
{
	const struct inventory_item held[] = {item(1, 1), item(2, 2), item(3, 3), item(4, 0)};
	const struct inventory_item mirror[] = {item(1, 1), item(3, 4), item(4, 5)};
	struct replica_tasks tasks = {0};

	fill(&tasks, held, 4);
	cr_assert_eq(tasks.all.len, 4);
	cr_assert(replica_tasks_want(&tasks, 1));
	cr_assert_not(replica_tasks_want(&tasks, 0));
	compare(&tasks, 1, mirror, 3);
	cr_assert_not(replica_tasks_want(&tasks, 1));
	cr_assert(replica_tasks_want(&tasks, 2));
	cr_expect_eq(tasks.all.items[0].seen[1], REPLICA_EQUAL);
	cr_expect_eq(tasks.all.items[1].seen[1], REPLICA_ABSENT);
	cr_expect_eq(tasks.all.items[2].seen[1], REPLICA_DIFFERENT);
	cr_expect_eq(tasks.all.items[3].seen[1], REPLICA_PRESENT);
	cr_expect_eq(tasks.all.items[0].seen[0], REPLICA_NOT_WANTED);
	cr_expect_eq(tasks.all.items[0].seen[2], REPLICA_UNKNOWN);
	replica_tasks_release(&tasks);
}

/* A site that could not be listed gives no reason to do anything. */
Test(replica_plan, only_known_differences_are_work)
{
	const struct inventory_item held[] = {item(1, 1), item(2, 2)};
	const struct inventory_item mirror[] = {item(1, 1)};
	struct replica_tasks tasks = {0};

	fill(&tasks, held, 2);
	compare(&tasks, 1, mirror, 1);
	cr_assert_not(replica_task_is_open(&tasks.all.items[0], sites));
	cr_assert(replica_task_is_open(&tasks.all.items[1], sites));
	replica_tasks_release(&tasks);
}

/* What a list that was cut off does not show has to be asked for. */
Test(replica_plan, a_partial_list_proves_no_absence)
{
	const struct inventory_item held[] = {item(1, 1)};
	const struct inventory partial = {.is_partial = true};
	struct replica_tasks tasks = {0};

	fill(&tasks, held, 1);
	replica_tasks_compare(&tasks, 1, &partial);
	cr_expect_eq(tasks.all.items[0].seen[1], REPLICA_PRESENT);
	cr_expect(replica_task_is_open(&tasks.all.items[0], sites));
	replica_tasks_release(&tasks);
}

/* But not of what was written after the list. */
Test(replica_plan, names_are_believed_if_asked_for)
{
	struct inventory_item held[] = {item(1, 0), item(2, 0)};
	const struct inventory_item mirror[] = {item(1, 0), item(2, 0)};
	struct replica_tasks tasks = {.believes_names = true};

	held[1].is_written = true;
	fill(&tasks, held, 2);
	compare(&tasks, 1, mirror, 2);
	cr_expect_eq(tasks.all.items[0].seen[1], REPLICA_EQUAL);
	cr_expect_eq(tasks.all.items[1].seen[1], REPLICA_PRESENT);
	replica_tasks_release(&tasks);
}
