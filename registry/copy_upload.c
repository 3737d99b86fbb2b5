/*
 * How a blob gets into a repository that cannot mount it. A POST opens an upload; asked as a mount
 * from the repository itself it also tells, at no cost, whether the blob is there already, as after
 * a run that was killed (docs/decisions/008). A host that has shown that it stores the bytes of a
 * POST needs no upload. What hosts turn out not to do is not asked of them again in this run.
 */
#include <stdlib.h>
#include <string.h>

#include "net/retry.h"
#include "registry/copy_private.h"

/* ---- Opening ---- */

static bool wants_look(const struct blob_job *job)
{
	const struct copy_destination *to = job->target->to;
	if (job->host->self_mount == ABILITY_REFUSED || job->target->distrusts)
		return false;
	return job->host->single_post != ABILITY_PROVEN || job->is_suspect ||
		(to->repository_exists && job->blob->size > SMALL_BLOB);
}

static bool wants_upload(const struct blob_job *job)
{
	return blob_job_is_open(job) && !job->upload.url &&
		(job->host->single_post != ABILITY_PROVEN || wants_look(job));
}

struct opening {
	struct request request;
	bool is_used, is_look;
};

/* The first look of a run at a host goes alone, in case it is refused. */
static bool has_first_look(const struct opening *openings, size_t count, const struct host *host)
{
	for (size_t i = 0; i < count; i++)
		if (openings[i].is_look && openings[i].request.host == host)
			return host->self_mount == ABILITY_UNKNOWN;
	return false;
}

static void opening_init(struct group *group, struct blob_job *job, struct opening *opening)
{
	struct copy_destination *to = job->target->to;
	opening->is_used = true;
	opening->is_look = wants_look(job);
	if (opening->is_look)
		blob_look_init(&opening->request, group->copier->registry, &to->repository,
			&job->blob->digest, &to->tally);
	else
		blob_post_init(
			&opening->request, group->copier->registry, &to->repository, &to->tally);
}

/* A refusal of the look is none of the upload: that is asked for without it, next. */
static void take_opening(struct blob_job *job, const struct opening *opening)
{
	int status = request_status(&opening->request);
	struct err *err = NULL;
	if (opening->is_look && (status == 201 || status == 202))
		job->host->self_mount = ABILITY_PROVEN;
	if (opening->is_look && status == 201) {
		job->is_done = true;
	} else if (opening->is_look && status >= 400 && status < 500 && status != 429) {
		job->host->self_mount = ABILITY_REFUSED;
	} else if (!blob_upload_take(&opening->request, &job->upload, &err)) {
		blob_job_fail(job, err);
	}
}

/* False once there was nothing to open. */
static bool open_some(struct group *group, struct blob_job *const *jobs, size_t count)
{
	struct opening *openings = mem_new(count, sizeof(*openings));
	struct request **pointers = mem_new(count, sizeof(*pointers));
	struct target **targets = mem_new(count, sizeof(*targets));
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		if (!wants_upload(jobs[i]) || has_first_look(openings, i, jobs[i]->host))
			continue;
		opening_init(group, jobs[i], &openings[i]);
		pointers[i] = &openings[i].request;
		targets[i] = jobs[i]->target;
		any = true;
	}
	group_send(group, pointers, targets, count);
	for (size_t i = 0; i < count; i++) {
		if (openings[i].is_used)
			take_opening(jobs[i], &openings[i]);
		if (openings[i].is_used)
			request_release(&openings[i].request);
	}
	mem_free(targets);
	mem_free(pointers);
	mem_free(openings);
	return any;
}

void uploads_open(struct group *group, struct blob_job *const *jobs, size_t count)
{
	while (open_some(group, jobs, count))
		;
}

/* ---- Sending ---- */

void upload_send_init(struct group *group, struct blob_job *job, struct request *request)
{
	struct copy_destination *to = job->target->to;
	struct registry *registry = group->copier->registry;
	const struct digest *digest = &job->blob->digest;
	uint64_t size = (uint64_t)job->blob->size;
	if (job->upload.url)
		blob_put_init(
			request, registry, &to->repository, digest, size, &job->upload, &to->tally);
	else
		blob_single_init(request, registry, &to->repository, digest, size, &to->tally);
}

static void is_written(struct group *group, struct blob_job *job)
{
	job->is_done = true;
	copy_memory_note_written(
		group->copier->memory, &job->target->to->repository, &job->blob->digest);
}

static bool may_pass(const struct err *err)
{
	/* A session that is gone, and bytes that were damaged on the way, are worth another one. */
	return retry_error(err) || err_is(err, ERR_NOT_FOUND) || err_is(err, ERR_THROTTLED) ||
		err_is(err, ERR_DIGEST);
}

void upload_lose_source(struct blob_job *job, bool last_attempt, struct err *err)
{
	blob_upload_release(&job->upload);
	if (last_attempt || !may_pass(err))
		blob_job_fail(job, err);
	else
		err_free(err);
}

static void upload_stumble(
	struct group *group, struct blob_job *job, bool last_attempt, struct err *err)
{
	blob_upload_release(&job->upload);
	job->is_suspect = true;
	if (may_pass(err) && group_is_fan_out(group)) {
		group_leave_behind(group, job->target);
		blob_job_fail(job, err);
	} else if (last_attempt || !may_pass(err)) {
		blob_job_fail(job, err);
	} else {
		err_free(err);
	}
}

/* The host opened an upload rather than store what it was sent. */
static bool was_not_single(struct blob_job *job, const struct request *request)
{
	if (job->upload.url || request_status(request) != 202)
		return false;
	job->host->single_post = ABILITY_REFUSED;
	return blob_upload_take(request, &job->upload, NULL);
}

void upload_take(
	struct group *group, struct blob_job *job, const struct request *request, bool last_attempt)
{
	struct err *err = NULL;
	if (blob_put_take(request, &job->blob->digest, &err)) {
		is_written(group, job);
		return;
	}
	if (!last_attempt && was_not_single(job, request)) {
		err_free(err);
		return;
	}
	/* A token that ran out between two requests; the next attempt has another. */
	if (request->again)
		err->kind = ERR_TRANSIENT;
	upload_stumble(group, job, last_attempt, err);
}

/* ---- Finding out about the single POST ---- */

bool upload_may_probe(const struct blob_job *job)
{
	/* What wants a token first would get the bytes twice. */
	return blob_job_is_open(job) && !job->upload.url && auth_is_understood(job->host) &&
		job->host->single_post == ABILITY_UNKNOWN && !job->host->quirks.chunked_upload;
}

void upload_take_probe(struct group *group, struct blob_job *job, const struct request *request)
{
	int status = request_status(request);
	if (blob_single_is_proof(request, &job->blob->digest)) {
		job->host->single_post = ABILITY_PROVEN;
		is_written(group, job);
	} else if (status == 202) {
		was_not_single(job, request);
	} else if (status >= 200 && status < 500 && status != 401 && status != 403 &&
		status != 429) {
		job->host->single_post = ABILITY_REFUSED;
	}
}
