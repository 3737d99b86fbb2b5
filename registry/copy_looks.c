/*
 * Looking at tags before they are written, because registries overwrite them silently and have no
 * compare-and-swap, and afterwards, because a registry may say what is not so.
 */
#include "registry/copy_looks.h"

#include <stdlib.h>

#include "registry/manifest_request.h"

/* Trust rule 2. */
#define LOOK_MAX_AGE_MS 60000

/* Behind some registries a HEAD may reach a copy that is a moment behind. */
#define LOOKS_AFTER 3

typedef bool wanted_fn(
	const struct group *group, const struct tag_job *job, const struct copy_tag *tag);
typedef void taken_fn(struct group *group, struct tag_job *job, struct copy_tag *tag,
	const struct digest *found, const struct err *err);

static const struct digest *root_digest(const struct group *group)
{
	return &group->tree.nodes.items[0]->document.digest;
}

/* A server that does not say the digest is asked for the bytes. */
static bool found_by(struct group *group, const struct tag_job *job, const char *tag,
	const struct request *request, struct digest *ret_found, struct err **err)
{
	struct copy_destination *to = job->target->to;
	bool said = false;
	if (!manifest_head_take(request, ret_found, &said, err))
		return false;
	return said ||
		registry_manifest_head(
			group->copier->registry, &to->repository, tag, &to->tally, ret_found, err);
}

/* HEADs of all wanted jobs in flight together; `taken` gets NULL for what was not found. */
static void look(
	struct group *group, struct tag_job *jobs, size_t count, wanted_fn *wanted, taken_fn *taken)
{
	struct request *requests = mem_new(count, sizeof(*requests));
	struct request **pointers = mem_new(count, sizeof(*pointers));
	struct target **targets = mem_new(count, sizeof(*targets));
	for (size_t i = 0; i < count; i++) {
		struct copy_destination *to = jobs[i].target->to;
		if (!jobs[i].tag || !wanted(group, &jobs[i], jobs[i].tag))
			continue;
		manifest_head_init(&requests[i], group->copier->registry, &to->repository,
			jobs[i].tag->name, &to->tally);
		pointers[i] = &requests[i];
		targets[i] = jobs[i].target;
	}
	group_send(group, pointers, targets, count);
	for (size_t i = 0; i < count; i++) {
		CLEANUP(err_freep) struct err *err = NULL;
		struct digest found;
		struct copy_tag *tag = jobs[i].tag;
		if (!pointers[i] || !tag)
			continue;
		bool exists = found_by(group, &jobs[i], tag->name, pointers[i], &found, &err);
		taken(group, &jobs[i], tag, exists ? &found : NULL, err);
		request_release(pointers[i]);
	}
	mem_free(targets);
	mem_free(pointers);
	mem_free(requests);
}

/* ---- Before ---- */

bool look_is_fresh(const struct group *group, int64_t looked_ms)
{
	return clock_monotonic_ms(group->copier->clock) - looked_ms <= LOOK_MAX_AGE_MS;
}

static bool is_stale(
	const struct group *group, const struct tag_job *job, const struct copy_tag *tag)
{
	return !job->has_ended &&
		(!look_is_fresh(group, job->looked_ms) || (tag->moves_from && !job->was_looked_at));
}

static void take_before(struct group *group, struct tag_job *job, struct copy_tag *tag,
	const struct digest *found, const struct err *failure)
{
	struct copy_destination *to = job->target->to;
	char text[DIGEST_TEXT_SIZE];
	job->looked_ms = clock_monotonic_ms(group->copier->clock);
	job->was_looked_at = true;
	if (!found) {
		if (!err_is(failure, ERR_NOT_FOUND))
			target_fail(job->target, err_copy(failure));
		return;
	}
	if (tag->moves_from && digest_equal(found, tag->moves_from))
		return;
	job->has_ended = true;
	if (digest_equal(found, root_digest(group))) {
		tag->state = COPY_TAG_IN_PLACE;
		return;
	}
	CLEANUP(err_freep) struct err *err = NULL;
	tag->state = COPY_TAG_MOVED;
	tag->found = *found;
	err_set(&err, ERR_CONFLICT, "%s/%s:%s points to %s meanwhile: not overwritten",
		to->repository.host, to->repository.path, tag->name, digest_format(found, text));
	err_keep_first(&to->err, &err);
}

void looks_before(struct group *group, struct tag_job *jobs, size_t count)
{
	look(group, jobs, count, is_stale, take_before);
}

/* ---- After ---- */

static bool is_written(
	const struct group *group, const struct tag_job *job, const struct copy_tag *tag)
{
	(void)group;
	(void)job;
	return tag->state == COPY_TAG_WRITTEN;
}

/* True if the tag is there; else `failure` or what was found instead is in *err. */
static bool is_as_written(const struct group *group, const struct tag_job *job, const char *tag,
	const struct digest *found, const struct err *failure, struct err **err)
{
	const struct repository *repository = &job->target->to->repository;
	char wanted[DIGEST_TEXT_SIZE], other[DIGEST_TEXT_SIZE];
	if (found && digest_equal(found, root_digest(group)))
		return true;
	if (!found && !err_is(failure, ERR_NOT_FOUND)) {
		*err = err_copy(failure);
		return err_prefix(err, "looking at what was written");
	}
	return err_set(err, ERR_DIGEST,
		"%s/%s:%s was written as %s and taken by the registry, but a look afterwards finds "
		"%s",
		repository->host, repository->path, tag, digest_format(root_digest(group), wanted),
		found ? digest_format(found, other) : "no such tag");
}

static void take_after(struct group *group, struct tag_job *job, struct copy_tag *tag,
	const struct digest *found, const struct err *failure)
{
	struct copy_destination *to = job->target->to;
	struct err *err = NULL, *again = NULL;
	struct digest other;
	bool right = is_as_written(group, job, tag->name, found, failure, &err);
	for (unsigned i = 1; !right && err_is(err, ERR_DIGEST) && i < LOOKS_AFTER; i++) {
		if (!registry_pause(group->copier->registry, i, NULL))
			break;
		bool exists = registry_manifest_head(group->copier->registry, &to->repository,
			tag->name, &to->tally, &other, &again);
		err_free(steal_ptr(&err));
		right = is_as_written(group, job, tag->name, exists ? &other : NULL, again, &err);
		err_free(steal_ptr(&again));
	}
	if (right)
		return;
	tag->state = COPY_TAG_PENDING;
	target_fail(job->target, err);
}

void looks_after(struct group *group, struct tag_job *jobs, size_t count)
{
	look(group, jobs, count, is_written, take_after);
}
