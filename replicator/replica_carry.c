/*
 * One object of a primary, to all mirrors that lack it. What holds all of what is layers.c's knowledge, how
 * bytes travel that of registry/copy.h.
 */
#include "base/cancel.h"
#include "registry/push.h"
#include "registry/referrers_index.h"
#include "replicator/layers.h"
#include "replicator/replicator_private.h"

void replica_merged_release(struct replica_merged *merged)
{
	str_release(&merged->manifest);
	str_release(&merged->config);
}

struct carrying {
	struct replicator *replicator;
	const struct replica_set *set;
	const struct replica_task *task;
	char tag[REPLICA_TAG_TEXT_SIZE];
	const struct repository *primary;
	enum replica_seen *seen; /* by site, better known than by the lists */
	int64_t *looked_ms;
	bool has_content;
	struct digest content;
	struct document document; /* bytes NULL: not read yet */
};

static void carrying_release(struct carrying *carrying)
{
	mem_free(carrying->seen);
	mem_free(carrying->looked_ms);
	document_release(&carrying->document);
}

static struct http_tally *tally_of(const struct carrying *carrying)
{
	return carrying->replicator->options.tally;
}

static bool wants(const struct carrying *carrying, enum replica_seen seen)
{
	for (size_t i = 0; i < carrying->set->count; i++)
		if (carrying->seen[i] == seen)
			return true;
	return false;
}

/* Settles one mirror. */
static void settle(
	struct carrying *carrying, size_t site, enum replica_end end, const struct err *err)
{
	if (err_is(err, ERR_CANCELLED))
		end = REPLICA_NOT_DONE;
	carrying->seen[site] = REPLICA_NOT_WANTED;
	replicator_tell(carrying->replicator, carrying->set, carrying->task->primary,
		&carrying->task->tag, site, end, err);
}

static void settle_all(struct carrying *carrying, const struct err *err)
{
	for (size_t i = 0; i < carrying->set->count; i++)
		if (carrying->seen[i] == REPLICA_ABSENT || carrying->seen[i] == REPLICA_PRESENT ||
			carrying->seen[i] == REPLICA_DIFFERENT)
			settle(carrying, i, REPLICA_FAILED, err);
}

/* What the tag of the primary says; read by digest if a list has told it. */
static bool read_primary(struct carrying *carrying, struct err **err)
{
	struct registry *registry = carrying->replicator->options.registry;
	bool ok;

	if (carrying->document.bytes)
		return true;
	ok = carrying->has_content
		? registry_manifest_get(registry, carrying->primary, &carrying->content,
			  tally_of(carrying), &carrying->document, err)
		: registry_manifest_read(registry, carrying->primary, carrying->tag,
			  tally_of(carrying), &carrying->document, err);
	if (!ok)
		return err_prefix(err, "primary");
	carrying->content = carrying->document.digest;
	carrying->has_content = true;
	return true;
}

/* With as little as will be needed anyway: what is absent somewhere has to be read. */
static bool look_at_primary(struct carrying *carrying, struct err **err)
{
	bool copies = carrying->replicator->options.confirm && wants(carrying, REPLICA_ABSENT);

	if (copies || wants(carrying, REPLICA_DIFFERENT))
		return read_primary(carrying, err);
	if (carrying->has_content || !wants(carrying, REPLICA_PRESENT))
		return true;
	if (!registry_manifest_head(carrying->replicator->options.registry, carrying->primary,
		    carrying->tag, tally_of(carrying), &carrying->content, err))
		return err_prefix(err, "primary");
	carrying->has_content = true;
	return true;
}

/* Of a mirror that has something under the tag. */
static void look_at_mirror(struct carrying *carrying, size_t site)
{
	const struct repository *repository = &carrying->set->sites[site].repository;
	CLEANUP(err_freep) struct err *err = NULL;
	struct digest found;

	if (!replicator_may_ask(carrying->replicator, repository->host, &err)) {
		settle(carrying, site, REPLICA_FAILED, err);
		return;
	}
	carrying->looked_ms[site] = clock_monotonic_ms(carrying->replicator->options.clock);
	bool ok = registry_manifest_head(carrying->replicator->options.registry, repository,
		carrying->tag, tally_of(carrying), &found, &err);
	replicator_note(carrying->replicator, repository->host, err);
	if (!ok && err_is(err, ERR_NOT_FOUND))
		carrying->seen[site] = REPLICA_ABSENT;
	else if (!ok)
		settle(carrying, site, REPLICA_FAILED, err);
	else if (digest_equal(&found, &carrying->content))
		settle(carrying, site, REPLICA_IN_PLACE, NULL);
	else
		carrying->seen[site] = REPLICA_DIFFERENT;
}

/* ---- What differs ---- */

/* The primary's index with what only the mirror's lists behind it. */
static bool merge_indexes(const struct document *primary, const struct document *mirror,
	struct replica_merged *ret_merged, struct err **err)
{
	CLEANUP(referrers_set_release) struct referrers_set both = {0};
	struct str merged = STR_INIT(REFERRERS_INDEX_MAX);
	size_t added;

	/* The primary's first: what both list is described as it says. */
	if (referrers_set_read(&both, primary->bytes, primary->len, NULL, err) &&
		referrers_set_read(&both, mirror->bytes, mirror->len, NULL, err) &&
		referrers_index_extend(&both, primary->bytes, primary->len, &merged, &added, err) &&
		(added > 0 ||
			err_set(err, ERR_INVALID,
				"the mirror's index lists what cannot be read"))) {
		ret_merged->manifest = merged;
		return true;
	}
	str_release(&merged);
	return false;
}

/* The primary's part is there: what is left is the config and the manifest that name both parts. */
static bool put_merged(struct carrying *carrying, const struct repository *repository,
	const struct replica_merged *merged, struct err **err)
{
	struct registry *registry = carrying->replicator->options.registry;
	const struct blob_bytes config = {
		.bytes = str_text(&merged->config), .len = merged->config.len};
	const struct document document = {
		.bytes = merged->manifest.bytes,
		.len = merged->manifest.len,
		.media_type = carrying->document.media_type,
		.digest = digest_of(DIGEST_SHA256, merged->manifest.bytes, merged->manifest.len),
	};
	struct digest found;

	if ((config.len &&
		    !registry_blobs_put(
			    registry, repository, &config, 1, tally_of(carrying), err)) ||
		!registry_manifest_put(
			registry, repository, carrying->tag, &document, tally_of(carrying), err) ||
		!registry_manifest_head(
			registry, repository, carrying->tag, tally_of(carrying), &found, err))
		return false;
	return digest_equal(&found, &document.digest) ||
		err_set(err, ERR_CONFLICT, "somebody else writes it, too: run again");
}

/* By digest only: it brings the blobs, and no tag points at it. */
static bool bring_part(
	struct carrying *carrying, const struct repository *repository, struct err **err)
{
	struct copy_destination destination = {.repository = *repository};

	copy_document(carrying->replicator->copier, carrying->primary, &carrying->document,
		tally_of(carrying), &destination, 1);
	replicator_count(carrying->replicator, &destination.tally);
	if (!destination.err)
		return true;
	err_keep_first(err, &destination.err);
	return false;
}

static bool make_merged(const struct carrying *carrying, const struct replica_merging *merging,
	struct replica_merged *ret_merged, struct err **err)
{
	const struct replicator_options *options = &carrying->replicator->options;

	if (carrying->task->tag.kind == REPLICA_REFERRERS)
		return merge_indexes(merging->primary, merging->mirror, ret_merged, err);
	return options->merge(options->ctx, merging, ret_merged, err);
}

static void settle_merged(
	struct carrying *carrying, size_t site, const struct replica_merged *merged)
{
	CLEANUP(err_freep) struct err *left_out = NULL;

	if (merged->left_out)
		err_set(&left_out, ERR_INVALID,
			"%zu layers that only the mirror had do not verify and are left out",
			merged->left_out);
	settle(carrying, site, REPLICA_MERGED, left_out);
}

/* It is about the documents, not about whoever was asked. */
static bool is_conflict(const struct err *err)
{
	return err_is(err, ERR_CONFLICT) || err_is(err, ERR_INVALID) ||
		err_is(err, ERR_TOO_LARGE) || err_is(err, ERR_UNSUPPORTED);
}

/* Settles the site. */
static void merge(struct carrying *carrying, size_t site, const struct document *found, bool choose)
{
	const struct replicator_options *options = &carrying->replicator->options;
	const struct repository *repository = &carrying->set->sites[site].repository;
	const struct replica_merging merging = {
		.repository = repository,
		.tag = &carrying->task->tag,
		.primary = &carrying->document,
		.mirror = found,
		.choose = choose,
	};
	CLEANUP(replica_merged_release) struct replica_merged merged = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	if (!make_merged(carrying, &merging, &merged, &err)) {
		settle(carrying, site, is_conflict(err) ? REPLICA_CONFLICT : REPLICA_FAILED, err);
		return;
	}
	if (merged.is_mirrors || !options->confirm) {
		settle(carrying, site, merged.is_mirrors ? REPLICA_HAS_MORE : REPLICA_PLANNED,
			NULL);
		return;
	}
	bool ok = bring_part(carrying, repository, &err) &&
		put_merged(carrying, repository, &merged, &err);
	replicator_note(carrying->replicator, repository->host, err);
	if (ok)
		settle_merged(carrying, site, &merged);
	else
		settle(carrying, site, REPLICA_FAILED, err);
}

/* What only the mirror holds. */
static bool is_little(const struct layers_compared *compared)
{
	return compared->only_right <= REPLICA_UNSEEN_LAYERS_MAX &&
		compared->bytes_right <= REPLICA_UNSEEN_BYTES_MAX;
}

/* An SBOM is one document, not a collection; what an index lists is not looked into. */
static bool can_merge(const struct carrying *carrying, bool choose)
{
	if (carrying->task->tag.kind == REPLICA_REFERRERS)
		return !choose;
	return carrying->replicator->options.merge && carrying->task->tag.kind != REPLICA_SBOM;
}

/* What the mirror holds may be replaced by the primary's: the site is then as if it lacked it. */
static void judge(struct carrying *carrying, size_t site, const struct document *found)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct layers_compared compared = {0};

	if (digest_equal(&found->digest, &carrying->content)) {
		settle(carrying, site, REPLICA_IN_PLACE, NULL);
		return;
	}
	if (!layers_compare(&carrying->document, found, &compared, &err)) {
		CLEANUP(err_freep) struct err *conflict = NULL;
		err_set(&conflict, ERR_CONFLICT,
			"one of the two %s; remove the tag where it is a mistake", err->msg);
		settle(carrying, site, REPLICA_CONFLICT, conflict);
	} else if (compared.only_right == 0) {
		carrying->seen[site] = REPLICA_ABSENT;
	} else if (compared.only_left == 0 && is_little(&compared)) {
		settle(carrying, site, REPLICA_HAS_MORE, NULL);
	} else if (can_merge(carrying, !is_little(&compared))) {
		merge(carrying, site, found, !is_little(&compared));
	} else {
		err_set(&err, ERR_CONFLICT,
			"the mirror holds %zu layers that the primary lacks, and lacks %zu that "
			"the "
			"primary holds",
			compared.only_right, compared.only_left);
		settle(carrying, site, REPLICA_CONFLICT, err);
	}
}

static void compare_contents(struct carrying *carrying, size_t site)
{
	const struct repository *repository = &carrying->set->sites[site].repository;
	CLEANUP(document_release) struct document found = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	carrying->looked_ms[site] = clock_monotonic_ms(carrying->replicator->options.clock);
	if (replicator_may_ask(carrying->replicator, repository->host, &err) &&
		registry_manifest_read(carrying->replicator->options.registry, repository,
			carrying->tag, tally_of(carrying), &found, &err)) {
		judge(carrying, site, &found);
		return;
	}
	if (err_is(err, ERR_NOT_FOUND))
		carrying->seen[site] = REPLICA_ABSENT;
	else
		settle(carrying, site, REPLICA_FAILED, err);
}

/* ---- What is missing ---- */

static void tell_copied(
	struct carrying *carrying, size_t site, const struct copy_destination *destination)
{
	enum copy_tag_state state = destination->tags[0].state;

	if (!destination->err)
		settle(carrying, site,
			state == COPY_TAG_IN_PLACE ? REPLICA_IN_PLACE : REPLICA_COPIED, NULL);
	else
		settle(carrying, site, state == COPY_TAG_MOVED ? REPLICA_CONFLICT : REPLICA_FAILED,
			destination->err);
}

static void copy(struct carrying *carrying, const size_t *sites, size_t count)
{
	struct copy_destination *destinations = mem_new(count, sizeof(*destinations));
	struct copy_tag *tags = mem_new(count, sizeof(*tags));

	for (size_t i = 0; i < count; i++) {
		tags[i].name = carrying->tag;
		destinations[i] = (struct copy_destination){
			.repository = carrying->set->sites[sites[i]].repository,
			.tags = &tags[i],
			.tag_count = 1,
			.observed_ms = carrying->looked_ms[sites[i]],
		};
	}
	copy_document(carrying->replicator->copier, carrying->primary, &carrying->document,
		tally_of(carrying), destinations, count);
	for (size_t i = 0; i < count; i++) {
		replicator_count(carrying->replicator, &destinations[i].tally);
		replicator_note(
			carrying->replicator, destinations[i].repository.host, destinations[i].err);
		tell_copied(carrying, sites[i], &destinations[i]);
		err_free(destinations[i].err);
	}
	mem_free(tags);
	mem_free(destinations);
}

/* All sites that are seen to lack it. */
static void bring(struct carrying *carrying)
{
	CLEANUP(mem_freep) size_t *sites = mem_new(carrying->set->count, sizeof(*sites));
	size_t count = 0;

	for (size_t i = 0; i < carrying->set->count; i++) {
		CLEANUP(err_freep) struct err *err = NULL;

		if (carrying->seen[i] != REPLICA_ABSENT)
			continue;
		if (!carrying->replicator->options.confirm)
			settle(carrying, i, REPLICA_PLANNED, NULL);
		else if (!replicator_may_ask(carrying->replicator,
				 carrying->set->sites[i].repository.host, &err))
			settle(carrying, i, REPLICA_FAILED, err);
		else
			sites[count++] = i;
	}
	if (count)
		copy(carrying, sites, count);
}

static bool carry_out(struct carrying *carrying, struct err **err)
{
	if (!cancel_check(carrying->replicator->options.cancel, CANCEL_DRAIN, err) ||
		!replicator_may_ask(carrying->replicator, carrying->primary->host, err) ||
		!look_at_primary(carrying, err))
		return false;
	for (size_t i = 0; i < carrying->set->count; i++)
		if (carrying->seen[i] == REPLICA_PRESENT)
			look_at_mirror(carrying, i);
	if (wants(carrying, REPLICA_DIFFERENT) ||
		(wants(carrying, REPLICA_ABSENT) && carrying->replicator->options.confirm))
		if (!read_primary(carrying, err))
			return false;
	for (size_t i = 0; i < carrying->set->count; i++)
		if (carrying->seen[i] == REPLICA_DIFFERENT)
			compare_contents(carrying, i);
	bring(carrying);
	return true;
}

void replicator_carry_out(struct replicator *replicator, const struct replica_set *set,
	const struct replica_look *look, const struct replica_task *task)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(carrying_release)
	struct carrying carrying = {
		.replicator = replicator,
		.set = set,
		.task = task,
		.primary = &set->sites[task->primary].repository,
		.seen = mem_dup(task->seen, set->count * sizeof(*task->seen)),
		.looked_ms = mem_dup(look->looked_ms, set->count * sizeof(*look->looked_ms)),
		.has_content = task->has_content,
		.content = task->content,
	};

	replica_tag_format(&task->tag, carrying.tag);
	if (!carry_out(&carrying, &err)) {
		if (task->is_doubtful && err_is(err, ERR_NOT_FOUND))
			return;
		replicator_note(replicator, carrying.primary->host, err);
		settle_all(&carrying, err);
	}
}
