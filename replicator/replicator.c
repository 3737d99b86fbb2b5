/*
 * From lists to what is left to do. Who is primary and for whom is the caller's knowledge, what differs
 * that of replica_plan.c; replica_carry.c and replica_referrers.c do it.
 */
#include "replicator/replicator.h"

#include "base/cancel.h"
#include "registry/copy.h"
#include "replicator/replicator_private.h"

/* One object. An SBOM has megabytes, everything else kilobytes; an index lists others. */
static const struct copy_limits object_limits = {
	.depth = 2, .manifests = 1000, .blobs = 2000, .bytes = (uint64_t)1 << 30};

struct replicator *replicator_new(const struct replicator_options *options)
{
	struct replicator *replicator = mem_new(1, sizeof(*replicator));

	replicator->options = *options;
	if (!replicator->options.clock)
		replicator->options.clock = &clock_system;
	replicator->copier = copier_new(
		options->registry, &object_limits, replicator->options.clock, options->cancel);
	return replicator;
}

void replicator_free(struct replicator *replicator)
{
	if (!replicator)
		return;
	copier_free(replicator->copier);
	mem_free(replicator);
}

static const char *const end_names[REPLICA_ENDS] = {
	[REPLICA_IN_PLACE] = "in-place",
	[REPLICA_HAS_MORE] = "has-more",
	[REPLICA_PLANNED] = "copy",
	[REPLICA_COPIED] = "copied",
	[REPLICA_MERGED] = "merged",
	[REPLICA_CONFLICT] = "conflict",
	[REPLICA_FAILED] = "failed",
	[REPLICA_NOT_DONE] = "not-done",
	[REPLICA_MISSING] = "missing",
	[REPLICA_DIFFERS] = "differs",
};

const char *replica_end_name(enum replica_end end)
{
	return end_names[end];
}

void replica_look_release(struct replica_look *look)
{
	for (size_t i = 0; look->manifests && i < look->tasks.sites; i++)
		inventory_release(&look->manifests[i]);
	mem_free(look->manifests);
	look->manifests = NULL;
	replica_tasks_release(&look->tasks);
	mem_free(look->looked_ms);
	look->looked_ms = NULL;
}

bool replicator_may_ask(const struct replicator *replicator, const char *host, struct err **err)
{
	const struct replicator_options *options = &replicator->options;

	return !options->may_ask || options->may_ask(options->ctx, host, err);
}

void replicator_note(
	const struct replicator *replicator, const char *host, const struct err *outcome)
{
	if (replicator->options.note)
		replicator->options.note(replicator->options.ctx, host, outcome);
}

/* A copy counts for each destination. */
void replicator_count(const struct replicator *replicator, const struct http_tally *cost)
{
	struct http_tally *tally = replicator->options.tally;

	if (!tally)
		return;
	tally->requests += cost->requests;
	tally->retries += cost->retries;
	tally->bytes_received += cost->bytes_received;
	tally->bytes_sent += cost->bytes_sent;
}

/* ---- Lists ---- */

static void tell_unlisted(const struct replicator *replicator, const struct replica_set *set,
	size_t site, const struct err *err)
{
	const struct replica_outcome outcome = {
		.site = site,
		.primary = site,
		.end = err_is(err, ERR_CANCELLED) ? REPLICA_NOT_DONE : REPLICA_FAILED,
		.err = err,
	};

	replicator->options.on_outcome(replicator->options.ctx, set, &outcome);
}

static bool list(const struct replicator *replicator, const struct replica_set *set, size_t site,
	struct inventory *ret_inventory)
{
	const struct repository *repository = &set->sites[site].repository;
	CLEANUP(err_freep) struct err *err = NULL;

	if (!cancel_check(replicator->options.cancel, CANCEL_DRAIN, &err)) {
		tell_unlisted(replicator, set, site, err);
		return false;
	}
	if (replicator_may_ask(replicator, repository->host, &err)) {
		bool ok = inventory_read(replicator->options.registry, repository,
			replicator->options.clock, replicator->options.referrers, ret_inventory,
			&err);

		replicator_note(replicator, repository->host, err);
		if (ok)
			return true;
	}
	tell_unlisted(replicator, set, site, err);
	return false;
}

/* Lists of primaries: some are mirrors of others. */
struct lists {
	struct inventory *by_site;
	bool *is_known;
	size_t count;
};

static void lists_release(struct lists *lists)
{
	for (size_t i = 0; i < lists->count; i++)
		inventory_release(&lists->by_site[i]);
	mem_free(lists->by_site);
	mem_free(lists->is_known);
}

static void look_at_primaries(const struct replicator *replicator, const struct replica_set *set,
	struct lists *lists, struct replica_look *look)
{
	for (size_t i = 0; i < set->count; i++) {
		if (!set->sites[i].is_primary || !list(replicator, set, i, &lists->by_site[i]))
			continue;
		lists->is_known[i] = true;
		look->looked_ms[i] = lists->by_site[i].looked_ms;
		replica_tasks_add(&look->tasks, i, &lists->by_site[i], set->mirrors, set->ctx);
	}
}

static void keep_manifests(struct replica_look *look, size_t site, struct inventory *inventory)
{
	if (!look->manifests || !inventory->tells_manifests)
		return;
	look->manifests[site] = *inventory;
	*inventory = (struct inventory){0};
	vec_release(&look->manifests[site].items);
}

static void look_at_mirrors(const struct replicator *replicator, const struct replica_set *set,
	struct lists *lists, struct replica_look *look)
{
	for (size_t i = 0; i < set->count; i++) {
		CLEANUP(inventory_release) struct inventory inventory = {0};

		if (lists->is_known[i]) {
			replica_tasks_compare(&look->tasks, i, &lists->by_site[i]);
			keep_manifests(look, i, &lists->by_site[i]);
		} else if (!set->sites[i].is_primary &&
			(look->manifests || replica_tasks_want(&look->tasks, i)) &&
			list(replicator, set, i, &inventory)) {
			look->looked_ms[i] = inventory.looked_ms;
			replica_tasks_compare(&look->tasks, i, &inventory);
			keep_manifests(look, i, &inventory);
		}
	}
}

void replicator_tell(const struct replicator *replicator, const struct replica_set *set,
	size_t primary, const struct replica_tag *tag, size_t site, enum replica_end end,
	const struct err *err)
{
	const struct replica_outcome outcome = {
		.site = site,
		.primary = primary,
		.tag = tag,
		.end = end,
		.err = err,
	};

	replicator->options.on_outcome(replicator->options.ctx, set, &outcome);
}

/* What is equal everywhere needs no memory any more. */
static void drop_settled(const struct replicator *replicator, const struct replica_set *set,
	struct replica_tasks *tasks)
{
	size_t kept = 0;

	for (size_t i = 0; i < tasks->all.len; i++) {
		struct replica_task *task = &tasks->all.items[i];

		for (size_t s = 0; s < set->count; s++)
			if (task->seen[s] == REPLICA_EQUAL)
				replicator_tell(replicator, set, task->primary, &task->tag, s,
					REPLICA_IN_PLACE, NULL);
		if (replica_task_is_open(task, set->count))
			tasks->all.items[kept++] = *task;
		else
			replica_task_release(task);
	}
	tasks->all.len = kept;
}

static struct replica_look begin_look(
	const struct replicator *replicator, const struct replica_set *set)
{
	return (struct replica_look){
		.tasks = {.sites = set->count,
			.believes_names = replicator->options.believes_names},
		.looked_ms = mem_new(set->count, sizeof(int64_t)),
	};
}

void replicator_compare(struct replicator *replicator, const struct replica_set *set,
	const struct replica_list *lists, struct replica_look *ret_look)
{
	struct replica_look look = begin_look(replicator, set);

	for (size_t i = 0; i < set->count; i++) {
		if (lists[i].inventory)
			look.looked_ms[i] = lists[i].inventory->looked_ms;
		if (lists[i].inventory && set->sites[i].is_primary)
			replica_tasks_add(
				&look.tasks, i, lists[i].inventory, set->mirrors, set->ctx);
	}
	for (size_t i = 0; i < set->count; i++) {
		if (lists[i].inventory)
			replica_tasks_compare(&look.tasks, i, lists[i].inventory);
		else if (lists[i].err &&
			(set->sites[i].is_primary || replica_tasks_want(&look.tasks, i)))
			tell_unlisted(replicator, set, i, lists[i].err);
	}
	drop_settled(replicator, set, &look.tasks);
	*ret_look = look;
}

void replicator_look(
	struct replicator *replicator, const struct replica_set *set, struct replica_look *ret_look)
{
	CLEANUP(lists_release)
	struct lists lists = {
		.by_site = mem_new(set->count, sizeof(*lists.by_site)),
		.is_known = mem_new(set->count, sizeof(*lists.is_known)),
		.count = set->count,
	};
	struct replica_look look = begin_look(replicator, set);

	if (replicator->options.referrers)
		look.manifests = mem_new(set->count, sizeof(*look.manifests));
	look_at_primaries(replicator, set, &lists, &look);
	look_at_mirrors(replicator, set, &lists, &look);
	drop_settled(replicator, set, &look.tasks);
	*ret_look = look;
}

void replicator_tell_seen(struct replicator *replicator, const struct replica_set *set,
	const struct replica_task *task)
{
	for (size_t i = 0; i < set->count; i++)
		if (task->seen[i] == REPLICA_ABSENT)
			replicator_tell(replicator, set, task->primary, &task->tag, i,
				REPLICA_MISSING, NULL);
		else if (task->seen[i] == REPLICA_DIFFERENT)
			replicator_tell(replicator, set, task->primary, &task->tag, i,
				REPLICA_DIFFERS, NULL);
}
