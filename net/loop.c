/*
 * The I/O thread: takes what workers posted, sends what the queue lets go, runs libcurl over
 * epoll, watches the deadlines, follows redirects, ends calls. It never blocks except in
 * epoll_wait and never waits for a worker. What a single request looks like is net/transfer.c,
 * which of them may leave net/queue.c, and which come back net/repeat.c.
 *
 * There are two multi handles because libcurl (7.88) keeps the connections of a host in one set
 * whatever their protocol: an HTTP/1.1 answer in it would end multiplexing for that host, and a
 * multiplexed request may be put on a busy HTTP/1.1 connection. Streamed bodies must use HTTP/1.1
 * (a paused HTTP/2 stream buffers up to 32 MiB), so they get a set of their own.
 */
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/call_private.h"
#include "net/deadline.h"
#include "net/queue.h"
#include "net/redirect.h"
#include "net/repeat.h"
#include "net/transfer.h"

enum { EVENTS_AT_ONCE = 64, IDLE_CONNECTIONS = 512, STREAMS_PER_CONNECTION = 100 };

enum { ENGINE_PLAIN, ENGINE_SHARED, ENGINE_COUNT };

/* One multi handle and the timer it asked for. */
struct engine {
	struct loop *loop;
	CURLM *multi;
	int64_t timer_ms; /* when to call it; INT64_MAX: not */
	uint32_t index;
};

/* An answer that takes longer is not the one of a limit: others need not wait for it. */
#define LIMIT_ANSWERS_WITHIN_MS 1000

struct loop {
	struct http *http;
	int epoll;
	struct engine engines[ENGINE_COUNT];
	struct queue *queue;
	struct http_call *running;
	bool is_cancelled;
};

/* Marks the wake_fd among epoll's events; others hold an engine's index above the descriptor. */
#define EVENT_WAKE UINT64_MAX

static int64_t now_ms(const struct http *http)
{
	return clock_monotonic_ms(http->options.clock);
}

void loop_wake(struct http *http)
{
	uint64_t one = 1;
	ssize_t ignored = write(http->wake_fd, &one, sizeof(one));

	(void)ignored;
}

void loop_touch(struct http_call *call, enum call_phase phase)
{
	call->phase = phase;
	call->since_ms = now_ms(call->http);
}

/* ---- libcurl's sockets and timer ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct engine *engine = ctx;
	struct epoll_event event = {.data.u64 = (uint64_t)engine->index << 32 | (uint32_t)fd};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(engine->loop->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (known && epoll_ctl(engine->loop->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	if (epoll_ctl(engine->loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		epoll_ctl(engine->loop->epoll, EPOLL_CTL_MOD, fd, &event);
	curl_multi_assign(engine->multi, fd, engine);
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct engine *engine = ctx;

	(void)multi;
	engine->timer_ms =
		timeout_ms < 0 ? INT64_MAX : clock_monotonic_ms(&clock_system) + timeout_ms;
	return 0;
}

static void engine_init(struct engine *engine, struct loop *loop, uint32_t index)
{
	CURLM *multi = curl_multi_init();

	*engine = (struct engine){
		.loop = loop, .multi = multi, .timer_ms = INT64_MAX, .index = index};
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, engine);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, engine);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING,
		index == ENGINE_SHARED ? (long)CURLPIPE_MULTIPLEX : (long)CURLPIPE_NOTHING);
	curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS_PER_CONNECTION);
}

/* ---- Lists and slots ---- */

static void running_add(struct loop *loop, struct http_call *call)
{
	call->prev = NULL;
	call->next = loop->running;
	if (call->next)
		call->next->prev = call;
	loop->running = call;
}

static void running_remove(struct loop *loop, struct http_call *call)
{
	if (call->prev)
		call->prev->next = call->next;
	else
		loop->running = call->next;
	if (call->next)
		call->next->prev = call->prev;
	call->prev = call->next = NULL;
}

/*
 * A call that waits for its worker holds no slot: the worker may itself be waiting for another call
 * that is queued behind it (a blob read from and written to one host).
 */
void loop_release_slot(struct http_call *call)
{
	if (call->holds_slot)
		call->host->in_flight--;
	call->holds_slot = false;
}

void loop_take_slot(struct http_call *call)
{
	if (!call->holds_slot)
		call->host->in_flight++;
	call->holds_slot = true;
}

void loop_learn_http1(struct http_call *call)
{
	call->host->is_http1 = true;
}

/* ---- The life of a call on this thread ---- */

static bool wants_http2(const struct http_call *call)
{
	bool is_streamed = call->body_streamed || call->response_streamed;

	return call->hop.url.is_https && !is_streamed && !call->host->is_http1;
}

/*
 * Once a host is known for HTTP/1.x, its streams join the connections that its other requests
 * made.
 */
static struct engine *engine_of(struct loop *loop, const struct http_call *call)
{
	bool is_shared = wants_http2(call) || (call->hop.url.is_https && call->host->is_http1);

	return &loop->engines[is_shared ? ENGINE_SHARED : ENGINE_PLAIN];
}

/* Takes the call away from libcurl, its queue and its slot. */
static void detach(struct loop *loop, struct http_call *call)
{
	if (call->transfer) {
		curl_multi_remove_handle(call->engine->multi, transfer_handle(call->transfer));
		transfer_free(steal_ptr(&call->transfer));
		running_remove(loop, call);
		loop_release_slot(call);
		repeat_let_go(call);
	} else if (call->host) {
		queue_remove(loop->queue, call);
	}
	call->host = NULL;
	call->bucket = NULL;
}

/* Takes over the error; NULL is success. The call is its owner's alone afterwards. */
static void finish(struct loop *loop, struct http_call *call, struct err *err)
{
	struct http *http = loop->http;
	CLEANUP(err_freep) struct err *old = NULL;

	detach(loop, call);
	if (err && call->hops)
		err_prefix(&err, "redirected to %s", call->hop.url.host);
	if (err)
		err_prefix(&err, "%s", call->label);
	if (err && call->attempt > 1 && err->kind != ERR_CANCELLED)
		err_prefix(&err, "after %u attempts", call->attempt);
	pthread_mutex_lock(&http->lock);
	old = call->err;
	call->err = err;
	call->ended = true;
	call_wake(call);
	pthread_mutex_unlock(&http->lock);
}

/* Why a bucket takes no calls now, in fresh memory; NULL: it does. */
static struct err *bucket_refusal(const struct loop *loop, const struct bucket *bucket)
{
	if (!bucket || !bucket->closed || now_ms(loop->http) >= bucket->closed_until_ms)
		return NULL;
	return err_copy(bucket->closed);
}

/* False if the call has ended instead. */
static bool enqueue(struct loop *loop, struct http_call *call)
{
	struct err *err = NULL;

	if (loop->is_cancelled) {
		cancel_check(loop->http->options.cancel, CANCEL_NOW, &err);
		finish(loop, call, err);
		return false;
	}
	call->hop.proxy = proxy_for(loop->http->proxies, &call->hop.url);
	call->phase = PHASE_QUEUED;
	queue_add(loop->queue, call);
	err = bucket_refusal(loop, call->bucket);
	if (err)
		finish(loop, call, err);
	return !err;
}

/*
 * Only marks it: whoever calls this is inside a callback of libcurl's, which forbids that transfers
 * end.
 */
void loop_close_bucket(struct http_call *call, int64_t until_ms, const struct err *why)
{
	struct bucket *bucket = call->bucket;

	err_free(bucket->closed);
	bucket->closed = err_copy(why);
	bucket->closed_until_ms = until_ms;
	bucket->is_closing = true;
}

static void end_closed(struct loop *loop, struct bucket *bucket)
{
	struct http_call *call;

	bucket->is_closing = false;
	while ((call = queue_find(loop->queue, bucket)))
		finish(loop, call, err_copy(bucket->closed));
}

static void count_repetition(struct http_call *call)
{
	if (!call->is_repetition)
		return;
	call->is_repetition = false;
	call->http->totals.retries++;
	if (call->tally)
		call->tally->retries++;
	if (call->bucket)
		call->bucket->retries++;
}

static void dispatch(struct loop *loop, struct http_call *call)
{
	struct engine *engine = engine_of(loop, call);

	count_repetition(call);
	call->engine = engine;
	call->transfer = transfer_new(call, wants_http2(call));
	running_add(loop, call);
	loop_take_slot(call);
	deadline_start(call);
	curl_multi_add_handle(engine->multi, transfer_handle(call->transfer));
}

static void dispatch_ready(struct loop *loop)
{
	struct http_call *call;

	while ((call = queue_take(loop->queue, now_ms(loop->http))))
		dispatch(loop, call);
}

/* ---- Answers ---- */

/* Makes the call ask for the next hop; the redirect's own head is forgotten. */
static bool follow(struct loop *loop, struct http_call *call, struct err **err)
{
	CLEANUP(mem_freep) char *location = headers_value(&call->response.head, "Location", 0);
	struct redirect to;

	if (call->hops >= REDIRECT_MAX)
		return err_set(err, ERR_INVALID, "more than %d redirects", REDIRECT_MAX);
	if (!redirect_decide(
		    &call->hop.url, call->hop.source, call->hop.server, location, &to, err))
		return false;
	detach(loop, call);
	url_release(&call->hop.url);
	call->hops++;
	call->hop = (struct hop){.url = to.url,
		.source = to.source,
		.is_home = call->hop.is_home && to.keeps_private};
	str_clear(&call->response.head);
	enqueue(loop, call);
	return true;
}

static void start_over(struct loop *loop, struct http_call *call)
{
	detach(loop, call);
	repeat_start_over(call);
	enqueue(loop, call);
}

/* Takes the error. */
static void fail(struct loop *loop, struct http_call *call, struct err *err)
{
	if (!call->hop.is_refused && !repeat_after_error(call, err)) {
		finish(loop, call, err);
		return;
	}
	err_free(err);
	start_over(loop, call);
}

static void complete(struct loop *loop, struct http_call *call, CURLcode code)
{
	struct err *err = NULL;

	if (!transfer_result(call, (int)code, &err))
		fail(loop, call, err);
	else if (call->hop.is_refused || repeat_judge_body(call))
		start_over(loop, call);
	else if (!call->hop.is_redirect)
		finish(loop, call, NULL);
	else if (!follow(loop, call, &err))
		finish(loop, call, err);
}

static void collect_ended(struct loop *loop, CURLM *multi)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left))) {
		CURLcode code = message->data.result;
		char *call = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		complete(loop, (struct http_call *)(void *)call, code);
	}
}

/* ---- Requests of workers ---- */

static void serve(struct loop *loop, struct http_call *call, unsigned posts)
{
	struct err *err = NULL;

	if (posts & CALL_START && !enqueue(loop, call))
		return;
	if (posts & CALL_ABORT) {
		err_set(&err, ERR_CANCELLED, "given up");
		finish(loop, call, err);
	} else if (posts & CALL_ABANDON) {
		err_set(&err, ERR_INTERNAL, "the request's body ended early");
		finish(loop, call, err);
	} else if (posts & CALL_RESUME && call->transfer && !transfer_resume(call)) {
		complete(loop, call, CURLE_WRITE_ERROR);
	}
}

/* False when the client is being freed. */
static bool take_posts(struct loop *loop)
{
	struct http *http = loop->http;
	bool goes_on;

	pthread_mutex_lock(&http->lock);
	http->is_woken = false;
	while (http->first_posted) {
		struct http_call *call = http->first_posted;
		unsigned posts = call->posts;

		http->first_posted = call->next_posted;
		if (!http->first_posted)
			http->last_posted = NULL;
		call->next_posted = NULL;
		call->is_posted = false;
		call->posts = 0;
		if (call->ended)
			continue;
		pthread_mutex_unlock(&http->lock);
		serve(loop, call, posts);
		pthread_mutex_lock(&http->lock);
	}
	goes_on = !http->is_stopping;
	pthread_mutex_unlock(&http->lock);
	return goes_on;
}

static void cancel_everything(struct loop *loop)
{
	struct err *err = NULL;
	struct http_call *call;

	if (loop->is_cancelled || cancel_check(loop->http->options.cancel, CANCEL_NOW, NULL))
		return;
	loop->is_cancelled = true;
	cancel_check(loop->http->options.cancel, CANCEL_NOW, &err);
	while (loop->running)
		finish(loop, loop->running, err_copy(err));
	while ((call = queue_find(loop->queue, NULL)))
		finish(loop, call, err_copy(err));
	err_free(err);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Ends what is overdue; returns the next deadline. */
static int64_t check_deadlines(struct loop *loop)
{
	int64_t now = now_ms(loop->http), next = INT64_MAX;

	for (struct http_call *call = loop->running, *after; call; call = after) {
		struct err *err = NULL;
		int64_t deadline;

		after = call->next;
		if (!deadline_check(call, now, &deadline, &err)) {
			fail(loop, call, err);
			continue;
		}
		if (call->ticket.is_open && call->ticket.sent_ms + LIMIT_ANSWERS_WITHIN_MS <= now)
			repeat_let_go(call);
		else if (call->ticket.is_open)
			deadline =
				earlier(deadline, call->ticket.sent_ms + LIMIT_ANSWERS_WITHIN_MS);
		next = earlier(next, deadline);
	}
	return next;
}

/* Sends what may leave; returns when it must be looked at again. */
static int64_t tend_queue(struct loop *loop)
{
	struct bucket *bucket;
	int64_t now;

	while ((bucket = queue_closing(loop->queue)))
		end_closed(loop, bucket);
	dispatch_ready(loop);
	now = now_ms(loop->http);
	queue_flush_journals(loop->queue, now, false);
	return queue_next_ms(loop->queue, now);
}

/* ---- The thread ---- */

static void handle_event(struct loop *loop, const struct epoll_event *event)
{
	uint64_t counter;
	int running, mask = 0;

	if (event->data.u64 == EVENT_WAKE) {
		ssize_t ignored = read(loop->http->wake_fd, &counter, sizeof(counter));
		(void)ignored;
		return;
	}
	mask |= event->events & EPOLLIN ? CURL_CSELECT_IN : 0;
	mask |= event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
	mask |= event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
	curl_multi_socket_action(loop->engines[event->data.u64 >> 32].multi,
		(curl_socket_t)(event->data.u64 & UINT32_MAX), mask, &running);
}

static void run_timers(struct loop *loop)
{
	int64_t now = clock_monotonic_ms(&clock_system);
	int running;

	for (size_t i = 0; i < ENGINE_COUNT; i++) {
		struct engine *engine = &loop->engines[i];
		if (engine->timer_ms > now)
			continue;
		engine->timer_ms = INT64_MAX;
		curl_multi_socket_action(engine->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

static int wait_ms(const struct loop *loop, int64_t deadline)
{
	int64_t now = clock_monotonic_ms(&clock_system), wait;

	wait = deadline == INT64_MAX ? INT64_MAX : deadline - now_ms(loop->http);
	for (size_t i = 0; i < ENGINE_COUNT; i++) {
		int64_t timer = loop->engines[i].timer_ms;
		if (timer != INT64_MAX && timer - now < wait)
			wait = timer - now;
	}
	if (wait == INT64_MAX)
		return -1;
	if (wait < 0)
		return 0;
	return wait > 60000 ? 60000 : (int)wait;
}

static void loop_init(struct loop *loop, struct http *http)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = EVENT_WAKE};

	*loop = (struct loop){.http = http, .epoll = epoll_create1(EPOLL_CLOEXEC)};
	loop->queue = queue_new(http);
	epoll_ctl(loop->epoll, EPOLL_CTL_ADD, http->wake_fd, &event);
	for (uint32_t i = 0; i < ENGINE_COUNT; i++)
		engine_init(&loop->engines[i], loop, i);
}

static void loop_release(struct loop *loop)
{
	for (size_t i = 0; i < ENGINE_COUNT; i++)
		curl_multi_cleanup(loop->engines[i].multi);
	queue_flush_journals(loop->queue, now_ms(loop->http), true);
	queue_free(loop->queue);
	close(loop->epoll);
}

void *loop_run(void *arg)
{
	struct http *http = arg;
	struct epoll_event events[EVENTS_AT_ONCE];
	struct loop loop;

	loop_init(&loop, http);
	while (take_posts(&loop)) {
		cancel_everything(&loop);
		int64_t deadline = check_deadlines(&loop);
		deadline = earlier(deadline, tend_queue(&loop));
		int count =
			epoll_wait(loop.epoll, events, EVENTS_AT_ONCE, wait_ms(&loop, deadline));
		for (int i = 0; i < count; i++)
			handle_event(&loop, &events[i]);
		run_timers(&loop);
		for (size_t i = 0; i < ENGINE_COUNT; i++)
			collect_ended(&loop, loop.engines[i].multi);
	}
	loop_release(&loop);
	return NULL;
}
