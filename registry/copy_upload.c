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
		(to->has_images && job->blob->size > SMALL_BLOB);
}

static bool wants_upload(const struct blob_job *job)
{
	return blob_job_is_open(job) && !job->upload.url &&
		(job->host->single_post != ABILITY_PROVEN || blob_job_in_pieces(job) ||
			wants_look(job));
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

/* Best effort, where the registry answers and needs no other token for it. */
static void cancel_upload(struct group *group, struct blob_job *job, const struct err *why)
{
	CLEANUP(request_release) struct request cancel = {0};
	struct copy_destination *to = job->target->to;
	if (!job->upload.url || retry_error(why) || err_is(why, ERR_CANCELLED) ||
		auth_takes_tokens(job->host))
		return;
	blob_cancel_init(&cancel, group->copier->registry, &to->repository, &job->blob->digest,
		&job->upload, &to->tally);
	request_do(&cancel, NULL);
}

/* Takes the error. The next attempt opens another upload. */
static void retry_or_fail(
	struct group *group, struct blob_job *job, bool last_attempt, struct err *err)
{
	if (last_attempt || !may_pass(err)) {
		cancel_upload(group, job, err);
		blob_job_fail(job, err);
	} else {
		err_free(err);
	}
	blob_upload_release(&job->upload);
}

void upload_lose_source(
	struct group *group, struct blob_job *job, bool last_attempt, struct err *err)
{
	retry_or_fail(group, job, last_attempt, err);
}

void upload_stumble(struct group *group, struct blob_job *job, bool last_attempt, struct err *err)
{
	job->is_suspect = true;
	if (may_pass(err) && group_is_fan_out(group)) {
		group_leave_behind(group, job->target);
		blob_upload_release(&job->upload);
		blob_job_fail(job, err);
		return;
	}
	retry_or_fail(group, job, last_attempt, err);
}

bool upload_open_source(struct group *group, const struct descriptor *blob, struct request *ret_get,
	struct err **err)
{
	CLEANUP(err_freep) struct err *failure = NULL;
	blob_get_init(ret_get, group->reader, group->source, &blob->digest, group->source_tally);
	if (request_open(ret_get, &failure))
		return true;
	/* The manifest was there: a missing blob is damage, not loss. */
	if (err_is(failure, ERR_NOT_FOUND)) {
		failure->kind = ERR_INVALID;
		err_prefix(&failure, "the source is incomplete");
	}
	err_keep_first(err, &failure);
	return false;
}

/* The PUT of a whole blob is not for this host, or for something in front of it. */
static bool refuses_whole(struct blob_job *job, const struct request *request)
{
	int status = request_status(request);
	/* Without a body it completes what went in pieces. Others may have learned it meanwhile. */
	if (!job->upload.url || request->http.body_len == 0 ||
		(status != 405 && status != 413 && status != 501))
		return false;
	job->host->in_pieces = true;
	blob_upload_release(&job->upload);
	return true;
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
	if (refuses_whole(job, request) || (!last_attempt && was_not_single(job, request))) {
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
		job->host->single_post == ABILITY_UNKNOWN && !blob_job_in_pieces(job);
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
