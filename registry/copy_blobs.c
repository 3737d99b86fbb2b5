/*
 * Which blob goes where, and how: nothing if another copy brought it, a mount where the source or
 * an earlier upload of this run can be mounted from, else an upload. Several blobs are taken on at
 * a time; keys that another thread holds are left for later, when this thread holds none, so that
 * nobody waits in a circle. What is sent is copy_upload.c, how bytes flow copy_small.c and
 * copy_stream.c.
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
	mem_free(job->host_key);
	mem_free(job->busy_key);
	mem_free(job);
}

static void jobs_release(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->items.len; i++)
		job_free(jobs->items.items[i]);
	vec_release(&jobs->items);
}

static struct blob_job *job_new(
	const struct group *group, const struct descriptor *blob, struct target *target)
{
	const struct repository *to = &target->to->repository;
	struct blob_job *job = mem_new(1, sizeof(*job));
	job->blob = blob;
	job->target = target;
	job->host = host_get(group->copier->registry, to->host);
	job->key = copy_memory_blob_key(to, &blob->digest);
	return job;
}

void blob_job_fail(struct blob_job *job, struct err *err)
{
	target_fail(job->target, err);
	job->has_failed = true;
}

/* Jobs of one blob stand next to each other. */
static size_t same_blob(struct blob_job *const *jobs, size_t count)
{
	size_t n = 1;
	while (n < count && jobs[n]->blob == jobs[0]->blob)
		n++;
	return n;
}

/* ---- Mounts ---- */

static bool shares_blobs(const struct group *group, const struct blob_job *job)
{
	const char *to = job->host->name, *from = group->source->host;
	return job->host->quirks.cross_mounts &&
		host_get(group->copier->registry, from)->quirks.cross_mounts &&
		!copy_memory_is_vain(group->copier->memory, to, from);
}

/* Where a mount may come from. Fresh text or NULL. */
static char *mount_source(
	const struct group *group, const struct blob_job *job, enum mount_kind *ret_kind)
{
	const struct repository *to = &job->target->to->repository, *source = group->source;
	bool is_near = strcmp(to->host, source->host) == 0;
	CLEANUP(mem_freep) char *path = NULL;
	if (!registry_may_mount(group->copier->registry, to->host))
		return NULL;
	*ret_kind = is_near ? MOUNT_SOURCE : MOUNT_ACROSS;
	if (is_near && !job->refused[MOUNT_SOURCE]) {
		path = mem_strdup(source->path);
		return strcmp(path, to->path) == 0 ? NULL : steal_ptr(&path);
	}
	if (!job->refused[MOUNT_WRITTEN])
		path = copy_memory_written_at(group->copier->memory, to->host, &job->blob->digest);
	if (path && strcmp(path, to->path) != 0) {
		*ret_kind = MOUNT_WRITTEN;
		return steal_ptr(&path);
	}
	if (!is_near && !job->refused[MOUNT_ACROSS] && shares_blobs(group, job))
		return mem_strdup(source->path);
	return NULL;
}

/* The source is not open to who writes, or its token server does not mix repositories. */
static bool was_unauthorised(const struct request *request)
{
	int status = request_status(request);
	return status == 401 || status == 403 || (status == 0 && err_is(request->err, ERR_AUTH));
}

/* 201 is done, 202 opened an upload, other refusals mean: no mount here. */
static void take_mount(struct group *group, struct blob_job *job, enum mount_kind kind,
	const struct request *request)
{
	int status = request_status(request);
	struct err *err = NULL;
	job->refused[kind] = status != 201;
	blob_upload_release(&job->upload);
	if (status == 201) {
		job->is_done = true;
		return;
	}
	if (!was_unauthorised(request) && (status == 0 || status == 429 || status >= 500)) {
		request_succeeded(request, &err);
		blob_job_fail(job, err);
		return;
	}
	if (kind == MOUNT_ACROSS)
		copy_memory_note_vain(group->copier->memory, job->host->name, group->source->host);
	else if (was_unauthorised(request))
		auth_refuse_mounts(request->host);
	if (status == 202)
		blob_upload_take(request, &job->upload, NULL);
}

void mounts_try(struct group *group, struct blob_job *const *jobs, size_t count)
{
	struct request *requests = mem_new(count, sizeof(*requests));
	struct request **pointers = mem_new(count, sizeof(*pointers));
	struct target **targets = mem_new(count, sizeof(*targets));
	enum mount_kind *kinds = mem_new(count, sizeof(*kinds));
	for (size_t i = 0; i < count; i++) {
		struct copy_destination *to = jobs[i]->target->to;
		CLEANUP(mem_freep)
		char *from =
			blob_job_is_open(jobs[i]) ? mount_source(group, jobs[i], &kinds[i]) : NULL;
		if (!from)
			continue;
		blob_mount_init(&requests[i], group->copier->registry, &to->repository,
			&jobs[i]->blob->digest, from,
			kinds[i] == MOUNT_ACROSS ? group->source->host : NULL, &to->tally);
		pointers[i] = &requests[i];
		targets[i] = jobs[i]->target;
	}
	group_send(group, pointers, targets, count);
	for (size_t i = 0; i < count; i++) {
		if (!pointers[i])
			continue;
		take_mount(group, jobs[i], kinds[i], pointers[i]);
		request_release(pointers[i]);
	}
	mem_free(kinds);
	mem_free(targets);
	mem_free(pointers);
	mem_free(requests);
}

/* ---- Who uploads ---- */

static bool is_led_by(const struct blob_job *job, const struct blob_job *leader)
{
	return job->blob == leader->blob && job->host == leader->host;
}

static void cancelled(const struct group *group, struct target *target)
{
	struct err *err = NULL;
	cancel_check(group->copier->cancel, CANCEL_NOW, &err);
	target_fail(target, err);
}

/* One upload of a blob to a host at a time, by whichever thread; the others mount it then. */
static bool claim(struct group *group, struct blob_job *job)
{
	if (job->host_key)
		return true;
	CLEANUP(mem_freep) char *key = copy_memory_host_key(job->host->name, &job->blob->digest);
	enum once_turn turn = copy_memory_try(group->copier->memory, key, group->copier->cancel);
	if (turn == ONCE_MINE) {
		job->host_key = steal_ptr(&key);
		return true;
	}
	if (turn == ONCE_CANCELLED) {
		cancelled(group, job->target);
		return false;
	}
	job->is_deferred = true;
	job->busy_key = steal_ptr(&key);
	return false;
}

static void unclaim(struct group *group, struct blob_job *job)
{
	if (!job->host_key)
		return;
	copy_memory_finish(group->copier->memory, job->host_key, false);
	mem_free(steal_ptr(&job->host_key));
}

static void unclaim_ended(struct group *group, struct blob_job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!blob_job_is_open(jobs[i]))
			unclaim(group, jobs[i]);
}

/* Of the open jobs of one blob, the first on each host uploads; the others mount from it. */
static size_t choose_leaders(
	struct group *group, struct blob_job *const *jobs, size_t count, struct blob_job **ret)
{
	size_t leaders = 0;
	for (size_t i = 0; i < count; i++) {
		bool first = blob_job_is_open(jobs[i]);
		for (size_t l = 0; l < leaders && first; l++)
			first = !is_led_by(jobs[i], ret[l]);
		for (size_t b = 0; b < i && first; b++) {
			/* It waits for the same thread as the one before it. */
			if (!jobs[b]->is_deferred || !is_led_by(jobs[i], jobs[b]))
				continue;
			jobs[i]->is_deferred = true;
			jobs[i]->busy_key = mem_strdup(jobs[b]->busy_key);
			first = false;
		}
		if (first && claim(group, jobs[i]))
			ret[leaders++] = jobs[i];
	}
	return leaders;
}

/* Those of all blobs, still next to each other. */
static size_t choose_all(
	struct group *group, struct blob_job *const *jobs, size_t count, struct blob_job **ret)
{
	size_t leaders = 0;
	for (size_t i = 0, n; i < count; i += n) {
		n = same_blob(jobs + i, count - i);
		leaders += choose_leaders(group, jobs + i, n, ret + leaders);
	}
	return leaders;
}

/*
 * Every round ends at least one job of each blob and host that has open ones: its leader is done
 * or has failed. Followers of a failed leader get a leader of their own.
 */
static void upload_all(struct group *group, struct blob_job *const *jobs, size_t count)
{
	struct blob_job **leaders = mem_new(count, sizeof(*leaders));
	size_t leader_count;
	while ((leader_count = choose_all(group, jobs, count, leaders)) > 0) {
		/* Before the claim, another thread may have brought it. */
		mounts_try(group, leaders, leader_count);
		small_blobs(group, leaders, leader_count, false);
		unclaim_ended(group, leaders, leader_count);
		for (size_t i = 0, n; i < leader_count; i += n) {
			n = same_blob(leaders + i, leader_count - i);
			stream_blob(group, leaders + i, n);
			for (size_t l = i; l < i + n; l++)
				if (blob_job_in_pieces(leaders[l]))
					chunk_blob(group, leaders[l]);
			unclaim_ended(group, leaders + i, n);
		}
		mounts_try(group, jobs, count);
	}
	mem_free(leaders);
}

/* ---- Taking jobs on ---- */

/* Does what the jobs ask for and gives their keys back; what another thread is at goes to `later`. */
static void run_jobs(struct group *group, struct jobs *jobs, struct jobs *later)
{
	struct copy_memory *memory = group->copier->memory;
	mounts_try(group, jobs->items.items, jobs->items.len);
	upload_all(group, jobs->items.items, jobs->items.len);
	for (size_t i = 0; i < jobs->items.len; i++) {
		struct blob_job *job = jobs->items.items[i];
		unclaim(group, job);
		copy_memory_finish(memory, job->key, job->is_done);
		if (!job->is_deferred) {
			job_free(job);
			continue;
		}
		job->is_deferred = false;
		*vec_push(&later->items) = job;
	}
	vec_release(&jobs->items);
}

/* Whose turn it is. Only one key is ever waited for, and none is held meanwhile but the host's. */
static enum once_turn take_turn(struct group *group, struct blob_job *job, bool may_wait)
{
	struct copy_memory *memory = group->copier->memory;
	struct cancel *cancel = group->copier->cancel;
	enum once_turn turn;
	if (job->busy_key) {
		turn = may_wait ? copy_memory_begin(memory, job->busy_key, cancel)
				: copy_memory_try(memory, job->busy_key, cancel);
		if (turn != ONCE_MINE)
			return turn;
		job->host_key = steal_ptr(&job->busy_key);
		may_wait = false;
	}
	turn = may_wait ? copy_memory_begin(memory, job->key, cancel)
			: copy_memory_try(memory, job->key, cancel);
	if (turn != ONCE_MINE)
		unclaim(group, job);
	return turn;
}

static void sort_job(struct group *group, struct blob_job *job, bool may_wait, struct jobs *mine,
	struct jobs *later)
{
	enum once_turn turn =
		target_wants_content(job->target) ? take_turn(group, job, may_wait) : ONCE_DONE;
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
	for (size_t b = first; b < end; b++)
		for (size_t t = 0; t < group->target_count; t++)
			if (target_wants_content(&group->targets[t]))
				sort_job(group,
					job_new(group, group->tree.blobs.items[b],
						&group->targets[t]),
					false, &mine, later);
	if (mine.items.len > 0)
		run_jobs(group, &mine, later);
}

/* Puts those of one blob next to each other. */
static int by_blob(const void *a, const void *b)
{
	const struct blob_job *const *left = a, *const *right = b;
	return digest_compare(&(*left)->blob->digest, &(*right)->blob->digest);
}

/*
 * Another thread was at them. Usually they are done now; what failed there is ours. If none can be
 * had, the first is waited for.
 */
static void take_later(struct group *group, struct jobs *jobs)
{
	bool may_wait = false;
	while (jobs->items.len > 0) {
		CLEANUP(jobs_release) struct jobs mine = {0};
		struct jobs later = {0};
		size_t before = jobs->items.len;
		for (size_t i = 0; i < before; i++)
			sort_job(group, jobs->items.items[i], may_wait && i == 0, &mine, &later);
		vec_release(&jobs->items);
		if (mine.items.len > 1)
			qsort(mine.items.items, mine.items.len, sizeof(struct blob_job *), by_blob);
		may_wait = mine.items.len == 0 && later.items.len == before;
		if (mine.items.len > 0)
			run_jobs(group, &mine, &later);
		*jobs = later;
	}
}

void blobs_ensure(struct group *group)
{
	struct jobs later = {0};
	size_t count = group->tree.blobs.len;
	for (size_t first = 0; first < count; first += SLICE)
		take_slice(group, first, first + SLICE < count ? first + SLICE : count, &later);
	take_later(group, &later);
}
