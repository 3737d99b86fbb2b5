/*
 * The primary's layers come first, so that what a client finds first is the same everywhere. Whether a
 * layer verifies is asked only of a mirror that has many of its own.
 */
#include "reconciler/replicate_merge.h"

#include "signer/image_verify.h"
#include "signer/legacy_image.h"

#define CONFIG_MAX ((size_t)1 << 20)

struct merging {
	const struct replica_merging *what;
	struct legacy_image primary, mirror;
	bool *stays; /* by layer of the mirror, of those that the primary lacks; owned */
	size_t left_out;
	VEC(struct legacy_descriptor) all; /* borrowed: the primary's, then those that stay */
	size_t of_primary;
};

static void merging_release(struct merging *merging)
{
	legacy_image_release(&merging->primary);
	legacy_image_release(&merging->mirror);
	mem_free(merging->stays);
	vec_release(&merging->all);
}

static bool is_mirrors_own(const struct merging *merging, size_t layer)
{
	return !legacy_image_has(&merging->primary, &merging->mirror.layers.items[layer]);
}

/* ---- What may stay ---- */

static bool is_verified(
	const struct image_verdicts *verdicts, const struct legacy_descriptor *layer)
{
	for (size_t i = 0; i < verdicts->items.len; i++) {
		const struct image_verdict *verdict = &verdicts->items.items[i];

		if (verdict->counts && verdict->item->parts &&
			legacy_descriptor_equal(&verdict->item->parts->layer, layer))
			return true;
	}
	return false;
}

/* Of what does not verify all stays or nothing: which of it is worth something nobody knows. */
static void choose(struct merging *merging, const struct image_verdicts *verdicts)
{
	size_t unseen = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < merging->mirror.layers.len; i++) {
		const struct legacy_descriptor *layer = &merging->mirror.layers.items[i];

		if (!merging->stays[i])
			continue;
		merging->stays[i] = is_verified(verdicts, layer);
		if (merging->stays[i])
			continue;
		unseen++;
		bytes += (uint64_t)layer->size < REPLICA_UNSEEN_BYTES_MAX
			? (uint64_t)layer->size
			: REPLICA_UNSEEN_BYTES_MAX + 1;
	}
	if (unseen > REPLICA_UNSEEN_LAYERS_MAX || bytes > REPLICA_UNSEEN_BYTES_MAX)
		merging->left_out = unseen;
	else
		for (size_t i = 0; i < merging->mirror.layers.len; i++)
			merging->stays[i] = is_mirrors_own(merging, i);
}

static bool verify(const struct replicate_trust *trust, struct merging *merging, struct err **err)
{
	const struct replica_tag *tag = merging->what->tag;
	const struct digest image = digest_from_sha256(tag->image);
	struct policy policy = POLICY_INIT;
	struct image_policy wanted = {.policy = &policy, .any_statement = tag->kind == REPLICA_ATT};
	const struct attached_query query = {
		.kinds = tag->kind == REPLICA_ATT ? ATTACHED_ATT : ATTACHED_SIG,
		.keep_parts = true,
	};
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(image_verdicts_release) struct image_verdicts verdicts = {0};

	if (!trust || !trust->signer_count)
		return err_set(err, ERR_CONFLICT,
			"the mirror has more of its own than %d layers or 1 MiB, and no "
			"trusted_identities in cip.yaml say whose may stay",
			REPLICA_UNSEEN_LAYERS_MAX);
	wanted.root = trust->root(trust->ctx, err);
	if (!wanted.root ||
		!attached_read(trust->registry, merging->what->repository, &image, &query,
			trust->tally, &attached, err))
		return false;
	policy.signers = trust->signers;
	policy.signer_count = trust->signer_count;
	policy.scts = trust->scts;
	image_verify(&wanted, &image, &attached, &verdicts);
	choose(merging, &verdicts);
	return true;
}

/* ---- Making one ---- */

static void collect(struct merging *merging)
{
	for (size_t i = 0; i < merging->primary.layers.len; i++)
		*vec_push(&merging->all) = merging->primary.layers.items[i];
	merging->of_primary = merging->all.len;
	for (size_t i = 0; i < merging->mirror.layers.len; i++)
		if (merging->stays[i])
			*vec_push(&merging->all) = merging->mirror.layers.items[i];
}

static bool has_all_of_primary(const struct merging *merging)
{
	for (size_t i = 0; i < merging->primary.layers.len; i++)
		if (!legacy_image_has(&merging->mirror, &merging->primary.layers.items[i]))
			return false;
	return true;
}

static bool write_merged(
	const struct merging *merging, struct replica_merged *ret_merged, struct err **err)
{
	const struct document *primary = merging->what->primary;
	CLEANUP(replica_merged_release)
	struct replica_merged merged = {STR_INIT(LEGACY_IMAGE_MAX_SIZE), STR_INIT(CONFIG_MAX),
		.left_out = merging->left_out};
	size_t added = merging->all.len - merging->of_primary;

	if (!added) {
		/* Nothing of the mirror stays: it gets the primary's, whose config is there with it. */
		str_add(&merged.manifest, primary->bytes, primary->len);
	} else {
		legacy_image_config(merging->all.items, merging->all.len, &merged.config);
		if (!legacy_image_extend(primary->bytes, merging->all.items + merging->of_primary,
			    added, &merged.config, &merged.manifest, err))
			return false;
	}
	*ret_merged = merged;
	merged = (struct replica_merged){0};
	return true;
}

bool replicate_merge(const struct replicate_trust *trust, const struct replica_merging *what,
	struct replica_merged *ret_merged, struct err **err)
{
	CLEANUP(merging_release) struct merging merging = {.what = what};

	if (!legacy_image_parse(what->primary->bytes, what->primary->len, &merging.primary, err) ||
		!legacy_image_parse(what->mirror->bytes, what->mirror->len, &merging.mirror, err))
		return false;
	merging.stays = mem_new(merging.mirror.layers.len + 1, sizeof(*merging.stays));
	for (size_t i = 0; i < merging.mirror.layers.len; i++)
		merging.stays[i] = is_mirrors_own(&merging, i);
	if (what->choose && !verify(trust, &merging, err))
		return false;
	if (what->choose && !merging.left_out && has_all_of_primary(&merging)) {
		ret_merged->is_mirrors = true;
		return true;
	}
	collect(&merging);
	if (merging.all.len == merging.of_primary && !merging.left_out)
		return err_set(err, ERR_UNSUPPORTED,
			"the mirror's layers are those of the primary, but for annotations that "
			"are not known here");
	return write_merged(&merging, ret_merged, err);
}
