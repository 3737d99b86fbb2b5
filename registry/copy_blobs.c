/*
 * Which blob goes where, and how: nothing if another copy brought it, a mount where the source or
 * an earlier upload of this run is on the same host, else an upload. Several blobs are taken on at
 * a time; keys that another thread holds are left for later, when this thread holds none, so that
 * nobody waits in a circle. How bytes flow is copy_stream.c.
 */
#include <stdlib.h>
#include <string.h>

#include "registry/copy_private.h"

/* Blobs of an image that are taken on together; bounds memory, an ordinary image has fewer. */
#define SLICE 64

struct jobs {
	VEC(struct blob_job *) items; /* owned */
};

/* ---- Jobs ---- */

static void job_free(struct blob_job *job)
{
	blob_upload_release(&job->upload);
	mem_free(job->key);
	mem_free(job);
}

static void jobs_release(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->items.len; i++)
		job_free(jobs->items.items[i]);
	vec_release(&jobs->items);
}

static struct blob_job *job_new(const struct descriptor *blob, struct target *target)
{
	struct blob_job *job = mem_new(1, sizeof(*job));
	job->blob = blob;
	job->target = target;
	job->key = copy_memory_blob_key(&target->to->repository, &blob->digest);
	return job;
}

void blob_job_fail(struct blob_job *job, struct err *err)
{
	target_fail(job->target, err);
	job->has_failed = true;
}

/* ---- Mounts ---- */

/* Where a mount may come from: the declared source, or what this run wrote. Fresh text or NULL. */
static char *mount_source(const struct group *group, const struct blob_job *job)
{
	const struct repository *to = &job->target->to->repository;
	char *path = NULL;
	if (!registry_may_mount(group->copier->registry, to->host))
		return NULL;
	if (strcmp(to->host, group->source->host) == 0 && !job->mount_was_refused)
		path = mem_strdup(group->source->path);
	else
		path = copy_memory_written_at(group->copier->memory, to->host, &job->blob->digest);
	if (path && strcmp(path, to->path) == 0) {
		mem_free(path);
		return NULL;
	}
	return path;
}

/* The source is not open to who writes, or its token server does not mix repositories. */
static bool was_unauthorised(const struct request *request)
{
	int status = request_status(request);
	return status == 401 || status == 403 || (status == 0 && err_is(request->err, ERR_AUTH));
}

/* 201 is done, 202 opened an upload, other refusals mean: no mount here. */
static void take_mount(struct blob_job *job, const struct request *request)
{
	int status = request_status(request);
	struct err *err = NULL;
	job->mount_was_refused = status != 201;
	blob_upload_release(&job->upload);
	if (was_unauthorised(request)) {
		auth_refuse_mounts(request->host);
	} else if (status == 201) {
		job->is_done = true;
	} else if (status == 202) {
		blob_upload_take(request, &job->upload, NULL);
	} else if (status == 0 || status == 429 || status >= 500) {
		request_succeeded(request, &err);
		blob_job_fail(job, err);
	}
}

static void mount_all(struct group *group, struct blob_job *const *jobs, size_t count)
{
	struct request *requests = mem_new(count, sizeof(*requests));
	struct request **pointers = mem_new(count, sizeof(*pointers));
	for (size_t i = 0; i < count; i++) {
		struct copy_destination *to = jobs[i]->target->to;
		CLEANUP(mem_freep)
		char *from = blob_job_is_open(jobs[i]) ? mount_source(group, jobs[i]) : NULL;
		if (!from)
			continue;
		blob_mount_init(&requests[i], group->copier->registry, &to->repository,
			&jobs[i]->blob->digest, from, &to->tally);
		pointers[i] = &requests[i];
	}
	requests_run(pointers, count);
	for (size_t i = 0; i < count; i++) {
		if (!pointers[i])
			continue;
		take_mount(jobs[i], pointers[i]);
		request_release(pointers[i]);
	}
	mem_free(pointers);
	mem_free(requests);
}

/* ---- Uploads ---- */

/* Of the open jobs of one blob, the first on each host uploads; the others mount from it. */
static size_t choose_leaders(
	struct blob_job *const *jobs, size_t count, struct blob_job **ret_leaders)
{
	size_t leaders = 0;
	for (size_t i = 0; i < count; i++) {
		bool first = blob_job_is_open(jobs[i]);
		for (size_t l = 0; l < leaders && first; l++)
			first = strcmp(jobs[i]->target->to->repository.host,
					ret_leaders[l]->target->to->repository.host) != 0;
		if (first)
			ret_leaders[leaders++] = jobs[i];
	}
	return leaders;
}

/*
 * Every round ends at least one job of each host that has open ones: its leader is done or has
 * failed. Followers of a failed leader get a leader of their own.
 */
static void upload_blob(struct group *group, struct blob_job *const *jobs, size_t count)
{
	struct blob_job **leaders = mem_new(count, sizeof(*leaders));
	size_t leader_count;
	while ((leader_count = choose_leaders(jobs, count, leaders)) > 0) {
		stream_open_uploads(group, leaders, leader_count);
		stream_blob(group, leaders, leader_count);
		mount_all(group, jobs, count);
	}
	mem_free(leaders);
}

/* Jobs of one blob stand next to each other. */
static size_t same_blob(struct blob_job *const *jobs, size_t count)
{
	size_t n = 1;
	while (n < count && jobs[n]->blob == jobs[0]->blob)
		n++;
	return n;
}

/* Uploads of all blobs are opened before the first byte flows: one wait instead of one a blob. */
static void open_uploads(struct group *group, struct blob_job *const *jobs, size_t count)
{
	struct blob_job **leaders = mem_new(count, sizeof(*leaders));
	size_t leader_count = 0;
	for (size_t i = 0, n; i < count; i += n) {
		n = same_blob(jobs + i, count - i);
		leader_count += choose_leaders(jobs + i, n, leaders + leader_count);
	}
	stream_open_uploads(group, leaders, leader_count);
	mem_free(leaders);
}

/* ---- Taking jobs on ---- */

/* Does what the jobs ask for and gives their keys back. */
static void run_jobs(struct group *group, struct jobs *jobs)
{
	struct blob_job *const *items = jobs->items.items;
	size_t count = jobs->items.len;
	mount_all(group, items, count);
	open_uploads(group, items, count);
	for (size_t i = 0, n; i < count; i += n) {
		n = same_blob(items + i, count - i);
		upload_blob(group, items + i, n);
	}
	for (size_t i = 0; i < count; i++)
		copy_memory_finish(group->copier->memory, items[i]->key, items[i]->is_done);
}

static void cancelled(const struct group *group, struct target *target)
{
	struct err *err = NULL;
	cancel_check(group->copier->cancel, CANCEL_NOW, &err);
	target_fail(target, err);
}

static void sort_job(struct group *group, struct blob_job *job, enum once_turn turn,
	struct jobs *mine, struct jobs *later)
{
	if (turn == ONCE_MINE) {
		*vec_push(&mine->items) = job;
		return;
	}
	if (turn == ONCE_BUSY) {
		*vec_push(&later->items) = job;
		return;
	}
	if (turn == ONCE_CANCELLED)
		cancelled(group, job->target);
	job_free(job);
}

static void take_slice(struct group *group, size_t first, size_t end, struct jobs *later)
{
	CLEANUP(jobs_release) struct jobs mine = {0};
	for (size_t b = first; b < end; b++) {
		for (size_t t = 0; t < group->target_count; t++) {
			if (!target_wants_content(&group->targets[t]))
				continue;
			struct blob_job *job =
				job_new(group->tree.blobs.items[b], &group->targets[t]);
			enum once_turn turn = copy_memory_try(
				group->copier->memory, job->key, group->copier->cancel);
			sort_job(group, job, turn, &mine, later);
		}
	}
	if (mine.items.len > 0)
		run_jobs(group, &mine);
}

/* Another thread was at it. Usually it is done now; if it failed there, it is ours. */
static void take_later(struct group *group, struct blob_job *job)
{
	struct jobs mine = {0}, none = {0};
	if (!target_wants_content(job->target)) {
		job_free(job);
		return;
	}
	enum once_turn turn =
		copy_memory_begin(group->copier->memory, job->key, group->copier->cancel);
	sort_job(group, job, turn, &mine, &none);
	if (mine.items.len > 0)
		run_jobs(group, &mine);
	jobs_release(&mine);
}

void blobs_ensure(struct group *group)
{
	struct jobs later = {0};
	size_t count = group->tree.blobs.len;
	for (size_t first = 0; first < count; first += SLICE)
		take_slice(group, first, first + SLICE < count ? first + SLICE : count, &later);
	for (size_t i = 0; i < later.items.len; i++)
		take_later(group, later.items.items[i]);
	vec_release(&later.items);
}
