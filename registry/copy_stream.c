/*
 * One blob from its source to several uploads at once. The working thread is the pump: it reads a
 * piece, hashes it, and offers the piece before it to each upload as that has room; the last piece
 * is withheld until size and digest are right, so no registry ever completes wrong bytes. A failed
 * upload drops out and is tried again with the next read; the others go on.
 */
#include <stdlib.h>
#include <string.h>

#include "net/retry.h"
#include "registry/copy_private.h"

#define PIECE ((size_t)64 * 1024)
#define ATTEMPTS 3

/* One upload of a stream. */
struct outlet {
	struct blob_job *job;
	struct request put;
	bool is_broken; /* takes no more bytes; the answer says why */
};

struct stream {
	struct group *group;
	const struct descriptor *blob;
	struct outlet *outlets;
	size_t outlet_count;
	struct request get;
};

/* ---- Opening ---- */

void stream_open_uploads(struct group *group, struct blob_job *const *jobs, size_t count)
{
	struct request *requests = mem_new(count, sizeof(*requests));
	struct request **pointers = mem_new(count, sizeof(*pointers));
	for (size_t i = 0; i < count; i++) {
		struct copy_destination *to = jobs[i]->target->to;
		if (!blob_job_is_open(jobs[i]) || jobs[i]->upload.url)
			continue;
		blob_post_init(&requests[i], group->copier->registry, &to->repository, &to->tally);
		pointers[i] = &requests[i];
	}
	requests_run(pointers, count);
	for (size_t i = 0; i < count; i++) {
		struct err *err = NULL;
		if (!pointers[i])
			continue;
		if (!blob_upload_take(pointers[i], &jobs[i]->upload, &err))
			blob_job_fail(jobs[i], err);
		request_release(pointers[i]);
	}
	mem_free(pointers);
	mem_free(requests);
}

/* After a failed upload nobody knows whether the registry took it: look before sending again. */
static void look_for_blob(struct group *group, struct blob_job *job)
{
	CLEANUP(request_release) struct request head;
	struct copy_destination *to = job->target->to;
	blob_head_init(
		&head, group->copier->registry, &to->repository, &job->blob->digest, &to->tally);
	if (request_do(&head, NULL) && request_status(&head) == 200)
		job->is_done = true;
}

static bool open_source(struct stream *stream, struct err **err)
{
	struct group *group = stream->group;
	CLEANUP(err_freep) struct err *failure = NULL;
	blob_get_init(&stream->get, group->reader, group->source, &stream->blob->digest,
		group->source_tally);
	if (request_open(&stream->get, &failure))
		return true;
	/* The manifest was there: a missing blob is damage, not loss. */
	if (err_is(failure, ERR_NOT_FOUND)) {
		failure->kind = ERR_INVALID;
		err_prefix(&failure, "the source is incomplete");
	}
	err_keep_first(err, &failure);
	return false;
}

static void open_outlets(struct stream *stream)
{
	struct group *group = stream->group;
	for (size_t i = 0; i < stream->outlet_count; i++) {
		struct outlet *outlet = &stream->outlets[i];
		struct copy_destination *to = outlet->job->target->to;
		blob_put_init(&outlet->put, group->copier->registry, &to->repository,
			&stream->blob->digest, (uint64_t)stream->blob->size, &outlet->job->upload,
			&to->tally);
		request_start(&outlet->put);
		outlet->is_broken = !outlet->put.call;
	}
}

/* ---- Pumping ---- */

static size_t offer(struct stream *stream, bool *pending, const char *bytes, size_t len)
{
	size_t left = 0;
	for (size_t i = 0; i < stream->outlet_count; i++) {
		struct outlet *outlet = &stream->outlets[i];
		if (!pending[i])
			continue;
		if (http_call_writable(outlet->put.call) < len) {
			left++;
			continue;
		}
		outlet->is_broken = !http_call_write(outlet->put.call, bytes, len, NULL);
		pending[i] = false;
	}
	return left;
}

/* Gives a piece to every outlet, to each as soon as it has room. False once nobody takes any. */
static bool deliver(struct stream *stream, const char *bytes, size_t len)
{
	struct http_call **calls = mem_new(stream->outlet_count, sizeof(struct http_call *));
	bool *pending = mem_new(stream->outlet_count, sizeof(bool));
	bool anybody = false;
	for (size_t i = 0; i < stream->outlet_count; i++)
		pending[i] = !stream->outlets[i].is_broken;
	while (len > 0 && offer(stream, pending, bytes, len) > 0) {
		for (size_t i = 0; i < stream->outlet_count; i++)
			calls[i] = pending[i] ? stream->outlets[i].put.call : NULL;
		http_wait_any_writable(calls, stream->outlet_count, len, -1, NULL);
	}
	for (size_t i = 0; i < stream->outlet_count; i++)
		anybody |= !stream->outlets[i].is_broken;
	mem_free(calls);
	mem_free(pending);
	return anybody;
}

static bool wrong_bytes(
	const struct stream *stream, uint64_t len, struct hasher *hasher, struct err **err)
{
	const struct descriptor *blob = stream->blob;
	struct digest actual = hasher_finish(hasher);
	char text[DIGEST_TEXT_SIZE];
	if (len == (uint64_t)blob->size && digest_equal(&actual, &blob->digest))
		return false;
	err_set(err, ERR_DIGEST,
		"%s: %llu bytes received that hash to %s, where %lld were declared: not passed on",
		stream->get.what, (unsigned long long)len, digest_format(&actual, text),
		(long long)blob->size);
	return true;
}

struct pieces {
	char bytes[2][PIECE];
	size_t len[2];
};

/* True also if every outlet broke: then they say why. False: the source failed, all must stop. */
static bool pump(struct stream *stream, struct pieces *pieces, struct err **err)
{
	CLEANUP(hasher_freep) struct hasher *hasher = hasher_new(stream->blob->digest.algorithm);
	uint64_t total = 0;
	unsigned now = 0;
	for (;; now = !now) {
		if (!http_call_read(
			    stream->get.call, pieces->bytes[now], PIECE, &pieces->len[now], err))
			return false;
		total += pieces->len[now];
		hasher_add(hasher, pieces->bytes[now], pieces->len[now]);
		bool last = pieces->len[now] == 0;
		if ((last || total > (uint64_t)stream->blob->size) &&
			wrong_bytes(stream, total, hasher, err))
			return false;
		if (!deliver(stream, pieces->bytes[!now], pieces->len[!now]) || last)
			return true;
	}
}

/* ---- Ends ---- */

static bool may_pass(const struct err *err)
{
	/* A session that is gone, and bytes that were damaged on the way, are worth another one. */
	return retry_error(err) || err_is(err, ERR_NOT_FOUND) || err_is(err, ERR_THROTTLED) ||
		err_is(err, ERR_DIGEST);
}

/* Takes the error. An upload takes one PUT; the next attempt opens another. */
static void job_stumble(struct blob_job *job, bool last_attempt, struct err *err)
{
	blob_upload_release(&job->upload);
	if (last_attempt || !may_pass(err))
		blob_job_fail(job, err);
	else
		err_free(err);
}

static void finish_outlet(struct stream *stream, struct outlet *outlet, bool last_attempt)
{
	struct err *err = NULL;
	struct blob_job *job = outlet->job;
	request_wait(&outlet->put);
	if (!blob_put_take(&outlet->put, &job->blob->digest, &err)) {
		/* A token that ran out between two requests; the next attempt has another. */
		if (outlet->put.again)
			err->kind = ERR_TRANSIENT;
		job_stumble(job, last_attempt, err);
		return;
	}
	job->is_done = true;
	copy_memory_note_written(
		stream->group->copier->memory, &job->target->to->repository, &job->blob->digest);
}

/* Takes the error, which is the source's. */
static void fail_source(struct stream *stream, bool last_attempt, struct err *err)
{
	for (size_t i = 0; i < stream->outlet_count; i++) {
		struct err *copy = err_copy(err);
		err_prefix(&copy, "source");
		job_stumble(stream->outlets[i].job, last_attempt, copy);
	}
	err_free(err);
}

static void attempt_with_source(struct stream *stream, bool last_attempt)
{
	struct err *err = NULL;
	if (!open_source(stream, &err)) {
		fail_source(stream, last_attempt, err);
		return;
	}
	CLEANUP(mem_freep) struct pieces *pieces = mem_new(1, sizeof(*pieces));
	open_outlets(stream);
	bool ok = pump(stream, pieces, &err);
	for (size_t i = 0; i < stream->outlet_count; i++) {
		if (ok)
			finish_outlet(stream, &stream->outlets[i], last_attempt);
		request_release(&stream->outlets[i].put);
	}
	if (!ok)
		fail_source(stream, last_attempt, err);
}

/* No byte has to be read to know what zero bytes hash to. */
static void attempt_empty(struct stream *stream, bool last_attempt)
{
	const struct digest *wanted = &stream->blob->digest;
	struct digest empty = digest_of(wanted->algorithm, "", 0);
	if (!digest_equal(&empty, wanted)) {
		struct err *err = NULL;
		err_set(&err, ERR_DIGEST, "a blob of no bytes has another digest");
		fail_source(stream, true, err);
		return;
	}
	open_outlets(stream);
	for (size_t i = 0; i < stream->outlet_count; i++) {
		finish_outlet(stream, &stream->outlets[i], last_attempt);
		request_release(&stream->outlets[i].put);
	}
}

/* ---- Attempts ---- */

static size_t collect_open(struct blob_job *const *jobs, size_t count, struct blob_job **ret_open)
{
	size_t open = 0;
	for (size_t i = 0; i < count; i++)
		if (blob_job_is_open(jobs[i]))
			ret_open[open++] = jobs[i];
	return open;
}

static void attempt_stream(
	struct group *group, struct blob_job *const *open, size_t count, bool last_attempt)
{
	struct stream stream = {
		.group = group,
		.blob = open[0]->blob,
		.outlets = mem_new(count, sizeof(struct outlet)),
		.outlet_count = count,
	};
	for (size_t i = 0; i < count; i++)
		stream.outlets[i].job = open[i];
	if (stream.blob->size == 0)
		attempt_empty(&stream, last_attempt);
	else
		attempt_with_source(&stream, last_attempt);
	request_release(&stream.get);
	mem_free(stream.outlets);
}

void stream_blob(struct group *group, struct blob_job *const *jobs, size_t count)
{
	struct blob_job **open = mem_new(count, sizeof(*open));
	for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
		size_t open_count = collect_open(jobs, count, open);
		for (size_t i = 0; i < open_count && attempt > 1; i++)
			look_for_blob(group, open[i]);
		open_count = collect_open(jobs, count, open);
		stream_open_uploads(group, open, open_count);
		open_count = collect_open(jobs, count, open);
		if (open_count > 0)
			attempt_stream(group, open, open_count, attempt == ATTEMPTS);
	}
	mem_free(open);
}
