/*
 * Keeps of a list what is of use, sorted. A tag may come twice, with its digest and without; one that
 * comes with two different digests has none that could be relied on.
 */
#include "replicator/inventory.h"

#include <stdlib.h>

void inventory_release(struct inventory *inventory)
{
	vec_release(&inventory->items);
	vec_release(&inventory->manifests);
}

void inventory_add(
	struct inventory *inventory, const struct replica_tag *tag, const struct digest *content)
{
	struct inventory_item item = {
		.tag = *tag,
		.has_content = content && content->algorithm == DIGEST_SHA256,
	};

	if (item.has_content)
		memcpy(item.content, content->bytes, sizeof(item.content));
	*vec_push(&inventory->items) = item;
}

static void on_tag(void *ctx, const char *text)
{
	struct replica_tag tag;

	if (replica_tag_parse(text, &tag))
		inventory_add(ctx, &tag, NULL);
}

static void on_manifest_tag(void *ctx, const struct digest *digest, const char *text)
{
	struct replica_tag tag;

	if (replica_tag_parse(text, &tag))
		inventory_add(ctx, &tag, digest);
}

/* Those with a digest first. */
static int compare(const void *left, const void *right)
{
	const struct inventory_item *a = left, *b = right;
	int order = replica_tag_compare(&a->tag, &b->tag);

	return order ? order : (int)b->has_content - (int)a->has_content;
}

static void merge(struct inventory_item *kept, const struct inventory_item *other)
{
	if (other->has_content && memcmp(kept->content, other->content, sizeof(kept->content)) != 0)
		kept->has_content = false;
}

void inventory_finish(struct inventory *inventory)
{
	struct inventory_item *items = inventory->items.items;
	size_t kept = 0;

	if (!inventory->items.len)
		return;
	qsort(items, inventory->items.len, sizeof(*items), compare);
	for (size_t i = 1; i < inventory->items.len; i++) {
		if (replica_tag_compare(&items[kept].tag, &items[i].tag) == 0)
			merge(&items[kept], &items[i]);
		else
			items[++kept] = items[i];
	}
	inventory->items.len = kept + 1;
	vec_shrink(&inventory->items);
}

static void on_manifest(void *ctx, const struct digest *digest)
{
	struct inventory *inventory = ctx;

	if (digest->algorithm == DIGEST_SHA256)
		memcpy(vec_push(&inventory->manifests)->sha256, digest->bytes, DIGEST_SHA256_SIZE);
}

static int compare_manifests(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct inventory_manifest));
}

bool inventory_has_manifest(const struct inventory *inventory, const struct digest *digest)
{
	return digest->algorithm == DIGEST_SHA256 && inventory->manifests.len &&
		bsearch(digest->bytes, inventory->manifests.items, inventory->manifests.len,
			sizeof(*inventory->manifests.items), compare_manifests);
}

bool inventory_read(struct registry *registry, const struct repository *repository,
	const struct clock *clock, bool with_manifests, struct inventory *ret_inventory,
	struct err **err)
{
	CLEANUP(inventory_release)
	struct inventory inventory = {.looked_ms = clock_monotonic_ms(clock)};
	CLEANUP(err_freep) struct err *failure = NULL;
	const struct tags_visitor visitor = {.on_tag = on_tag,
		.on_manifest = with_manifests ? on_manifest : NULL,
		.on_manifest_tag = on_manifest_tag,
		.ctx = &inventory};
	enum tags_kind kind = TAGS_PLAIN;

	if (!registry_tags_list(registry, repository, &visitor, NULL, &kind, &failure)) {
		if (!err_is(failure, ERR_NOT_FOUND)) {
			err_keep_first(err, &failure);
			return false;
		}
		vec_clear(&inventory.items);
	}
	inventory_finish(&inventory);
	inventory.tells_manifests = with_manifests && kind == TAGS_GOOGLE;
	if (inventory.manifests.len)
		qsort(inventory.manifests.items, inventory.manifests.len,
			sizeof(*inventory.manifests.items), compare_manifests);
	*ret_inventory = inventory;
	inventory = (struct inventory){0};
	return true;
}

void inventory_touch(struct inventory *inventory, const struct replica_tag *tag)
{
	struct inventory_item *items = inventory->items.items;

	for (size_t i = 0; i < inventory->items.len; i++) {
		if (replica_tag_compare(&items[i].tag, tag) != 0)
			continue;
		items[i].has_content = false;
		items[i].is_written = true;
		return;
	}
	*vec_push(&inventory->items) =
		(struct inventory_item){.tag = *tag, .is_written = true, .is_doubtful = true};
	inventory_finish(inventory);
}

static int compare_tag(const void *key, const void *item)
{
	return replica_tag_compare(key, &((const struct inventory_item *)item)->tag);
}

const struct inventory_item *inventory_find(
	const struct inventory *inventory, const struct replica_tag *tag)
{
	if (!inventory->items.len)
		return NULL;
	return bsearch(tag, inventory->items.items, inventory->items.len,
		sizeof(*inventory->items.items), compare_tag);
}
