/*
 * The order of a copy: read the root; read what it references; blobs; children; root and tags.
 * Each phase is a file of its own and works on all destinations of the group. A destination that
 * keeps others waiting is left behind and gets a round of its own when they have ended. When a
 * registry says that something is missing which was assumed to be there, what is known of that
 * repository is forgotten and the phases run once more for it.
 */
#include "registry/copy.h"

#include <stdlib.h>
#include <string.h>

#include "registry/copy_private.h"

/* Rounds in which those that were left behind go together; after that, one by one. */
#define ROUNDS_TOGETHER 3

static void set_default(unsigned *limit, unsigned value)
{
	if (*limit == 0)
		*limit = value;
}

struct copier *copier_new(struct registry *registry, const struct copy_limits *limits,
	const struct clock *clock, struct cancel *cancel)
{
	struct copier *copier = mem_new(1, sizeof(*copier));
	copier->registry = registry;
	copier->clock = clock ? clock : &clock_system;
	copier->cancel = cancel;
	copier->memory = copy_memory_new();
	if (limits)
		copier->limits = *limits;
	set_default(&copier->limits.depth, 8);
	set_default(&copier->limits.manifests, 1000);
	set_default(&copier->limits.blobs, 10000);
	if (copier->limits.bytes == 0)
		copier->limits.bytes = (uint64_t)1 << 40;
	if (copier->limits.slow_destination_ms == 0)
		copier->limits.slow_destination_ms = 10 * 1000;
	return copier;
}

void copier_verify_writes(struct copier *copier)
{
	copier->verifies_writes = true;
}

void copier_free(struct copier *copier)
{
	if (!copier)
		return;
	copy_memory_free(copier->memory);
	mem_free(copier);
}

void target_fail(struct target *target, struct err *err)
{
	if (target->is_late)
		err_free(err);
	else
		err_keep_first(&target->to->err, &err);
}

/* ---- Those that keep others waiting ---- */

bool group_is_fan_out(const struct group *group)
{
	const char *host = NULL;
	for (size_t i = 0; i < group->target_count; i++) {
		const struct target *target = &group->targets[i];
		if (!target_is_active(target))
			continue;
		if (host && strcmp(host, target->to->repository.host) != 0)
			return true;
		host = target->to->repository.host;
	}
	return false;
}

void group_leave_behind(struct group *group, const struct target *target)
{
	for (size_t i = 0; i < group->target_count; i++) {
		struct target *other = &group->targets[i];
		if (target_is_active(other) &&
			strcmp(other->to->repository.host, target->to->repository.host) == 0)
			other->is_late = true;
	}
}

void group_send(struct group *group, struct request *const *requests, struct target *const *targets,
	size_t count)
{
	if (!group_is_fan_out(group)) {
		requests_run(requests, count);
		return;
	}
	requests_run_apart(requests, count, group->copier->limits.slow_destination_ms);
	for (size_t i = 0; i < count; i++)
		if (requests[i] && request_may_pass(requests[i]))
			group_leave_behind(group, targets[i]);
}

/* ---- One pass over the phases ---- */

static bool content_is_wanted(const struct group *group)
{
	for (size_t i = 0; i < group->target_count; i++)
		if (target_wants_content(&group->targets[i]))
			return true;
	return false;
}

static void fail_all(struct group *group, bool only_content, const struct err *err)
{
	for (size_t i = 0; i < group->target_count; i++) {
		struct target *target = &group->targets[i];
		if (only_content ? target_wants_content(target) : target_is_active(target))
			target_fail(target, err_copy(err));
	}
}

/* Between phases: is there still time? */
static void stop_if_cancelled(struct group *group)
{
	CLEANUP(err_freep) struct err *err = NULL;
	if (!cancel_check(group->copier->cancel, CANCEL_NOW, &err))
		fail_all(group, false, err);
}

static void bring_content(struct group *group)
{
	CLEANUP(err_freep) struct err *err = NULL;
	if (!content_is_wanted(group))
		return;
	if (!tree_read_rest(group, &err)) {
		err_prefix(&err, "source");
		fail_all(group, true, err);
		return;
	}
	stop_if_cancelled(group);
	optimistic_put(group);
	blobs_ensure(group);
	stop_if_cancelled(group);
	manifests_put_children(group);
}

static void run_pass(struct group *group)
{
	bring_content(group);
	stop_if_cancelled(group);
	tags_put_root(group);
}

/* Ends a round: the turn of those that were left behind, or of one of them. False: nobody was. */
static bool next_round(struct group *group, bool alone)
{
	bool any = false;
	for (size_t i = 0; i < group->target_count; i++) {
		struct target *target = &group->targets[i];
		if (!target->is_late) {
			target->is_done = true;
		} else if (!any || !alone) {
			target->is_late = false;
			any = true;
		}
	}
	return any;
}

/* Of a single one that is left, nobody is left behind: so it ends. */
static void run_rounds(struct group *group)
{
	unsigned round = 1;
	do {
		run_pass(group);
	} while (next_round(group, ++round > ROUNDS_TOGETHER));
}

/* ---- The second pass ---- */

/* True if some target is to be done again. */
static bool prepare_second_pass(struct group *group)
{
	bool any = false;
	for (size_t i = 0; i < group->target_count; i++) {
		struct target *target = &group->targets[i];
		target->is_done = !target->missing || target->to->err;
		if (target->is_done)
			continue;
		copy_memory_forget(group->copier->memory, &target->to->repository);
		target->needs_content = target->distrusts = true;
		err_free(steal_ptr(&target->missing));
		any = true;
	}
	return any;
}

static void give_up_missing(struct group *group)
{
	for (size_t i = 0; i < group->target_count; i++)
		if (group->targets[i].missing)
			target_fail(&group->targets[i], steal_ptr(&group->targets[i].missing));
}

/* ---- The group ---- */

static bool same_repository(const struct repository *a, const struct repository *b)
{
	return strcmp(a->host, b->host) == 0 && strcmp(a->path, b->path) == 0;
}

/* A repository that is its own source is read with the credentials that write it. */
static struct registry *reader_of(const struct copier *copier, const struct repository *source,
	const struct copy_destination *destinations, size_t count)
{
	bool is_own = count == 1 && same_repository(source, &destinations[0].repository);
	return is_own ? copier->registry : registry_for_sources(copier->registry);
}

static void group_release(struct group *group)
{
	for (size_t i = 0; i < group->target_count; i++)
		err_free(group->targets[i].missing);
	mem_free(group->targets);
	tree_release(&group->tree);
}

static void group_init(struct group *group, struct copier *copier, const struct repository *source,
	struct http_tally *source_tally, struct copy_destination *destinations, size_t count)
{
	*group = (struct group){
		.copier = copier,
		.source = source,
		.source_tally = source_tally,
		.targets = mem_new(count, sizeof(struct target)),
		.target_count = count,
	};
	for (size_t i = 0; i < count; i++) {
		group->targets[i].to = &destinations[i];
		group->targets[i].needs_content = !destinations[i].has_manifest &&
			!same_repository(source, &destinations[i].repository);
	}
}

/* Its root has been read. */
static void group_run(struct group *group)
{
	run_rounds(group);
	if (prepare_second_pass(group))
		run_rounds(group);
	give_up_missing(group);
}

bool copy_group(struct copier *copier, const struct repository *source, const struct digest *digest,
	struct http_tally *source_tally, struct copy_destination *destinations, size_t count,
	struct err **err)
{
	CLEANUP(group_release) struct group group;
	group_init(&group, copier, source, source_tally, destinations, count);
	group.reader = reader_of(copier, source, destinations, count);
	if (!cancel_check(copier->cancel, CANCEL_NOW, err) || !tree_read_root(&group, digest, err))
		return false;
	group_run(&group);
	return true;
}

void copy_document(struct copier *copier, const struct repository *source,
	const struct document *root, struct http_tally *source_tally,
	struct copy_destination *destinations, size_t count)
{
	CLEANUP(group_release) struct group group;
	CLEANUP(err_freep) struct err *err = NULL;
	group_init(&group, copier, source, source_tally, destinations, count);
	group.reader = copier->registry;
	if (cancel_check(copier->cancel, CANCEL_NOW, &err) && tree_take_root(&group, root, &err))
		group_run(&group);
	else
		fail_all(&group, false, err);
}
