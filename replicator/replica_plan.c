/*
 * One array of states for each object; what the lists cannot tell is left to whoever carries it out.
 */
#include "replicator/replica_plan.h"

void replica_task_release(struct replica_task *task)
{
	mem_free(task->seen);
	task->seen = NULL;
}

void replica_tasks_release(struct replica_tasks *tasks)
{
	for (size_t i = 0; i < tasks->all.len; i++)
		replica_task_release(&tasks->all.items[i]);
	vec_release(&tasks->all);
}

static void add(struct replica_tasks *tasks, size_t primary, const struct inventory_item *item,
	const bool *is_mirror)
{
	struct replica_task task = {
		.tag = item->tag,
		.primary = primary,
		.has_content = item->has_content,
		.is_written = item->is_written,
		.is_doubtful = item->is_doubtful,
		.content = digest_from_sha256(item->content),
		.seen = mem_new(tasks->sites, sizeof(*task.seen)),
	};

	for (size_t i = 0; i < tasks->sites; i++)
		if (is_mirror[i] && i != primary)
			task.seen[i] = REPLICA_UNKNOWN;
	*vec_push(&tasks->all) = task;
}

void replica_tasks_add(struct replica_tasks *tasks, size_t primary,
	const struct inventory *inventory, replica_mirrors_fn *mirrors, void *ctx)
{
	CLEANUP(mem_freep) bool *is_mirror = mem_new(tasks->sites, sizeof(*is_mirror));

	for (size_t i = 0; i < inventory->items.len; i++) {
		const struct inventory_item *item = &inventory->items.items[i];
		bool any = false;

		/* What belongs to one image follows each other. */
		if (!i ||
			memcmp(item[-1].tag.image, item->tag.image, sizeof(item->tag.image)) != 0) {
			memset(is_mirror, 0, tasks->sites * sizeof(*is_mirror));
			mirrors(ctx, primary, item->tag.image, is_mirror);
		}
		for (size_t s = 0; s < tasks->sites; s++)
			any |= is_mirror[s] && s != primary;
		if (any)
			add(tasks, primary, item, is_mirror);
	}
}

bool replica_tasks_want(const struct replica_tasks *tasks, size_t site)
{
	for (size_t i = 0; i < tasks->all.len; i++)
		if (tasks->all.items[i].seen[site] == REPLICA_UNKNOWN)
			return true;
	return false;
}

/* Lists of mirrors are mostly alike: what comes next in one comes next in the other. */
static const struct inventory_item *find_next(
	const struct inventory *inventory, const struct replica_tag *tag, size_t *next)
{
	const struct inventory_item *items = inventory->items.items;
	const struct inventory_item *item;

	if (*next < inventory->items.len && replica_tag_compare(&items[*next].tag, tag) == 0)
		return &items[(*next)++];
	item = inventory_find(inventory, tag);
	if (item)
		*next = (size_t)(item - items) + 1;
	return item;
}

static enum replica_seen compare(const struct replica_tasks *tasks, const struct replica_task *task,
	const struct inventory *inventory, size_t *next)
{
	const struct inventory_item *item = find_next(inventory, &task->tag, next);

	if (!item)
		return inventory->is_partial ? REPLICA_PRESENT : REPLICA_ABSENT;
	if (!item->has_content || !task->has_content)
		return tasks->believes_names && !task->is_written ? REPLICA_EQUAL : REPLICA_PRESENT;
	return memcmp(item->content, task->content.bytes, sizeof(item->content)) == 0
		? REPLICA_EQUAL
		: REPLICA_DIFFERENT;
}

void replica_tasks_compare(
	struct replica_tasks *tasks, size_t site, const struct inventory *inventory)
{
	size_t next = 0;

	for (size_t i = 0; i < tasks->all.len; i++) {
		struct replica_task *task = &tasks->all.items[i];

		if (task->seen[site] == REPLICA_UNKNOWN)
			task->seen[site] = compare(tasks, task, inventory, &next);
	}
}

bool replica_task_is_open(const struct replica_task *task, size_t sites)
{
	for (size_t i = 0; i < sites; i++)
		if (task->seen[i] == REPLICA_ABSENT || task->seen[i] == REPLICA_PRESENT ||
			task->seen[i] == REPLICA_DIFFERENT)
			return true;
	return false;
}
