/*
 * The rules of what goes along. What verifies is signer/'s matter, in which order things are attached
 * signing.c's.
 */
#include "reconciler/carry_plan.h"

#include <string.h>

void carry_leave(struct record_carried *carried, size_t count, const char *why)
{
	carried->left += count;
	if (!carried->why)
		carried->why = mem_strdup(why);
}

void carry_fail(struct record_carried *carried, size_t count, const struct err *err)
{
	carried->left += count;
	if (carried->failed)
		return;
	carried->failed = true;
	mem_free(carried->why);
	carried->why = mem_strdup(err->msg);
}

static bool is_there(const struct attached *attached, const struct attached_item *item)
{
	for (size_t i = 0; i < attached->items.len; i++)
		if (attached_is_same(&attached->items.items[i], item))
			return true;
	return false;
}

/* What goes along so far. */
struct load {
	size_t count[ATTACHED_BUNDLE + 1];
	size_t bytes[ATTACHED_BUNDLE + 1];
};

static bool has_room(struct load *load, const struct attached_item *item)
{
	const char *json = item->parts->layer.json;
	size_t bytes = json ? strlen(json) : 0;

	if (load->count[item->kind] == CARRY_MAX ||
		load->bytes[item->kind] + bytes > CARRY_DESCRIPTORS_MAX)
		return false;
	load->count[item->kind]++;
	load->bytes[item->kind] += bytes;
	return true;
}

/* NULL: it goes along. "": it need not. Else why it is left. */
static const char *why_not(const struct attached_item *item, const struct image_verdict *verdict,
	const struct attached *primary, struct load *load)
{
	if (!item->parts)
		return item->error ? item->error : "it cannot stand elsewhere";
	if (is_there(primary, item))
		return "";
	if (!verdict->counts)
		return verdict->why_not;
	return has_room(load, item) ? NULL : "there is more than is carried for one image";
}

void carry_plan(struct attached *staging, const struct image_verdicts *verdicts,
	const struct attached *primary, struct record_carried *carried)
{
	struct load load = {0};
	size_t kept = 0;

	for (size_t i = 0; i < staging->items.len; i++) {
		struct attached_item *item = &staging->items.items[i];
		const char *why = why_not(item, &verdicts->items.items[i], primary, &load);

		if (!why) {
			staging->items.items[kept++] = *item;
			continue;
		}
		if (*why)
			carry_leave(carried, 1, why);
		attached_item_release(item);
	}
	staging->items.len = kept;
	/* Of the foreign the referrers are somebody else's matter. */
	if (staging->foreign > staging->others.len)
		carry_leave(carried, staging->foreign - staging->others.len,
			"a layer of a media type that no signature has");
}
