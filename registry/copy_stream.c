/*
 * One blob from its source to several uploads at once. The working thread is the pump: it reads a
 * piece, hashes it, and offers the piece before it to each upload as that has room; the last piece
 * is withheld until size and digest are right, so no registry ever completes wrong bytes. A failed
 * upload drops out, and so does one that keeps others waiting (docs/decisions/007); they are tried
 * again with another read, and the others go on.
 */
#include <stdlib.h>
#include <string.h>

#include "registry/copy_private.h"

#define PIECE ((size_t)64 * 1024)
#define ATTEMPTS 3
/* How fast a registry should be able to hash what it was sent: 16 MiB a second. */
#define BYTES_A_MS (16 * 1024 * 1024 / 1000)

/* One upload of a stream. */
struct outlet {
	struct blob_job *job;
	struct request put;
	bool is_broken;	   /* takes no more bytes; the answer says why */
	bool is_dropped;   /* too slow for the others */
	int64_t waited_ms; /* others have waited for it in this window */
};

struct stream {
	struct group *group;
	const struct descriptor *blob;
	struct outlet *outlets;
	size_t outlet_count;
	struct request get;
	int64_t window_ms; /* when it began */
};

/* ---- Opening ---- */

/* After a lost answer nobody knows whether the registry took it: look before sending again. */
static void look_for_blob(struct group *group, struct blob_job *job)
{
	/* Where it works, opening the upload is a look. */
	if (job->host->self_mount == ABILITY_PROVEN && !job->target->distrusts)
		return;
	CLEANUP(request_release) struct request head;
	struct copy_destination *to = job->target->to;
	blob_head_init(
		&head, group->copier->registry, &to->repository, &job->blob->digest, &to->tally);
	if (request_do(&head, NULL) && request_status(&head) == 200)
		job->is_done = true;
}

static void open_outlets(struct stream *stream)
{
	for (size_t i = 0; i < stream->outlet_count; i++) {
		struct outlet *outlet = &stream->outlets[i];
		upload_send_init(stream->group, outlet->job, &outlet->put);
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

static int64_t now_ms(const struct stream *stream)
{
	return clock_monotonic_ms(stream->group->copier->clock);
}

static int64_t patience_ms(const struct stream *stream)
{
	return stream->group->copier->limits.slow_destination_ms;
}

/* It finishes by itself, when the others have ended. */
static void drop(struct stream *stream, struct outlet *outlet)
{
	request_release(&outlet->put);
	outlet->is_broken = outlet->is_dropped = true;
	group_leave_behind(stream->group, outlet->job->target);
	blob_job_fail(outlet->job, NULL);
}

static size_t count_taking(const struct stream *stream)
{
	size_t taking = 0;
	for (size_t i = 0; i < stream->outlet_count; i++)
		taking += !stream->outlets[i].is_broken;
	return taking;
}

/*
 * Waits until one of the pending outlets has room. While others have taken the piece already, the
 * time counts against those that have not; too much of it within a window, and they are dropped.
 */
static void wait_for_room(
	struct stream *stream, struct http_call **calls, bool *pending, size_t left, size_t len)
{
	bool others_wait = left < count_taking(stream);
	int64_t timeout = -1, before = now_ms(stream);
	for (size_t i = 0; i < stream->outlet_count; i++) {
		const struct outlet *outlet = &stream->outlets[i];
		calls[i] = pending[i] ? outlet->put.call : NULL;
		int64_t rest = patience_ms(stream) - outlet->waited_ms;
		if (others_wait && pending[i] && (timeout < 0 || rest < timeout))
			timeout = rest > 0 ? rest : 0;
	}
	http_wait_any_writable(calls, stream->outlet_count, len, timeout, NULL);
	if (!others_wait)
		return;
	for (size_t i = 0; i < stream->outlet_count; i++) {
		struct outlet *outlet = &stream->outlets[i];
		if (!pending[i])
			continue;
		outlet->waited_ms += now_ms(stream) - before;
		if (outlet->waited_ms >= patience_ms(stream) &&
			http_call_writable(outlet->put.call) < len) {
			drop(stream, outlet);
			pending[i] = false;
		}
	}
}

/* Three quarters of a window are what an outlet may take from the others. */
static void begin_window(struct stream *stream)
{
	if (stream->window_ms && now_ms(stream) - stream->window_ms < patience_ms(stream) * 4 / 3)
		return;
	stream->window_ms = now_ms(stream);
	for (size_t i = 0; i < stream->outlet_count; i++)
		stream->outlets[i].waited_ms = 0;
}

/* Gives a piece to every outlet, to each as soon as it has room. False once nobody takes any. */
static bool deliver(struct stream *stream, const char *bytes, size_t len)
{
	struct http_call **calls = mem_new(stream->outlet_count, sizeof(struct http_call *));
	bool *pending = mem_new(stream->outlet_count, sizeof(bool));
	size_t left;
	begin_window(stream);
	for (size_t i = 0; i < stream->outlet_count; i++)
		pending[i] = !stream->outlets[i].is_broken;
	while (len > 0 && (left = offer(stream, pending, bytes, len)) > 0)
		wait_for_room(stream, calls, pending, left, len);
	mem_free(calls);
	mem_free(pending);
	return count_taking(stream) > 0;
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

/*
 * All bytes are out; a registry may take its time to store them, but not more than its share once
 * another has.
 */
static void wait_for_ends(struct stream *stream)
{
	struct http_call **calls = mem_new(stream->outlet_count, sizeof(struct http_call *));
	int64_t patience = patience_ms(stream) + stream->blob->size / BYTES_A_MS, until = -1;
	size_t left = 0, ended;
	for (size_t i = 0; i < stream->outlet_count; i++) {
		calls[i] = stream->outlets[i].is_broken ? NULL : stream->outlets[i].put.call;
		left += calls[i] != NULL;
	}
	for (bool is_over = false; left > 0 && !is_over;) {
		int64_t timeout = until < 0 ? -1 : until - now_ms(stream);
		is_over = (until >= 0 && timeout <= 0) ||
			!http_wait_any(calls, stream->outlet_count, timeout, &ended, NULL);
		if (is_over)
			break;
		calls[ended] = NULL;
		left--;
		if (until < 0)
			until = now_ms(stream) + patience;
	}
	for (size_t i = 0; i < stream->outlet_count && left > 0; i++)
		if (calls[i])
			drop(stream, &stream->outlets[i]);
	mem_free(calls);
}

static void finish_outlets(struct stream *stream, bool last_attempt)
{
	wait_for_ends(stream);
	for (size_t i = 0; i < stream->outlet_count; i++) {
		struct outlet *outlet = &stream->outlets[i];
		if (outlet->is_dropped)
			continue;
		request_wait(&outlet->put);
		upload_take(stream->group, outlet->job, &outlet->put, last_attempt);
	}
}

/* Takes the error, which is the source's. */
static void fail_source(struct stream *stream, bool last_attempt, struct err *err)
{
	for (size_t i = 0; i < stream->outlet_count; i++) {
		struct err *copy = err_copy(err);
		err_prefix(&copy, "source");
		upload_lose_source(stream->group, stream->outlets[i].job, last_attempt, copy);
	}
	err_free(err);
}

static void attempt_with_source(struct stream *stream, bool last_attempt)
{
	struct err *err = NULL;
	if (!upload_open_source(stream->group, stream->blob, &stream->get, &err)) {
		fail_source(stream, last_attempt, err);
		return;
	}
	CLEANUP(mem_freep) struct pieces *pieces = mem_new(1, sizeof(*pieces));
	open_outlets(stream);
	if (pump(stream, pieces, &err))
		finish_outlets(stream, last_attempt);
	else
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
	finish_outlets(stream, last_attempt);
}

/* ---- Attempts ---- */

static size_t collect_open(struct blob_job *const *jobs, size_t count, struct blob_job **ret_open)
{
	size_t open = 0;
	for (size_t i = 0; i < count; i++)
		if (blob_job_is_open(jobs[i]) && !blob_job_in_pieces(jobs[i]))
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
	for (size_t i = 0; i < count; i++)
		request_release(&stream.outlets[i].put);
	request_release(&stream.get);
	mem_free(stream.outlets);
}

void stream_blob(struct group *group, struct blob_job *const *jobs, size_t count)
{
	struct blob_job **open = mem_new(count, sizeof(*open));
	for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
		for (size_t i = 0; i < count; i++)
			if (blob_job_is_open(jobs[i]) && jobs[i]->is_suspect)
				look_for_blob(group, jobs[i]);
		uploads_open(group, jobs, count);
		size_t open_count = collect_open(jobs, count, open);
		if (open_count > 0)
			attempt_stream(group, open, open_count, attempt == ATTEMPTS);
	}
	mem_free(open);
}
