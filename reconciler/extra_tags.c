/*
 * A short sorted list. Who says that a tag is extra is observed.c.
 */
#include "reconciler/extra_tags.h"

#include <string.h>

static void insert(struct extra_tags *extra, size_t at, const char *name)
{
	size_t len = extra->names.len;

	if (len == EXTRA_TAGS_KEPT)
		mem_free(extra->names.items[--len]);
	else
		*vec_push(&extra->names) = NULL;
	memmove(&extra->names.items[at + 1], &extra->names.items[at],
		(len - at) * sizeof(*extra->names.items));
	extra->names.items[at] = mem_strdup(name);
}

void extra_tags_add(struct extra_tags *extra, const char *name)
{
	size_t low = 0, high = extra->names.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(extra->names.items[middle], name);

		/* Pages of a list may overlap. */
		if (order == 0)
			return;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	extra->count++;
	if (low < EXTRA_TAGS_KEPT)
		insert(extra, low, name);
}

void extra_tags_release(struct extra_tags *extra)
{
	for (size_t i = 0; i < extra->names.len; i++)
		mem_free(extra->names.items[i]);
	vec_release(&extra->names);
	extra->count = 0;
}
