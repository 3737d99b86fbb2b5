/*
 * What attached things are made of, so that they can be attached elsewhere as they are. Checks what a
 * registry would refuse, or what would make it list something else; whether they are good is not
 * asked here.
 */
#include <string.h>

#include "base/alloc.h"
#include "image/manifest.h"
#include "registry/referrers_index.h"
#include "signer/attached_private.h"
#include "signer/bundle_manifest.h"

static void parts_free(struct attached_parts *parts)
{
	if (!parts)
		return;
	legacy_descriptor_release(&parts->layer);
	bytes_release(&parts->blob);
	document_release(&parts->manifest);
	bytes_release(&parts->config);
	mem_free(parts);
}

void attached_item_release(struct attached_item *item)
{
	bundle_free(item->bundle);
	mem_free(item->error);
	bytes_release(&item->payload);
	parts_free(item->parts);
	*item = (struct attached_item){0};
}

bool attached_is_same(const struct attached_item *a, const struct attached_item *b)
{
	if (a->kind != b->kind || !a->parts || !b->parts)
		return false;
	return a->kind == ATTACHED_BUNDLE
		? digest_equal(&a->manifest, &b->manifest)
		: legacy_descriptor_equal(&a->parts->layer, &b->parts->layer);
}

static struct bytes copy_of(const struct document *blob)
{
	return (struct bytes){mem_dup(blob->bytes, blob->len), blob->len};
}

static struct attached_parts *parts_new(struct attached_item *item,
	const struct repository *repository, const struct document *blob)
{
	item->parts = mem_new(1, sizeof(*item->parts));
	item->parts->repository = *repository;
	item->parts->blob = copy_of(blob);
	return item->parts;
}

bool attached_keep_layer(struct attached_item *item, const struct repository *repository,
	struct legacy_descriptor *layer, const struct document *blob, struct err **err)
{
	if (layer->digest.algorithm != DIGEST_SHA256 || layer->size != (int64_t)blob->len)
		return err_set(err, ERR_INVALID,
			"its descriptor says another size than it has, or a digest that is no "
			"sha256");
	parts_new(item, repository, blob)->layer = *layer;
	*layer = (struct legacy_descriptor){0};
	return true;
}

bool attached_keep_bundle(struct attached_item *item, const struct repository *repository,
	const struct digest *image, struct document *manifest, const struct document *blob,
	const struct document *config, struct err **err)
{
	CLEANUP(referrers_set_release) struct referrers_set set = {0};

	if (blob->digest.algorithm != DIGEST_SHA256 || config->digest.algorithm != DIGEST_SHA256)
		return err_set(err, ERR_INVALID, "a digest that is no sha256");
	if (!referrers_set_add_document(&set, manifest, image, err))
		return false;
	struct attached_parts *parts = parts_new(item, repository, blob);
	parts->config = copy_of(config);
	parts->manifest = *manifest;
	*manifest = (struct document){0};
	return true;
}
