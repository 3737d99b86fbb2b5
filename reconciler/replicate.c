/*
 * Two pools: one lists, set by set, the other copies, object by object; a set lives until its last
 * object is done. Rows are kept only of what was not in place.
 */
#include "reconciler/replicate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/pool.h"
#include "reconciler/hosts.h"
#include "reconciler/replicate_set.h"

struct replication {
	const struct replicate_options *options;
	struct worklist *list;
	struct hosts *hosts;
	struct replicator *replicator;
	struct pool *copiers;
	pthread_mutex_t lock;
	struct replicate_result *result; /* under the lock */
	struct replicate_trust trust;
};

/* A set with what its lists have told. */
struct batch {
	struct replicate_set *members;
	struct replica_set set;
	struct replica_look look;
	_Atomic size_t pending;
};

struct copy_job {
	struct batch *batch;
	const struct replica_task *task; /* NULL: what refers to the image is asked for */
	size_t primary;
	const uint8_t *image; /* of what is wanted */
};

struct copy_jobs {
	VEC(struct copy_job) all;
};

void replicate_result_release(struct replicate_result *result)
{
	for (size_t i = 0; i < result->rows.len; i++) {
		struct replicate_row *row = &result->rows.items[i];

		mem_free(row->destination);
		mem_free(row->primary);
		mem_free(row->tag);
		mem_free(row->error);
	}
	vec_release(&result->rows);
}

/* ---- What the replicator tells ---- */

static void add_row(struct replicate_result *result, const struct replicate_set *members,
	const struct replica_outcome *outcome)
{
	struct replicate_row *row = vec_push(&result->rows);
	char tag[REPLICA_TAG_TEXT_SIZE];

	row->destination = mem_strdup(members->sites[outcome->site].destination->name);
	row->primary = mem_strdup(members->sites[outcome->primary].destination->name);
	if (outcome->tag)
		row->tag = mem_strdup(replica_tag_format(outcome->tag, tag));
	row->end = outcome->end;
	if (outcome->err)
		row->error = mem_strdup(outcome->err->msg);
}

static void on_outcome(
	void *ctx, const struct replica_set *set, const struct replica_outcome *outcome)
{
	struct replication *replication = ctx;
	struct replicate_result *result = replication->result;

	pthread_mutex_lock(&replication->lock);
	if (outcome->tag)
		result->ends[outcome->end]++;
	else
		result->unlisted += outcome->end == REPLICA_FAILED;
	if (outcome->end != REPLICA_IN_PLACE && outcome->end != REPLICA_NOT_DONE)
		add_row(result, set->ctx, outcome);
	pthread_mutex_unlock(&replication->lock);
}

static bool may_ask(void *ctx, const char *host, struct err **err)
{
	const struct replication *replication = ctx;

	return hosts_check(replication->hosts, host, err);
}

static void note(void *ctx, const char *host, const struct err *outcome)
{
	const struct replication *replication = ctx;

	hosts_note(replication->hosts, host, outcome);
}

static bool merge(void *ctx, const struct replica_merging *merging,
	struct replica_merged *ret_merged, struct err **err)
{
	const struct replication *replication = ctx;

	return replicate_merge(&replication->trust, merging, ret_merged, err);
}

/* ---- Jobs ---- */

static void batch_end(struct batch *batch)
{
	if (atomic_fetch_sub(&batch->pending, 1) != 1)
		return;
	replica_look_release(&batch->look);
	replicate_set_free(batch->members);
	mem_free(batch);
}

static void copy_one(void *ctx, void *arg)
{
	CLEANUP(mem_freep) struct copy_job *job = arg;
	struct replication *replication = ctx;

	if (job->task)
		replicator_carry_out(
			replication->replicator, &job->batch->set, &job->batch->look, job->task);
	else
		replicator_carry_referrers(replication->replicator, &job->batch->set,
			&job->batch->look, job->primary, job->image);
	batch_end(job->batch);
}

/* Primaries and mirrors on one host share a token. */
static void expect_copies(
	const struct replication *replication, const struct replicate_set *members)
{
	for (size_t p = 0; p < members->count; p++)
		for (size_t i = 0; members->replicas[p].is_primary && i < members->count; i++)
			registry_expect_promotion(replication->options->registry,
				&members->replicas[p].repository, &members->replicas[i].repository);
}

/* Digests that are declared: of others nobody knows that they are there. */
static void ask_for_referrers(struct batch *batch, struct copy_jobs *jobs)
{
	for (size_t p = 0; p < batch->members->count; p++) {
		const struct wanted *wanted = batch->members->sites[p].wanted;

		for (uint32_t i = 0; batch->set.sites[p].is_primary && i < wanted->well_formed; i++)
			if (replicate_set_has_mirrors(
				    batch->members, p, wanted->digests.items[i].sha256))
				*vec_push(&jobs->all) = (struct copy_job){
					batch, NULL, p, wanted->digests.items[i].sha256};
	}
}

static void queue_copies(struct replication *replication, struct batch *batch)
{
	struct copy_jobs jobs = {0};

	for (size_t i = 0; i < batch->look.tasks.all.len; i++)
		*vec_push(&jobs.all) =
			(struct copy_job){.batch = batch, .task = &batch->look.tasks.all.items[i]};
	if (replication->options->referrers)
		ask_for_referrers(batch, &jobs);
	/* One more, so that it does not end while it is queued. */
	batch->pending = jobs.all.len + 1;
	for (size_t i = 0; i < jobs.all.len; i++)
		pool_add(replication->copiers, POOL_NORMAL, POOL_NO_KEYS,
			mem_dup(&jobs.all.items[i], sizeof(jobs.all.items[i])));
	vec_release(&jobs.all);
	batch_end(batch);
}

static void look_at_unit(void *ctx, void *arg)
{
	struct replication *replication = ctx;
	const struct work_unit *unit = arg;
	struct batch *batch;

	if (!cancel_check(replication->options->cancel, CANCEL_DRAIN, NULL))
		return;
	struct replicate_set *members = replicate_set_new(
		replication->list, unit, NULL, replication->options->only_declared);
	if (!members)
		return;
	expect_copies(replication, members);
	batch = mem_new(1, sizeof(*batch));
	batch->members = members;
	batch->set = (struct replica_set){
		members->replicas, members->count, replicate_set_mirrors, members};
	replicator_look(replication->replicator, &batch->set, &batch->look);
	queue_copies(replication, batch);
}

/* ---- The whole ---- */

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_rows(const void *left, const void *right)
{
	const struct replicate_row *a = left, *b = right;
	int order = compare_text(a->destination, b->destination);

	return order ? order : compare_text(a->tag, b->tag);
}

static void run_pools(struct replication *replication)
{
	const struct replicate_options *options = replication->options;
	struct pool *listers = pool_new("list", options->threads, look_at_unit, replication);

	replication->copiers = pool_new("copy", options->copies, copy_one, replication);
	for (size_t i = 0; i < replication->list->units.len; i++) {
		struct work_unit *unit = &replication->list->units.items[i];

		if (unit->destination_count > 1)
			pool_add(listers, POOL_NORMAL, POOL_NO_KEYS, unit);
	}
	pool_free(listers);
	pool_free(replication->copiers);
}

void replicate_run(const struct replicate_options *options, struct replicate_result *ret_result)
{
	CLEANUP(worklist_freep) struct worklist *list = worklist_new(options->declared);
	CLEANUP(hosts_freep) struct hosts *hosts = hosts_new();
	struct replicate_result result = {0};
	struct replication replication = {
		.options = options, .list = list, .hosts = hosts, .result = &result};
	const struct replicator_options how = {
		.registry = registry_for_signing(options->registry),
		.cancel = options->cancel,
		.confirm = options->confirm,
		.on_outcome = on_outcome,
		.may_ask = may_ask,
		.note = note,
		.merge = merge,
		.ctx = &replication,
		.referrers = options->referrers,
	};
	CLEANUP(replicator_freep) struct replicator *replicator = replicator_new(&how);

	replication.replicator = replicator;
	replication.trust = options->trust;
	replication.trust.registry = how.registry;
	pthread_mutex_init(&replication.lock, NULL);
	for (size_t i = 0; i < options->declared->projects.len; i++)
		result.left_out += options->declared->projects.items[i].quarantined;
	run_pools(&replication);
	pthread_mutex_destroy(&replication.lock);
	if (result.rows.len)
		qsort(result.rows.items, result.rows.len, sizeof(*result.rows.items), compare_rows);
	result.interrupted = !cancel_check(options->cancel, CANCEL_DRAIN, NULL);
	*ret_result = result;
}
