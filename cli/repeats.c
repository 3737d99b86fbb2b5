/*
 * A bounded table of texts. How the counts are said is the business of output.c.
 */
#include "cli/repeats.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

void repeats_init(struct repeats *repeats)
{
	*repeats = (struct repeats){.texts = intern_new()};
}

void repeats_release(struct repeats *repeats)
{
	strmap_release(&repeats->index);
	vec_release(&repeats->items);
	intern_free(repeats->texts);
}

bool repeats_is_first(struct repeats *repeats, const char *destination, const char *error)
{
	size_t host_len = strcspn(destination, "/");
	CLEANUP(mem_freep) char *key = mem_printf("%.*s %s", (int)host_len, destination, error);
	uintptr_t index = (uintptr_t)strmap_get(&repeats->index, key);

	if (index) {
		repeats->items.items[index - 1].more++;
		return false;
	}
	if (repeats->items.len == REPEATS_MAX)
		return true;
	*vec_push(&repeats->items) = (struct repeat){
		.host = intern_bytes(repeats->texts, destination, host_len),
		.error = intern_text(repeats->texts, error),
	};
	*strmap_put(&repeats->index, intern_text(repeats->texts, key)) =
		(void *)(uintptr_t)repeats->items.len;
	return true;
}
