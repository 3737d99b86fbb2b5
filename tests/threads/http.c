/*
 * The client against a server that behaves: connections, threads, streams both ways, back-pressure,
 * retries, cancellation.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "tests/threads/http_fixture.h"

enum { PIECE = 50000 };

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Byte `at` of every long body in here. */
static unsigned char pattern(uint64_t at)
{
	return (unsigned char)(at * 31 + (at >> 8) + (at >> 16) * 7);
}

static void fill(unsigned char *bytes, size_t len, uint64_t at)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = pattern(at + i);
}

static bool matches(const unsigned char *bytes, size_t len, uint64_t at)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != pattern(at + i))
			return false;
	}
	return true;
}

/* ---- Connections and threads ---- */

static void echo(struct tiny_exchange *x, void *ctx)
{
	char body[256] = "";
	size_t len = 0, piece;

	(void)ctx;
	while ((piece = tiny_read_body(x, body + len, sizeof(body) - 1 - len)))
		len += piece;
	tiny_reply(x, 200, "X-Twice: a\r\nx-twice:  b \r\n", len ? body : x->method);
}

static void test_keep_alive(void)
{
	struct fixture f;
	struct http_request request;

	fixture_open(&f, echo, NULL, fixture_options());
	for (int i = 0; i < 5; i++) {
		request = fixture_request(&f, "GET");
		check_answers(&f, &request, 200, "GET");
		request = fixture_request(&f, "HEAD");
		check_answers(&f, &request, 200, "");
		request = fixture_request(&f, "POST");
		check_answers(&f, &request, 200, "POST");
		request = fixture_request(&f, "PUT");
		check_answers(&f, &request, 200, "PUT");
		request.body = "some bytes";
		request.body_len = 10;
		check_answers(&f, &request, 200, "some bytes");
		request.method = "PATCH";
		check_answers(&f, &request, 200, "some bytes");
	}
	CHECK(tiny_server_connections(f.server) == 1);
	CHECK(f.tally.requests == 30 && f.tally.retries == 0);
	CHECK(f.tally.bytes_sent == 100 && http_totals(f.http)->bytes_sent == 100);
	CHECK(f.tally.bytes_received == http_totals(f.http)->bytes_received);
	fixture_close(&f);
}

struct seen {
	char head[4096];
};

static void keep_head(struct tiny_exchange *x, void *ctx)
{
	struct seen *seen = ctx;

	snprintf(seen->head, sizeof(seen->head), "%s", x->head);
	tiny_reply(x, 200, "X-Twice: a\r\nx-twice:  b \r\n", "");
}

static void test_what_is_sent(void)
{
	static const struct http_header headers[] = {{.name = "Accept", .value = "a/b, c/d"},
		{.name = "Authorization", .value = "Basic x"}};
	struct seen seen;
	struct fixture f;
	struct http_response response = {0};
	struct http_request request;
	char *second;

	fixture_open(&f, keep_head, &seen, fixture_options());
	mem_free(f.url);
	f.url = mem_printf("%s/v2/a/../b%%2Fc?x=%%20", tiny_server_url(f.server));
	request = fixture_request(&f, "GET");
	request.headers = headers;
	request.header_count = 2;
	CHECK(http_do(f.http, &request, &response, NULL));
	CHECK(strncmp(seen.head, "GET /v2/a/../b%2Fc?x=%20 HTTP/1.1\r\n", 35) == 0);
	CHECK(strstr(seen.head, "\r\nUser-Agent: cip/test\r\n"));
	CHECK(strstr(seen.head, "\r\nAccept: a/b, c/d\r\n"));
	CHECK(strstr(seen.head, "\r\nAuthorization: Basic x\r\n"));
	CHECK(!strstr(seen.head, "Accept-Encoding") && !strstr(seen.head, "Content-Type"));
	second = http_response_header(&response, "X-TWICE", 1);
	CHECK(second && strcmp(second, "b") == 0);
	mem_free(second);
	CHECK(!http_response_header(&response, "X-Twice", 2));
	CHECK(response.server == HTTP_SOURCE_LOOPBACK);
	http_response_release(&response);

	request = fixture_request(&f, "POST");
	check_answers(&f, &request, 200, "");
	CHECK(strstr(seen.head, "\r\nContent-Length: 0\r\n"));
	CHECK(!strstr(seen.head, "Content-Type") && !strstr(seen.head, "Expect"));
	request = fixture_request(&f, "PUT");
	request.body = "{}";
	request.body_len = 2;
	check_answers(&f, &request, 200, "");
	CHECK(strstr(seen.head, "\r\nContent-Length: 2\r\n"));
	CHECK(!strstr(seen.head, "Transfer-Encoding") && !strstr(seen.head, "Expect"));
	fixture_close(&f);
}

static void *hammer(void *arg)
{
	struct fixture *f = arg;

	for (int i = 0; i < 50; i++) {
		struct http_request request = fixture_request(f, i % 2 ? "GET" : "HEAD");
		check_answers(f, &request, 200, i % 2 ? "GET" : "");
	}
	return NULL;
}

static void test_twenty_threads(void)
{
	pthread_t threads[20];
	struct fixture f;

	fixture_open(&f, echo, NULL, fixture_options());
	for (int i = 0; i < 20; i++)
		CHECK(pthread_create(&threads[i], NULL, hammer, &f) == 0);
	for (int i = 0; i < 20; i++)
		pthread_join(threads[i], NULL);
	CHECK(tiny_server_connections(f.server) <= 20);
	CHECK(tiny_server_requests(f.server) == 1000);
	CHECK(f.tally.requests == 1000 && http_totals(f.http)->requests == 1000);
	fixture_close(&f);
}

static void test_bound_per_host(void)
{
	struct http_options options = fixture_options();
	struct http_call *calls[12] = {0};
	struct fixture f;
	size_t done;

	options.connections_per_host = 3;
	fixture_open(&f, echo, NULL, options);
	for (int i = 0; i < 12; i++) {
		struct http_request request = fixture_request(&f, "GET");
		calls[i] = http_start(f.http, &request);
	}
	for (int i = 0; i < 12; i++) {
		CHECK(http_wait_any(calls, 12, -1, &done, NULL));
		CHECK(http_call_wait(calls[done], NULL));
		CHECK(http_call_response(calls[done])->status == 200);
		http_call_free(steal_ptr(&calls[done]));
	}
	CHECK(!http_wait_any(calls, 12, -1, &done, NULL));
	CHECK(tiny_server_connections(f.server) <= 3);
	fixture_close(&f);
}

static void answer_when_all_ask(struct tiny_exchange *x, void *ctx)
{
	atomic_uint *asking = ctx;

	atomic_fetch_add(asking, 1);
	for (int i = 0; i < 2000 && atomic_load(asking) < 8; i++)
		usleep(5000);
	tiny_reply(x, atomic_load(asking) < 8 ? 503 : 200, "", "");
}

/* Of a server that holds back its answers until it has several questions. */
static void test_more_for_one_that_waits(void)
{
	struct http_options options = fixture_options();
	struct http_call *calls[8];
	atomic_uint asking = 0;
	struct fixture f;

	options.connections_per_host = 3;
	fixture_open(&f, answer_when_all_ask, &asking, options);
	for (int i = 0; i < 8; i++) {
		struct http_request request = fixture_request(&f, "GET");
		request.in_flight = 8;
		calls[i] = http_start(f.http, &request);
	}
	for (int i = 0; i < 8; i++) {
		CHECK(http_call_wait(calls[i], NULL));
		CHECK(http_call_response(calls[i])->status == 200);
		http_call_free(calls[i]);
	}
	fixture_close(&f);
}

/* ---- Streams ---- */

struct flow {
	uint64_t len;
	_Atomic uint64_t moved; /* by the server */
	_Atomic bool go;	/* an upload is read only then */
};

static void send_flow(struct tiny_exchange *x, void *ctx)
{
	struct flow *flow = ctx;
	unsigned char bytes[PIECE];

	tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
		(unsigned long long)flow->len);
	for (uint64_t at = 0; at < flow->len; at += PIECE) {
		size_t len = flow->len - at < PIECE ? (size_t)(flow->len - at) : PIECE;
		fill(bytes, len, at);
		if (!tiny_send(x, bytes, len))
			return;
		flow->moved += len;
	}
}

static void test_slow_reader(void)
{
	struct flow flow = {.len = 24u << 20};
	unsigned char bytes[PIECE];
	struct fixture f;
	struct http_request request;
	struct http_call *call;
	uint64_t at = 0, before;
	size_t len;

	fixture_open(&f, send_flow, &flow, fixture_options());
	request = fixture_request(&f, "GET");
	request.response_streamed = true;
	call = http_start(f.http, &request);
	CHECK(http_call_wait_head(call, NULL));
	CHECK(http_call_response(call)->status == 200);
	/* The server gets as far as channel and sockets reach, and no further. */
	do {
		before = flow.moved;
		sleep_ms(50);
	} while (flow.moved != before);
	CHECK(before < 16u << 20);
	do {
		CHECK(http_call_read(call, bytes, sizeof(bytes), &len, NULL));
		CHECK(matches(bytes, len, at));
		at += len;
	} while (len);
	CHECK(at == flow.len && f.tally.bytes_received == flow.len);
	CHECK(http_call_wait(call, NULL));
	http_call_free(call);

	/* Nobody reads: waiting drops the body, freeing gives it up. */
	call = http_start(f.http, &request);
	CHECK(http_call_wait(call, NULL));
	http_call_free(call);
	call = http_start(f.http, &request);
	CHECK(http_call_wait_head(call, NULL));
	http_call_free(call);
	fixture_close(&f);
}

static void take_flow(struct tiny_exchange *x, void *ctx)
{
	struct flow *flow = ctx;
	unsigned char bytes[PIECE];
	uint64_t at = 0;
	size_t len;

	while (!flow->go)
		sleep_ms(1);
	while ((len = tiny_read_body(x, bytes, sizeof(bytes)))) {
		CHECK(matches(bytes, len, at));
		at += len;
		flow->moved = at;
	}
	tiny_reply(x, at == flow->len ? 201 : 400, "", "");
}

static void write_flow(struct http_call *call, uint64_t *at, uint64_t end)
{
	unsigned char bytes[PIECE];

	for (; *at < end;) {
		size_t len = end - *at < PIECE ? (size_t)(end - *at) : PIECE;
		fill(bytes, len, *at);
		CHECK(http_call_write(call, bytes, len, NULL));
		*at += len;
	}
}

static void test_slow_server(void)
{
	struct flow flow = {.len = 24u << 20};
	struct fixture f;
	struct http_request request;
	struct http_call *calls[2] = {0};
	struct err *err = NULL;
	uint64_t at = 0, before;
	size_t done;

	fixture_open(&f, take_flow, &flow, fixture_options());
	request = fixture_request(&f, "PUT");
	request.body_streamed = true;
	request.body_len = flow.len;
	calls[1] = http_start(f.http, &request);
	/* Fill channel and sockets; then the call takes nothing until the server reads. */
	do {
		before = at;
		while (http_call_writable(calls[1]) >= PIECE)
			write_flow(calls[1], &at, at + PIECE);
		sleep_ms(50);
	} while (at != before);
	CHECK(at < 16u << 20 && http_call_writable(calls[1]) < PIECE);
	CHECK(!http_wait_any_writable(calls, 2, PIECE, 20, &err) && err_is(err, ERR_TIMEOUT));
	err_free(steal_ptr(&err));
	CHECK(!http_wait_any(calls, 2, 20, &done, &err) && err_is(err, ERR_TIMEOUT));
	err_free(steal_ptr(&err));
	flow.go = true;
	CHECK(http_wait_any_writable(calls, 2, PIECE, -1, NULL));
	CHECK(http_call_writable(calls[1]) >= PIECE);
	write_flow(calls[1], &at, flow.len);
	CHECK(!http_call_write(calls[1], "x", 1, NULL)); /* more than announced */
	CHECK(http_call_wait(calls[1], NULL));
	CHECK(http_call_response(calls[1])->status == 201 && flow.moved == flow.len);
	CHECK(f.tally.bytes_sent == flow.len);
	http_call_free(calls[1]);

	/* A body that its writer gives up: the server must not take it for complete. */
	calls[1] = http_start(f.http, &request);
	at = 0;
	write_flow(calls[1], &at, flow.len - 1);
	CHECK(!http_call_wait(calls[1], NULL));
	http_call_free(calls[1]);
	fixture_close(&f);
	CHECK(flow.moved < flow.len);
}

/* Each thread reads from and writes to one host that it may have only one request in flight to. */
static void pipe_handler(struct tiny_exchange *x, void *ctx)
{
	if (strcmp(x->method, "GET") == 0)
		send_flow(x, ctx);
	else
		take_flow(x, ctx);
}

static void *pump(void *arg)
{
	struct fixture *f = arg;
	struct http_request get = fixture_request(f, "GET"), put = fixture_request(f, "PUT");
	struct http_call *from, *to;
	char bytes[PIECE];
	size_t len;

	get.response_streamed = true;
	put.body_streamed = true;
	put.body_len = 3u << 20;
	from = http_start(f->http, &get);
	CHECK(http_call_wait_head(from, NULL));
	to = http_start(f->http, &put);
	while (http_call_read(from, bytes, sizeof(bytes), &len, NULL) && len)
		CHECK(http_call_write(to, bytes, len, NULL));
	CHECK(http_call_wait(to, NULL) && http_call_response(to)->status == 201);
	http_call_free(from);
	http_call_free(to);
	return NULL;
}

static void test_one_slot_for_both_ends(void)
{
	struct flow flow = {.len = 3u << 20, .go = true};
	struct http_options options = fixture_options();
	pthread_t threads[4];
	struct fixture f;

	options.connections_per_host = 1;
	fixture_open(&f, pipe_handler, &flow, options);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, pump, &f) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	fixture_close(&f);
}

static void chunked(struct tiny_exchange *x, void *ctx)
{
	(void)ctx;
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n");
	tiny_sendf(x, "5\r\nhello\r\n");
	sleep_ms(5);
	tiny_sendf(x, "7;ext=1\r\n, world\r\n0\r\nX-T: 1\r\n\r\n");
}

static void test_chunked(void)
{
	struct fixture f;
	struct http_request request;

	fixture_open(&f, chunked, NULL, fixture_options());
	request = fixture_request(&f, "GET");
	for (int i = 0; i < 3; i++)
		check_answers(&f, &request, 200, "hello, world");
	CHECK(tiny_server_connections(f.server) == 1);
	fixture_close(&f);
}

/* ---- Retries ---- */

struct script {
	int statuses[8];
	const char *headers;
};

static void play(struct tiny_exchange *x, void *ctx)
{
	const struct script *script = ctx;
	int status = script->statuses[x->number - 1];

	while (tiny_read_body(x, NULL, SIZE_MAX))
		continue;
	if (status == 0)
		tiny_reset(x);
	else
		tiny_reply(x, status, status >= 400 ? script->headers : "", "body");
}

static void test_retries(void)
{
	struct script script = {.statuses = {503, 0, 429, 200, 500, 500, 500, 500},
		.headers = "Retry-After: 0\r\n"};
	struct fixture f;
	struct http_request request;

	fixture_open(&f, play, &script, fixture_options());
	request = fixture_request(&f, "PUT");
	request.body = "abc";
	request.body_len = 3;
	request.repeatable = true;
	check_answers(&f, &request, 200, "body");
	CHECK(f.tally.requests == 4 && f.tally.retries == 3);
	CHECK(tiny_server_requests(f.server) == 4);
	/* The last failure is the answer. */
	check_answers(&f, &request, 500, "body");
	CHECK(f.tally.requests == 8 && http_totals(f.http)->retries == 6);
	fixture_close(&f);
}

static void test_no_retries(void)
{
	struct script script = {.statuses = {503, 0, 404, 429}, .headers = "Retry-After: 301\r\n"};
	struct fixture f;
	struct http_request request;

	fixture_open(&f, play, &script, fixture_options());
	request = fixture_request(&f, "POST");
	check_answers(&f, &request, 503, "body");
	check_fails(&f, &request, ERR_TRANSIENT);
	request.repeatable = true;
	check_answers(&f, &request, 404, "body");
	check_fails(&f, &request, ERR_THROTTLED);
	CHECK(f.tally.requests == 4 && f.tally.retries == 0);
	fixture_close(&f);
}

/* ---- Cancelling ---- */

static void never_answer(struct tiny_exchange *x, void *ctx)
{
	char byte;

	(void)ctx;
	if (strcmp(x->method, "HEAD") == 0) {
		tiny_reply(x, 503, "Retry-After: 200\r\n", "");
		return;
	}
	if (strcmp(x->method, "GET") == 0)
		tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
	x->body_len = UINT64_MAX; /* until the client is gone */
	while (tiny_read_body(x, &byte, 1))
		continue;
	tiny_close(x);
}

static void *cancel_soon(void *arg)
{
	struct fixture *f = arg;

	sleep_ms(30);
	cancel_raise(f->cancel, CANCEL_DRAIN);
	sleep_ms(30);
	cancel_raise(f->cancel, CANCEL_NOW);
	return NULL;
}

static void test_cancel(const char *method, bool streamed)
{
	struct fixture f;
	struct http_request request;
	struct err *err = NULL;
	pthread_t thread;

	fixture_open(&f, never_answer, NULL, fixture_options());
	request = fixture_request(&f, method);
	request.repeatable = true;
	CHECK(pthread_create(&thread, NULL, cancel_soon, &f) == 0);
	if (streamed) {
		struct http_call *call;
		char bytes[10];
		size_t len = 0;

		request.response_streamed = true;
		call = http_start(f.http, &request);
		while (http_call_read(call, bytes, sizeof(bytes), &len, &err))
			CHECK(len <= 4);
		http_call_free(call);
		check_error(err, ERR_CANCELLED);
	} else {
		check_fails(&f, &request, ERR_CANCELLED);
	}
	pthread_join(thread, NULL);
	check_fails(&f, &request, request.response_streamed ? ERR_INTERNAL : ERR_CANCELLED);
	fixture_close(&f);
}

int main(void)
{
	test_keep_alive();
	test_what_is_sent();
	test_twenty_threads();
	test_bound_per_host();
	test_more_for_one_that_waits();
	test_slow_reader();
	test_slow_server();
	test_one_slot_for_both_ends();
	test_chunked();
	test_retries();
	test_no_retries();
	test_cancel("POST", false); /* waiting for the head */
	test_cancel("GET", false);  /* for the body */
	test_cancel("GET", true);   /* for bytes of a stream */
	test_cancel("HEAD", false); /* for the next attempt */
	return 0;
}
