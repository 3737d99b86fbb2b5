/*
 * The root of an image, last of all: PUT under each tag, or by digest where there is none. Tags of
 * one target go together where the host takes that; what it does not take together is sent again
 * one by one, in rounds until every tag has ended.
 */
#include <stdlib.h>
#include <string.h>

#include "registry/copy_looks.h"
#include "registry/manifest_request.h"

/* One request of a round: consecutive jobs of one target. */
struct tag_put {
	struct tag_job *jobs;
	size_t count;
	struct request request;
};

static bool is_open(const struct tag_job *job)
{
	const struct copy_destination *to = job->target->to;
	/* A tag that moved is no reason against the others of its destination. */
	bool is_blocked = to->err && !err_is(to->err, ERR_CONFLICT);
	return !job->has_ended && !is_blocked && !job->target->missing && !job->target->is_late;
}

/* How many of the jobs, the first of which is open, may be tried in one request. */
static size_t together(const struct tag_job *jobs, size_t count)
{
	size_t n = 1;
	if (!jobs[0].tag || jobs[0].goes_alone)
		return 1;
	while (n < count && jobs[n].target == jobs[0].target && is_open(&jobs[n]) &&
		!jobs[n].goes_alone)
		n++;
	return n;
}

static void put_init(struct group *group, struct tag_put *put, struct tag_job *jobs, size_t count)
{
	struct registry *registry = group->copier->registry;
	struct copy_destination *to = jobs[0].target->to;
	const struct node *root = group->tree.nodes.items[0];
	const char *tags[TAG_JOBS_MAX];
	put->jobs = jobs;
	put->count = 1;
	if (!jobs[0].tag) {
		manifest_put_init(&put->request, registry, &to->repository, root->key, "",
			&root->document, &to->tally);
		return;
	}
	for (size_t i = 0; i < count; i++)
		tags[i] = jobs[i].tag->name;
	put->count = manifest_put_tags_init(
		&put->request, registry, &to->repository, &root->document, tags, count, &to->tally);
}

void tag_is_written(const struct group *group, struct copy_tag *tag)
{
	tag->state = COPY_TAG_WRITTEN;
	tag->written_unix_ms = clock_unix_ms(group->copier->clock);
}

static bool take_tags(struct group *group, struct tag_put *put, struct err **err)
{
	const struct document *document = &group->tree.nodes.items[0]->document;
	const char *tags[TAG_JOBS_MAX];
	bool written[TAG_JOBS_MAX], alone;
	for (size_t i = 0; i < put->count; i++)
		tags[i] = put->jobs[i].tag->name;
	if (!manifest_put_tags_take(
		    &put->request, document, tags, put->count, written, &alone, err))
		return false;
	for (size_t i = 0; i < put->count; i++) {
		put->jobs[i].goes_alone = alone;
		put->jobs[i].has_ended = written[i];
		if (written[i])
			tag_is_written(group, put->jobs[i].tag);
	}
	return true;
}

static void put_take(struct group *group, struct tag_put *put)
{
	const struct document *document = &group->tree.nodes.items[0]->document;
	struct err *err = NULL;
	bool by_digest = !put->jobs[0].tag;
	bool ok = by_digest ? manifest_put_take(&put->request, document, &err)
			    : take_tags(group, put, &err);
	for (size_t i = 0; i < put->count; i++)
		put->jobs[i].has_ended |= !ok || by_digest;
	if (!ok)
		target_refused_manifest(put->jobs[0].target, err);
}

/* True if there was something to send. */
static bool run_round(struct group *group, struct tag_job *jobs, size_t count)
{
	struct tag_put *puts = mem_new(count, sizeof(*puts));
	struct request **pointers = mem_new(count, sizeof(*pointers));
	struct target **targets = mem_new(count, sizeof(*targets));
	size_t put_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!is_open(&jobs[i]))
			continue;
		struct tag_put *put = &puts[put_count];
		put_init(group, put, &jobs[i], together(&jobs[i], count - i));
		targets[put_count] = jobs[i].target;
		pointers[put_count++] = &put->request;
		i += put->count - 1;
	}
	group_send(group, pointers, targets, put_count);
	for (size_t i = 0; i < put_count; i++) {
		put_take(group, &puts[i]);
		request_release(&puts[i].request);
	}
	mem_free(targets);
	mem_free(pointers);
	mem_free(puts);
	return put_count > 0;
}

static void run(struct group *group, struct tag_job *jobs, size_t count)
{
	do
		looks_before(group, jobs, count);
	while (run_round(group, jobs, count));
	if (group->copier->verifies_writes)
		looks_after(group, jobs, count);
}

struct batch {
	struct tag_job jobs[TAG_JOBS_MAX];
	size_t len;
};

static void add(
	struct group *group, struct batch *batch, struct target *target, struct copy_tag *tag)
{
	batch->jobs[batch->len++] = (struct tag_job){
		.target = target,
		.tag = tag,
		.looked_ms = target->to->observed_ms,
		.has_ended = tag && tag->state == COPY_TAG_WRITTEN,
	};
	if (batch->len == TAG_JOBS_MAX) {
		run(group, batch->jobs, batch->len);
		batch->len = 0;
	}
}

/* Those that an optimistic PUT has written are only left to be verified. */
static bool has_work(const struct group *group, const struct copy_tag *tag)
{
	return tag->state == COPY_TAG_PENDING ||
		(tag->state == COPY_TAG_WRITTEN && group->copier->verifies_writes);
}

/* Without a tag the digest is all that is wanted, and a PUT of this run has brought it. */
static bool root_is_there(const struct group *group, const struct target *target)
{
	CLEANUP(mem_freep)
	char *key = copy_memory_manifest_key(
		&target->to->repository, &group->tree.nodes.items[0]->document.digest);
	return copy_memory_is_done(group->copier->memory, key);
}

void tags_put_root(struct group *group)
{
	CLEANUP(mem_freep) struct batch *batch = mem_new(1, sizeof(*batch));
	for (size_t t = 0; t < group->target_count; t++) {
		struct target *target = &group->targets[t];
		if (!target_is_active(target))
			continue;
		if (target->to->tag_count == 0 && target->needs_content &&
			!root_is_there(group, target))
			add(group, batch, target, NULL);
		for (size_t i = 0; i < target->to->tag_count; i++)
			if (has_work(group, &target->to->tags[i]))
				add(group, batch, target, &target->to->tags[i]);
	}
	run(group, batch->jobs, batch->len);
}
