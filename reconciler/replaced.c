/*
 * Knows records and names of tags; which records belong together is their caller's business.
 */
#include "reconciler/replaced.h"

#include <stdlib.h>
#include <string.h>

static bool is_stated(const char *tag, const char *const *tags, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(tags[i], tag) == 0)
			return true;
	return false;
}

static bool is_known(const struct replaced *replaced, const char *tag)
{
	for (size_t i = 0; i < replaced->all.len; i++)
		if (strcmp(replaced->all.items[i].tag, tag) == 0)
			return true;
	return false;
}

static int compare(const void *left, const void *right)
{
	const struct promotion_replaced *a = left, *b = right;

	return strcmp(a->tag, b->tag);
}

void replaced_add(struct replaced *replaced, const struct record *record, const char *const *tags,
	size_t tag_count)
{
	for (size_t i = 0; i < record->tags.len; i++) {
		const struct record_tag *tag = &record->tags.items[i];

		if (tag->done == TAG_DONE_WRITTEN && record_tag_moves_from(tag) &&
			is_stated(tag->name, tags, tag_count) && !is_known(replaced, tag->name))
			*vec_push(&replaced->all) =
				(struct promotion_replaced){tag->name, *record_tag_moves_from(tag)};
	}
	if (replaced->all.len)
		qsort(replaced->all.items, replaced->all.len, sizeof(*replaced->all.items),
			compare);
}

void replaced_release(struct replaced *replaced)
{
	vec_release(&replaced->all);
}
