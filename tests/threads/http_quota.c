/*
 * What waits in the dispatch queue: requests that are repeated, buckets that are paused or closed,
 * and others that must not be held up by them.
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "net/limiter.h"
#include "tests/threads/http_fixture.h"

enum { THREADS = 8, CALLS = 30, SOON_MS = 5000 };

static int64_t now_ms(void)
{
	return clock_monotonic_ms(&clock_system);
}

static struct http_request repeatable(struct fixture *f, const char *method, const char *quota)
{
	struct http_request request = fixture_request(f, method);

	request.repeatable = true;
	request.quota = quota;
	return request;
}

static struct http_quota quota_of(struct fixture *f, const char *name)
{
	struct http_quota quota;

	for (size_t i = 0; http_quota_at(f->http, i, &quota); i++)
		if (strcmp(quota.name, name) == 0)
			return quota;
	CHECK(!"the bucket is known");
	return quota;
}

/* ---- Servers ---- */

/* GET is answered as the script says, once each; other methods with their own status. */
struct script {
	const char *first; /* "503 Retry-After: 1": the first answers to GET */
	unsigned count;	   /* how many; then 200 */
	_Atomic unsigned gets, refused;
	_Atomic int64_t refused_ms, next_ms; /* of the first refusal, and of the GET after it */
};

static void play(struct tiny_exchange *x, void *ctx)
{
	struct script *script = ctx;
	char header[64];
	int status;

	while (tiny_read_body(x, NULL, SIZE_MAX))
		continue;
	if (strcmp(x->method, "GET") != 0 || script->gets++ >= script->count) {
		if (strcmp(x->method, "GET") == 0 && !script->next_ms)
			script->next_ms = now_ms();
		tiny_reply(x, strcmp(x->method, "PUT") == 0 ? 500 : 200, "", "fine");
		return;
	}
	status = (int)strtol(script->first, NULL, 10);
	snprintf(header, sizeof(header), "%s%s", script->first + 4, script->first[4] ? "\r\n" : "");
	if (script->refused++ == 0)
		script->refused_ms = now_ms();
	tiny_reply(x, status, header, "no");
}

/* ---- Repeating ---- */

/* As often as there are attempts, however it was started. */
static void test_attempts(bool with_quota)
{
	struct script script = {.first = "500 "};
	struct fixture f;
	struct http_request request;
	struct http_call *calls[2];

	fixture_open(&f, play, &script, fixture_options());
	request = repeatable(&f, "PUT", with_quota ? "a.io 0" : NULL);
	request.body = "abc";
	request.body_len = 3;
	check_answers(&f, &request, 500, "fine");
	CHECK(tiny_server_requests(f.server) == 4);
	for (size_t i = 0; i < 2; i++)
		calls[i] = http_start(f.http, &request);
	for (size_t i = 0; i < 2; i++) {
		CHECK(http_call_wait(calls[i], NULL));
		CHECK(http_call_response(calls[i])->status == 500);
		CHECK(strcmp(str_text(&http_call_response(calls[i])->body), "fine") == 0);
		http_call_free(calls[i]);
	}
	CHECK(tiny_server_requests(f.server) == 12);
	CHECK(f.tally.requests == 12 && f.tally.retries == 9);
	if (with_quota) {
		CHECK(quota_of(&f, "a.io 0").requests == 12);
		CHECK(quota_of(&f, "a.io 0").retries == 9);
		CHECK(quota_of(&f, "a.io 0").throttled == 0);
	}
	fixture_close(&f);
}

/* Where the answer says that it would be the same again, once. */
static void test_final_words(void)
{
	struct script script = {.first = "500 "};
	struct fixture f;
	struct http_request request;

	fixture_open(&f, play, &script, fixture_options());
	request = repeatable(&f, "PUT", "a.io 0");
	request.final_words = "in";
	check_answers(&f, &request, 500, "fine");
	CHECK(tiny_server_requests(f.server) == 1 && f.tally.retries == 0);
	request.final_words = "other words";
	check_answers(&f, &request, 500, "fine");
	CHECK(tiny_server_requests(f.server) == 1 + 4 && f.tally.retries == 3);
	/* Others than 500 are repeated before their body is there. */
	script.first = "503 ";
	script.count = 2;
	request = repeatable(&f, "GET", "a.io 0");
	request.final_words = "no";
	check_answers(&f, &request, 200, "fine");
	CHECK(f.tally.requests == 1 + 4 + 3);
	fixture_close(&f);
}

static void test_streamed_response(void)
{
	struct script script = {.first = "503 ", .count = 2};
	struct fixture f;
	struct http_request request;
	struct http_call *call;
	char bytes[16];
	size_t len;

	fixture_open(&f, play, &script, fixture_options());
	request = repeatable(&f, "GET", NULL);
	request.response_streamed = true;
	call = http_start(f.http, &request);
	CHECK(http_call_wait_head(call, NULL));
	CHECK(http_call_response(call)->status == 200);
	CHECK(http_call_read(call, bytes, sizeof(bytes), &len, NULL) && len == 4);
	http_call_free(call);
	CHECK(f.tally.requests == 3 && f.tally.retries == 2);
	fixture_close(&f);
}

static void test_streamed_request_is_sent_once(void)
{
	struct script script = {.first = "503 "};
	struct fixture f;
	struct http_request request;
	struct http_call *call;

	fixture_open(&f, play, &script, fixture_options());
	request = repeatable(&f, "PUT", "a.io 0");
	request.body_streamed = true;
	request.body_len = 3;
	call = http_start(f.http, &request);
	CHECK(http_call_write(call, "abc", 3, NULL));
	CHECK(http_call_wait(call, NULL) && http_call_response(call)->status == 500);
	http_call_free(call);
	CHECK(f.tally.requests == 1);
	fixture_close(&f);
}

/* A server that is broken for good is not asked four times for everything. */
static void test_budget(void)
{
	struct script script = {.first = "500 "};
	struct http_options options = fixture_options();
	struct fixture f;
	struct http_request request;

	options.retry_budget = 5;
	fixture_open(&f, play, &script, options);
	request = repeatable(&f, "PUT", "a.io 0");
	for (size_t i = 0; i < 20; i++)
		check_answers(&f, &request, 500, "fine");
	/* Five, and what 27 requests have earned. */
	CHECK(f.tally.retries == 7 && f.tally.requests == 27);
	/* Others have theirs. */
	request.quota = "b.io 0";
	check_answers(&f, &request, 500, "fine");
	CHECK(f.tally.retries == 10);
	fixture_close(&f);
}

/* ---- Pauses ---- */

static void *get_one(void *arg)
{
	struct fixture *f = arg;
	struct http_request request = repeatable(f, "GET", "a.io 0");

	check_answers(f, &request, 200, "fine");
	return NULL;
}

/* One refusal stops the bucket. */
static void test_pause(const char *refusal, int64_t least_ms)
{
	struct script script = {.first = refusal, .count = 1};
	struct http_options options = fixture_options();
	struct fixture f;
	pthread_t threads[THREADS];

	options.retry_base_ms = 2 * least_ms;
	options.retry_max_ms = 2 * least_ms;
	fixture_open(&f, play, &script, options);
	CHECK(pthread_create(&threads[0], NULL, get_one, &f) == 0);
	while (!script.refused_ms)
		cancel_sleep_ms(NULL, CANCEL_NOW, 1);
	for (size_t i = 1; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, get_one, &f) == 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(script.next_ms - script.refused_ms >= least_ms - 5);
	/* Only what was on the way together was refused. */
	CHECK(quota_of(&f, "a.io 0").throttled == 1);
	CHECK(quota_of(&f, "a.io 0").paused_ms >= (uint64_t)least_ms - 5);
	CHECK(quota_of(&f, "a.io 0").requests == THREADS + 1);
	fixture_close(&f);
}

/* Too long a pause closes the bucket: those that wait for it end, and new ones do not begin. */
static void test_closed(void)
{
	struct script script = {.first = "429 Retry-After: 400", .count = UINT_MAX};
	struct fixture f;
	struct http_request request;
	struct http_call *calls[THREADS];

	fixture_open(&f, play, &script, fixture_options());
	request = repeatable(&f, "GET", "a.io 0");
	for (size_t i = 0; i < THREADS; i++)
		calls[i] = http_start(f.http, &request);
	for (size_t i = 0; i < THREADS; i++) {
		struct err *err = NULL;

		CHECK(!http_call_wait(calls[i], &err));
		check_error(err, ERR_THROTTLED);
		http_call_free(calls[i]);
	}
	check_fails(&f, &request, ERR_THROTTLED);
	/* No more than the window before the first answer. */
	CHECK(tiny_server_requests(f.server) <= LIMITER_FIRST_WINDOW);
	request.method = "HEAD";
	check_fails(&f, &request, ERR_THROTTLED);
	request.quota = "b.io 0";
	check_answers(&f, &request, 200, "");
	fixture_close(&f);
}

/* A declared rate is kept from the first request on. */
static void test_declared(void)
{
	const struct http_rates rates = {.requests_per_second = 50};
	struct script script = {.first = ""};
	struct fixture f;
	struct http_request request;
	int64_t started = now_ms();

	fixture_open(&f, play, &script, fixture_options());
	http_declare_rates(f.http, "a.io", &rates);
	request = repeatable(&f, "GET", "a.io 7");
	for (size_t i = 0; i < 11; i++)
		check_answers(&f, &request, 200, "fine");
	CHECK(now_ms() - started >= 180);
	fixture_close(&f);
}

/* ---- Ending ---- */

static void *cancel_soon(void *arg)
{
	cancel_sleep_ms(NULL, CANCEL_NOW, 50);
	cancel_raise(arg, CANCEL_NOW);
	return NULL;
}

static void test_cancel(const char *refusal, const char *quota)
{
	struct script script = {.first = refusal, .count = UINT_MAX};
	struct http_options options = fixture_options();
	struct fixture f;
	struct http_request request;
	int64_t started = now_ms();
	pthread_t thread;

	options.retry_base_ms = options.retry_max_ms = 200000;
	fixture_open(&f, play, &script, options);
	request = repeatable(&f, "GET", quota);
	CHECK(pthread_create(&thread, NULL, cancel_soon, f.cancel) == 0);
	check_fails(&f, &request, ERR_CANCELLED);
	pthread_join(thread, NULL);
	CHECK(now_ms() - started < SOON_MS);
	fixture_close(&f);
}

/* Nobody else waits for what a refusal stops; and whoever gives up does not wait either. */
static void test_free(const char *refusal, const char *quota)
{
	struct script script = {.first = refusal, .count = UINT_MAX};
	struct http_options options = fixture_options();
	struct fixture f;
	struct http_request request;
	struct http_call *calls[THREADS];
	int64_t started = now_ms();

	options.retry_base_ms = options.retry_max_ms = 200000;
	fixture_open(&f, play, &script, options);
	request = repeatable(&f, "GET", quota);
	for (size_t i = 0; i < THREADS; i++)
		calls[i] = http_start(f.http, &request);
	while (!script.refused_ms)
		cancel_sleep_ms(NULL, CANCEL_NOW, 1);
	request = repeatable(&f, "HEAD", "b.io 0");
	check_answers(&f, &request, 200, "");
	request.quota = NULL;
	check_answers(&f, &request, 200, "");
	for (size_t i = 0; i < THREADS; i++)
		http_call_free(calls[i]);
	CHECK(now_ms() - started < SOON_MS);
	fixture_close(&f);
}

/* ---- All together ---- */

struct strict {
	pthread_mutex_t lock;
	int64_t second;
	unsigned used;
};

/* A hundred a second; of these every thirteenth fails. */
static void be_strict(struct tiny_exchange *x, void *ctx)
{
	struct strict *strict = ctx;
	bool is_refused;

	pthread_mutex_lock(&strict->lock);
	if (now_ms() / 1000 != strict->second)
		strict->used = 0;
	strict->second = now_ms() / 1000;
	is_refused = strict->used++ >= 100;
	pthread_mutex_unlock(&strict->lock);
	if (is_refused)
		tiny_reply(x, 429, "", "");
	else if (x->number % 13 == 0)
		tiny_reply(x, 502, "", "");
	else
		tiny_reply(x, 200, "", "fine");
}

static void *get_many(void *arg)
{
	struct fixture *f = arg;
	struct http_request request = repeatable(f, "GET", "a.io 0");

	for (size_t i = 0; i < CALLS; i++) {
		request.quota_class = i % 3 ? HTTP_CLASS_PROMOTION : HTTP_CLASS_SIGNING;
		check_answers(f, &request, 200, "fine");
	}
	return NULL;
}

static void test_threads(void)
{
	struct strict strict = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct http_options options = fixture_options();
	struct fixture f;
	pthread_t threads[THREADS];

	options.attempts = 10;
	options.retry_base_ms = 50;
	options.retry_max_ms = 400;
	fixture_open(&f, be_strict, &strict, options);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, get_many, &f) == 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(quota_of(&f, "a.io 0").requests == THREADS * CALLS + quota_of(&f, "a.io 0").retries);
	fixture_close(&f);
}

int main(void)
{
	test_attempts(false);
	test_attempts(true);
	test_final_words();
	test_streamed_response();
	test_streamed_request_is_sent_once();
	test_budget();
	test_pause("429 ", 200);
	test_pause("503 Retry-After: 1", 1000);
	test_closed();
	test_declared();
	test_cancel("503 ", NULL);
	test_cancel("503 ", "a.io 0");
	test_cancel("429 Retry-After: 200", "a.io 0");
	test_free("503 ", NULL);
	test_free("429 Retry-After: 200", "a.io 0");
	test_threads();
	return 0;
}
