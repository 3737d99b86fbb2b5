/*
 * The primary's layers come first, so that what a client finds first is the same everywhere. Whether a
 * layer verifies is not asked: how many others may stay unseen is bounded by the replicator.
 */
#include "reconciler/replicate_merge.h"

#include "signer/legacy_image.h"

#define CONFIG_MAX ((size_t)1 << 20)

struct layers {
	VEC(struct legacy_descriptor) all; /* borrowed: the primary's, then those that it lacks */
	size_t of_primary;
};

static void layers_release(struct layers *layers)
{
	vec_release(&layers->all);
}

static void collect(struct layers *layers, const struct legacy_image *primary,
	const struct legacy_image *mirror)
{
	for (size_t i = 0; i < primary->layers.len; i++)
		*vec_push(&layers->all) = primary->layers.items[i];
	layers->of_primary = layers->all.len;
	for (size_t i = 0; i < mirror->layers.len; i++)
		if (!legacy_image_has(primary, &mirror->layers.items[i]))
			*vec_push(&layers->all) = mirror->layers.items[i];
}

bool replicate_merge(const struct document *primary, const struct document *mirror,
	struct replica_merged *ret_merged, struct err **err)
{
	CLEANUP(legacy_image_release) struct legacy_image ours = {0};
	CLEANUP(legacy_image_release) struct legacy_image theirs = {0};
	CLEANUP(layers_release) struct layers layers = {0};
	CLEANUP(replica_merged_release)
	struct replica_merged merged = {STR_INIT(LEGACY_IMAGE_MAX_SIZE), STR_INIT(CONFIG_MAX)};

	if (!legacy_image_parse(primary->bytes, primary->len, &ours, err) ||
		!legacy_image_parse(mirror->bytes, mirror->len, &theirs, err))
		return false;
	collect(&layers, &ours, &theirs);
	if (layers.all.len == layers.of_primary)
		return err_set(err, ERR_UNSUPPORTED,
			"the mirror's layers are those of the primary, but for annotations that "
			"are "
			"not known here");
	legacy_image_config(layers.all.items, layers.all.len, &merged.config);
	if (!legacy_image_extend(primary->bytes, layers.all.items + layers.of_primary,
		    layers.all.len - layers.of_primary, &merged.config, &merged.manifest, err))
		return false;
	*ret_merged = merged;
	merged = (struct replica_merged){0};
	return true;
}
