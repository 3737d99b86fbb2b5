/*
 * Blobs in pieces (PATCH), for hosts that refuse a whole one in one request: slower, and what
 * registries disagree on most, so only for them (registry-client facts 5.5). Such a destination
 * reads the source by itself. A piece is kept until the registry has all of it, so an upload that
 * breaks off goes on where the registry says it is; the PUT that completes it is sent only if size
 * and digest are right.
 */
#include <stdlib.h>
#include <string.h>

#include "net/retry.h"
#include "registry/copy_private.h"

#define ATTEMPTS 3
/* Sendings of one piece. */
#define SENDINGS 5
/* A worker holds one piece. */
#define PIECE_MAX ((uint64_t)16 << 20)

struct chunks {
	struct group *group;
	struct blob_job *job;
	struct request get;
	struct hasher *hasher;
	size_t given; /* bytes taken of those at hand */
	char *bytes;  /* the piece, owned */
	size_t max, len;
	uint64_t offset; /* of the piece */
};

/* ---- A piece ---- */

/* What is wrong with the answer, if not just the moment. */
static bool is_final(const struct request *request)
{
	int status = request_status(request);
	if (status == 0)
		return !retry_error(request->err);
	return !retry_status(status) && status != 416 && !request->again;
}

/* True if the registry said how far it is. */
static bool ask_progress(struct chunks *chunks, uint64_t *ret_len)
{
	CLEANUP(request_release) struct request status;
	struct blob_job *job = chunks->job;
	struct copy_destination *to = job->target->to;
	blob_status_init(&status, chunks->group->copier->registry, &to->repository,
		&job->blob->digest, &job->upload, &to->tally);
	return request_do(&status, NULL) && request_succeeded(&status, NULL) &&
		blob_progress_take(&status, &job->upload, ret_len);
}

/* From *at on; where the registry is afterwards. */
static bool send_rest(struct chunks *chunks, uint64_t *at, struct err **err)
{
	CLEANUP(request_release) struct request patch;
	struct blob_job *job = chunks->job;
	struct copy_destination *to = job->target->to;
	uint64_t end = chunks->offset + chunks->len, len = 0;
	struct err *failure = NULL;
	blob_patch_init(&patch, chunks->group->copier->registry, &to->repository,
		&job->blob->digest, &job->upload, *at, (size_t)(end - *at), &to->tally);
	patch.http.body = chunks->bytes + (*at - chunks->offset);
	if (!request_do(&patch, &failure))
		request_fail(&patch, failure);
	if (request_succeeded(&patch, &failure)) {
		*at = end;
		if (blob_progress_take(&patch, &job->upload, &len) && len > 0)
			*at = len;
		return true;
	}
	if (is_final(&patch) || !ask_progress(chunks, at)) {
		err_keep_first(err, &failure);
		return false;
	}
	err_free(failure);
	return true;
}

static bool send_piece(struct chunks *chunks, struct err **err)
{
	uint64_t at = chunks->offset, end = chunks->offset + chunks->len;
	for (unsigned sending = 0; at < end && sending < SENDINGS; sending++) {
		if (!send_rest(chunks, &at, err))
			return false;
		if (at < chunks->offset || at > end)
			break;
	}
	if (at != end)
		return err_set(err, ERR_TRANSIENT,
			"%s/%s: the registry is at byte %llu of an upload, where %llu were sent",
			chunks->job->target->to->repository.host,
			chunks->job->target->to->repository.path, (unsigned long long)at,
			(unsigned long long)end);
	chunks->offset = end;
	chunks->len = 0;
	return true;
}

/* ---- The blob ---- */

static bool is_right(struct chunks *chunks, struct err **err)
{
	const struct descriptor *blob = chunks->job->blob;
	struct digest actual = hasher_finish(chunks->hasher);
	uint64_t len = chunks->offset + chunks->len;
	char text[DIGEST_TEXT_SIZE];
	if (len == (uint64_t)blob->size && digest_equal(&actual, &blob->digest))
		return true;
	return err_set(err, ERR_DIGEST,
		"%s: %llu bytes received that hash to %s, where %lld were declared: not completed",
		chunks->get.what, (unsigned long long)len, digest_format(&actual, text),
		(long long)blob->size);
}

/* From the source, or of what is at hand. */
static bool read_some(struct chunks *chunks, size_t *ret_len, struct err **err)
{
	const struct blob_job *job = chunks->job;
	char *to = chunks->bytes + chunks->len;
	size_t room = chunks->max - chunks->len, rest = (size_t)job->blob->size - chunks->given;
	if (!job->bytes)
		return http_call_read(chunks->get.call, to, room, ret_len, err);
	*ret_len = rest < room ? rest : room;
	memcpy(to, job->bytes + chunks->given, *ret_len);
	chunks->given += *ret_len;
	return true;
}

/* *ret_ours: the destination failed, not the source. */
static bool send_all(struct chunks *chunks, bool *ret_ours, struct err **err)
{
	size_t got;
	*ret_ours = false;
	do {
		if (!read_some(chunks, &got, err))
			return false;
		hasher_add(chunks->hasher, chunks->bytes + chunks->len, got);
		chunks->len += got;
		if (chunks->offset + chunks->len > (uint64_t)chunks->job->blob->size || got == 0)
			if (!is_right(chunks, err))
				return false;
		if (chunks->len == chunks->max || (got == 0 && chunks->len > 0)) {
			*ret_ours = true;
			if (!send_piece(chunks, err))
				return false;
			*ret_ours = false;
		}
	} while (got > 0);
	return true;
}

static void complete(struct chunks *chunks, bool last_attempt)
{
	CLEANUP(request_release) struct request put;
	struct blob_job *job = chunks->job;
	struct copy_destination *to = job->target->to;
	struct err *err = NULL;
	blob_put_init(&put, chunks->group->copier->registry, &to->repository, &job->blob->digest, 0,
		&job->upload, &to->tally);
	if (!request_do(&put, &err))
		request_fail(&put, err);
	upload_take(chunks->group, job, &put, last_attempt);
}

static void attempt(struct group *group, struct blob_job *job, size_t max, bool last_attempt)
{
	struct chunks chunks = {.group = group, .job = job, .max = max};
	struct err *err = NULL;
	bool is_ours = false;
	chunks.bytes = mem_new(max, 1);
	chunks.hasher = hasher_new(job->blob->digest.algorithm);
	if ((job->bytes || upload_open_source(group, job->blob, &chunks.get, &err)) &&
		send_all(&chunks, &is_ours, &err))
		complete(&chunks, last_attempt);
	else if (is_ours)
		upload_stumble(group, job, last_attempt, err);
	else
		upload_lose_source(group, job, last_attempt, err);
	request_release(&chunks.get);
	hasher_free(chunks.hasher);
	mem_free(chunks.bytes);
}

/* False, failed, if the registry wants longer pieces than we hold. */
static bool piece_size(struct blob_job *job, size_t *ret_size)
{
	uint64_t size = job->host->quirks.chunk_bytes;
	struct err *err = NULL;
	if (size < job->upload.chunk_min)
		size = job->upload.chunk_min;
	if (size > (uint64_t)job->blob->size)
		size = (uint64_t)job->blob->size;
	if (size <= PIECE_MAX) {
		*ret_size = size > 0 ? (size_t)size : 1;
		return true;
	}
	err_set(&err, ERR_UNSUPPORTED, "%s: uploads in pieces of %llu bytes, %llu are supported",
		job->host->name, (unsigned long long)size, (unsigned long long)PIECE_MAX);
	blob_job_fail(job, err);
	return false;
}

void chunk_blob(struct group *group, struct blob_job *job)
{
	size_t max = 0;
	/* Others would wait for it: it comes by itself. */
	if (blob_job_is_open(job) && group_is_fan_out(group)) {
		group_leave_behind(group, job->target);
		return;
	}
	for (unsigned n = 1; n <= ATTEMPTS && blob_job_is_open(job); n++) {
		uploads_open(group, &job, 1);
		if (blob_job_is_open(job) && piece_size(job, &max))
			attempt(group, job, max, n == ATTEMPTS);
	}
}
