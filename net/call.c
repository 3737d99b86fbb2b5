/*
 * The workers' side of a call: they copy bytes in and out of the channels, post what they want, and
 * sleep on a condition variable until the I/O thread has changed something. No libcurl here.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "net/call_private.h"
#include "net/redirect.h"

void call_post(struct http_call *call, enum call_post what)
{
	struct http *http = call->http;

	call->posts |= what;
	if (!call->is_posted) {
		call->is_posted = true;
		call->next_posted = NULL;
		if (http->last_posted)
			http->last_posted->next_posted = call;
		else
			http->first_posted = call;
		http->last_posted = call;
	}
	if (!http->is_woken) {
		http->is_woken = true;
		loop_wake(http);
	}
}

void call_wake(struct http_call *call)
{
	if (call->waiter)
		pthread_cond_signal(call->waiter);
}

static void call_lock(struct http_call *call)
{
	pthread_mutex_lock(&call->http->lock);
}

static void call_unlock(struct http_call *call)
{
	pthread_mutex_unlock(&call->http->lock);
}

/* ---- Messages of the I/O thread ---- */

void call_note(struct http *http, enum log_level level, char *text)
{
	pthread_mutex_lock(&http->lock);
	if (http->note_count < NOTES_MAX) {
		http->notes[http->note_count++] = (struct note){level, text};
	} else {
		http->notes_dropped++;
		mem_free(text);
	}
	pthread_mutex_unlock(&http->lock);
}

/* The lock is held before and after. */
static void say_notes(struct http *http)
{
	struct note notes[NOTES_MAX];
	size_t count = http->note_count, dropped = http->notes_dropped;

	if (count == 0)
		return;
	memcpy(notes, http->notes, count * sizeof(*notes));
	http->note_count = http->notes_dropped = 0;
	pthread_mutex_unlock(&http->lock);
	for (size_t i = 0; i < count; i++) {
		log_message(notes[i].level, "%s", notes[i].text);
		mem_free(notes[i].text);
	}
	if (dropped)
		log_info("%zu more messages about requests were dropped", dropped);
	pthread_mutex_lock(&http->lock);
}

void call_say_notes(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	say_notes(http);
	pthread_mutex_unlock(&http->lock);
}

/* ---- Waiting ---- */

typedef bool is_ready_fn(const struct http_call *call, size_t want);

/* On the system's clock, like every sleep. False once the time has come. */
static bool sleep_until(pthread_cond_t *changed, pthread_mutex_t *lock, int64_t until_ms)
{
	const struct timespec until = {
		.tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000};

	if (until_ms < 0)
		return pthread_cond_wait(changed, lock) == 0;
	return pthread_cond_timedwait(changed, lock, &until) != ETIMEDOUT;
}

/*
 * Sleeps until one of the calls is ready; its index, or `count` once the time is over. The lock is
 * held before and after.
 */
static size_t wait_any(struct http_call *const *calls, size_t count, is_ready_fn *is_ready,
	size_t want, int64_t timeout_ms)
{
	int64_t until_ms = timeout_ms < 0 ? -1 : clock_monotonic_ms(&clock_system) + timeout_ms;
	pthread_condattr_t attributes;
	pthread_cond_t changed;
	struct http *http = NULL;
	size_t ready = count;
	bool is_over = false;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attributes);
	pthread_condattr_destroy(&attributes);
	for (;;) {
		for (size_t i = 0; i < count && !http; i++)
			http = calls[i] ? calls[i]->http : NULL;
		say_notes(http);
		for (size_t i = 0; i < count && ready == count; i++) {
			if (calls[i] && is_ready(calls[i], want))
				ready = i;
		}
		for (size_t i = 0; i < count; i++) {
			if (!calls[i])
				continue;
			calls[i]->waiter = ready == count && !is_over ? &changed : NULL;
		}
		if (ready != count || is_over)
			break;
		is_over = !sleep_until(&changed, &http->lock, until_ms);
	}
	pthread_cond_destroy(&changed);
	return ready;
}

static void wait_one(struct http_call *call, is_ready_fn *is_ready)
{
	wait_any(&call, 1, is_ready, 1, -1);
}

static bool has_ended(const struct http_call *call, size_t want)
{
	(void)want;
	return call->ended;
}

/* The answer is there to stay: the I/O thread will not repeat the request any more. */
static bool keeps_head(const struct http_call *call)
{
	return call->ended ||
		(call->head_done &&
			(call->response_streamed || call->body_streamed || !call->repeatable));
}

static bool has_head(const struct http_call *call, size_t want)
{
	(void)want;
	return keeps_head(call);
}

static bool is_readable(const struct http_call *call, size_t want)
{
	(void)want;
	return call->download.len || call->ended;
}

static bool is_writable(const struct http_call *call, size_t want)
{
	return call->ended || call->answered_early || channel_room(&call->upload) >= want;
}

/* The error of a call that has ended, if it failed. */
static bool outcome(const struct http_call *call, struct err **err)
{
	if (!call->err)
		return true;
	if (err)
		*err = err_copy(call->err);
	return false;
}

/* ---- Starting and freeing ---- */

static bool copy_headers(
	struct http_call *call, const struct http_request *request, struct err **err)
{
	call->headers =
		mem_new(request->header_count ? request->header_count : 1, sizeof(*call->headers));
	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];
		if (!headers_may_send(header->name, header->value))
			return err_set(err, ERR_INVALID,
				"a header that we should send (%zu of %zu) is malformed", i + 1,
				request->header_count);
		call->headers[call->header_count++] = (struct http_header){
			.name = mem_strdup(header->name),
			.value = mem_strdup(header->value),
			.is_private = header->is_private,
		};
	}
	return true;
}

static bool is_reading(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool fill(struct http_call *call, const struct http_request *request, struct err **err)
{
	struct hop *hop = &call->hop;

	if (!url_parse(request->url, &hop->url, err)) {
		call->label = mem_strdup(request->method);
		return false;
	}
	call->label = http_request_label(request);
	url_copy(&call->home, &hop->url);
	call->source = hop->source = request->source;
	hop->is_home = true;
	if (!request->method[0] ||
		strspn(request->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(request->method))
		return err_set(err, ERR_INTERNAL, "no such method");
	return redirect_check_url(hop->source, &hop->url, err) && copy_headers(call, request, err);
}

struct http_call *http_start(struct http *http, const struct http_request *request)
{
	struct http_call *call = mem_new(1, sizeof(*call));

	call->http = http;
	call->method = mem_strdup(request->method);
	call->body = request->body;
	call->body_len = request->body_len;
	call->body_streamed = request->body_streamed && request->body_len > 0;
	call->response_max = request->response_max;
	call->response_streamed = request->response_streamed;
	call->may_trickle = request->may_trickle;
	call->takes_encoded = request->takes_encoded;
	call->repeatable = request->repeatable;
	call->final_words = request->final_words;
	call->tls = request->tls ? request->tls : http->trust;
	call->tally = request->tally;
	call->quota = request->quota ? mem_strdup(request->quota) : NULL;
	call->quota_class = request->quota_class;
	call->in_flight = request->in_flight;
	call->is_write = !is_reading(request->method);
	call->attempt = 1;
	str_init(&call->response.head, HEADERS_MAX_BYTES);
	str_init(&call->response.body, request->response_max);
	if (!fill(call, request, &call->err)) {
		err_prefix(&call->err, "%s", call->label);
		call->ended = true;
		return call;
	}
	call_lock(call);
	call_post(call, CALL_START);
	call_unlock(call);
	return call;
}

/* So that the I/O thread does not find a call that is gone. */
static void unpost(struct http_call *call)
{
	struct http *http = call->http;
	struct http_call *before = NULL;

	if (!call->is_posted)
		return;
	for (struct http_call *c = http->first_posted; c != call; c = c->next_posted)
		before = c;
	if (before)
		before->next_posted = call->next_posted;
	else
		http->first_posted = call->next_posted;
	if (http->last_posted == call)
		http->last_posted = before;
	call->is_posted = false;
}

void http_call_free(struct http_call *call)
{
	if (!call)
		return;
	call_lock(call);
	if (!call->ended) {
		call_post(call, CALL_ABORT);
		wait_one(call, has_ended);
	}
	unpost(call);
	call_unlock(call);
	for (size_t i = 0; i < call->header_count; i++) {
		mem_free((char *)(uintptr_t)call->headers[i].name);
		mem_free_secret_string((char *)(uintptr_t)call->headers[i].value);
	}
	mem_free(call->headers);
	mem_free(call->method);
	mem_free(call->label);
	mem_free(call->quota);
	url_release(&call->home);
	url_release(&call->hop.url);
	channel_release(&call->upload);
	channel_release(&call->download);
	http_response_release(&call->response);
	err_free(call->err);
	mem_free(call);
}

/* ---- Waiting for answers ---- */

/* A body that its writer left unfinished would keep us waiting for ever. The lock is held. */
static void abandon_unfinished(struct http_call *call)
{
	if (!call->ended && !call->head_done && call->body_streamed &&
		call->written < call->body_len)
		call_post(call, CALL_ABANDON);
}

bool http_call_wait_head(struct http_call *call, struct err **err)
{
	bool has;

	call_lock(call);
	abandon_unfinished(call);
	wait_one(call, has_head);
	has = call->head_done;
	call_unlock(call);
	return has || outcome(call, err);
}

bool http_call_wait(struct http_call *call, struct err **err)
{
	call_lock(call);
	abandon_unfinished(call);
	if (!call->ended && call->response_streamed) {
		call->drops_body = true;
		call_post(call, CALL_RESUME);
	}
	wait_one(call, has_ended);
	call_unlock(call);
	return outcome(call, err);
}

struct http_response *http_call_response(struct http_call *call)
{
	bool has;

	call_lock(call);
	has = call->head_done && keeps_head(call);
	call_unlock(call);
	return has ? &call->response : NULL;
}

static bool timed_out(int64_t timeout_ms, struct err **err)
{
	return err_set(err, ERR_TIMEOUT, "nothing happened within %lld ms", (long long)timeout_ms);
}

bool http_wait_any(struct http_call *const *calls, size_t count, int64_t timeout_ms,
	size_t *ret_index, struct err **err)
{
	struct http_call *first = NULL;
	size_t index;

	for (size_t i = 0; i < count && !first; i++)
		first = calls[i];
	if (!first)
		return err_set(err, ERR_INTERNAL, "there is no call to wait for");
	call_lock(first);
	index = wait_any(calls, count, has_ended, 0, timeout_ms);
	call_unlock(first);
	if (index == count)
		return timed_out(timeout_ms, err);
	*ret_index = index;
	return true;
}

/* ---- Streams ---- */

bool http_call_read(
	struct http_call *call, void *bytes, size_t max, size_t *ret_len, struct err **err)
{
	const char *from;
	size_t len = 0;

	call_lock(call);
	wait_one(call, is_readable);
	if (call->download.len) {
		from = channel_filled_region(&call->download, max, &len);
		call_unlock(call);
		memcpy(bytes, from, len);
		call_lock(call);
		channel_consume(&call->download, len);
		if (call->download_paused &&
			channel_room(&call->download) >= HTTP_CHANNEL_BYTES / 2)
			call_post(call, CALL_RESUME);
	}
	call_unlock(call);
	if (len == 0 && !outcome(call, err))
		return false;
	*ret_len = len;
	return true;
}

/* Why a body cannot be written any more. The lock is held. */
static bool refuse_write(struct http_call *call, struct err **err)
{
	if (call->ended && call->err)
		return outcome(call, err);
	if (!call->head_done)
		return err_set(err, ERR_INTERNAL, "%s: the call has ended", call->label);
	return err_set_http(err, ERR_CONFLICT, call->response.status,
		"%s: the server answered %d before it had the whole body", call->label,
		call->response.status);
}

/* Copies what fits; 0 if the call takes no more. */
static size_t write_some(struct http_call *call, const char *bytes, size_t len)
{
	size_t piece;
	char *to;

	wait_one(call, is_writable);
	if (call->ended || call->answered_early)
		return 0;
	to = channel_free_region(&call->upload, len, &piece);
	call_unlock(call);
	memcpy(to, bytes, piece);
	call_lock(call);
	channel_commit(&call->upload, piece);
	call->written += piece;
	if (call->upload_paused)
		call_post(call, CALL_RESUME);
	return piece;
}

bool http_call_write(struct http_call *call, const void *bytes, size_t len, struct err **err)
{
	const char *from = bytes;
	bool done = true;

	if (len > call->body_len - call->written)
		return err_set(
			err, ERR_INTERNAL, "%s: more bytes than were announced", call->label);
	call_lock(call);
	while (len && done) {
		size_t piece = write_some(call, from, len);
		from += piece;
		len -= piece;
		done = piece || refuse_write(call, err);
	}
	call_unlock(call);
	return done;
}

size_t http_call_writable(struct http_call *call)
{
	size_t room;

	call_lock(call);
	room = call->ended || call->answered_early ? SIZE_MAX : channel_room(&call->upload);
	call_unlock(call);
	return room;
}

bool http_wait_any_writable(struct http_call *const *calls, size_t count, size_t want,
	int64_t timeout_ms, struct err **err)
{
	struct http_call *first = NULL;
	bool is_ready;

	for (size_t i = 0; i < count && !first; i++)
		first = calls[i];
	if (!first || want > HTTP_CHANNEL_BYTES)
		return err_set(err, ERR_INTERNAL, "there is nothing to wait for");
	call_lock(first);
	is_ready = wait_any(calls, count, is_writable, want, timeout_ms) != count;
	call_unlock(first);
	return is_ready || timed_out(timeout_ms, err);
}
