/*
 * Nothing hangs for ever: servers that always do a little, in time for every stall; and whose time
 * it is that passes: a stream that waits for our own side, and a call in its queue, have all of it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "tests/threads/http_fixture.h"

/* A server that does what its target says. */
struct server {
	struct fixture f;
	atomic_uint answered;
};

static void sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

/* A byte each 10 ms. */
static void trickle(struct tiny_exchange *x, const char *head)
{
	tiny_sendf(x, "%s", head);
	while (tiny_sendf(x, "x"))
		sleep_ms(10);
	tiny_close(x);
}

static void trickle_headers(struct tiny_exchange *x, const char *line)
{
	if (*line == 'X')
		tiny_sendf(x, "HTTP/1.1 200 OK\r\n");
	while (tiny_sendf(x, "%s", line))
		sleep_ms(SHORT_MS / 8);
	tiny_close(x);
}

/* Takes the body at 3 MiB a second at most. */
static void sip(struct tiny_exchange *x)
{
	while (tiny_read_body(x, NULL, SIZE_MAX))
		sleep_ms(20);
	tiny_close(x);
}

static void send_body(struct tiny_exchange *x, size_t len)
{
	static const char bytes[64 * 1024];

	tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
	for (size_t piece; len > 0; len -= piece) {
		piece = len < sizeof(bytes) ? len : sizeof(bytes);
		if (!tiny_send(x, bytes, piece))
			break;
	}
}

static void serve(struct tiny_exchange *x, void *ctx)
{
	struct server *s = ctx;

	if (strcmp(x->target, "/body") == 0)
		trickle(x, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
	else if (strcmp(x->target, "/endless") == 0)
		trickle(x, "HTTP/1.1 200 OK\r\n\r\n");
	else if (strcmp(x->target, "/headers") == 0)
		trickle_headers(x, "X: y\r\n");
	else if (strcmp(x->target, "/interim") == 0)
		trickle_headers(x, "HTTP/1.1 102 Processing\r\n\r\n");
	else if (strcmp(x->target, "/sip") == 0)
		sip(x);
	else if (strcmp(x->target, "/much") == 0)
		send_body(x, 4 << 20);
	else if (strcmp(x->target, "/slow") == 0) {
		sleep_ms(SHORT_MS);
		tiny_reply(x, 200, "", "fine");
	} else {
		while (tiny_read_body(x, NULL, SIZE_MAX))
			continue;
		tiny_reply(x, 201, "", "fine");
	}
	s->answered++;
}

static void server_open(struct server *s, struct http_options options)
{
	*s = (struct server){0};
	fixture_open(&s->f, serve, s, options);
}

static struct http_request request_to(struct server *s, const char *method, const char *target)
{
	mem_free(s->f.url);
	s->f.url = mem_printf("%s%s", tiny_server_url(s->f.server), target);
	return fixture_request(&s->f, method);
}

/* Reads to the end; the error. */
static struct err *read_all(struct http_call *call, size_t *ret_total)
{
	static char bytes[64 * 1024];
	struct err *err = NULL;
	size_t len;

	while (http_call_read(call, bytes, sizeof(bytes), &len, &err) && len)
		*ret_total += len;
	return err;
}

/* ---- Servers that are too slow ---- */

static void expect_slow(const char *target, int64_t request_timeout_ms, const char *text)
{
	struct http_options options = fixture_options();
	struct http_request request;
	struct http_call *call;
	struct server s;
	struct err *err;
	size_t total = 0;

	options.stall_timeout_ms = 5 * SHORT_MS;
	options.request_timeout_ms = request_timeout_ms;
	server_open(&s, options);
	request = request_to(&s, "GET", target);
	request.response_streamed = true;
	call = http_start(s.f.http, &request);
	err = read_all(call, &total);
	if (!err || !strstr(err->msg, text))
		fprintf(stderr, "%s: %s\n", target, err ? err->msg : "no error");
	CHECK(err && strstr(err->msg, text));
	check_error(err, ERR_TIMEOUT);
	CHECK(total < 10000);
	http_call_free(call);
	fixture_close(&s.f);
}

static bool write_all(struct http_call *call, size_t len, struct err **err)
{
	static const char bytes[64 * 1024];

	for (size_t piece; len > 0; len -= piece) {
		piece = len < sizeof(bytes) ? len : sizeof(bytes);
		if (!http_call_write(call, bytes, piece, err))
			return false;
	}
	return true;
}

static void test_slow_upload(void)
{
	struct http_options options = fixture_options();
	struct http_request request;
	struct http_call *call;
	struct server s;
	struct err *err = NULL;

	options.minimum_rate = 64 << 20;
	options.stall_timeout_ms = 2 * SHORT_MS;
	server_open(&s, options);
	request = request_to(&s, "PUT", "/sip");
	request.body_streamed = true;
	request.body_len = 64 << 20;
	call = http_start(s.f.http, &request);
	CHECK(!write_all(call, request.body_len, &err));
	CHECK(strstr(err->msg, "were accepted within"));
	check_error(err, ERR_TIMEOUT);
	http_call_free(call);
	fixture_close(&s.f);
}

/* What its caller limits may be as slow as it likes, as long as it moves. */
static void test_may_trickle(void)
{
	struct http_options options = fixture_options();
	struct http_request request;
	struct http_call *call;
	struct server s;
	char bytes[16];
	size_t len;

	options.stall_timeout_ms = 5 * SHORT_MS;
	server_open(&s, options);
	request = request_to(&s, "GET", "/endless");
	request.response_streamed = true;
	request.may_trickle = true;
	call = http_start(s.f.http, &request);
	for (int64_t until = clock_monotonic_ms(&clock_system) + 8 * SHORT_MS;
		clock_monotonic_ms(&clock_system) < until;)
		CHECK(http_call_read(call, bytes, sizeof(bytes), &len, NULL) && len);
	http_call_free(call);
	fixture_close(&s.f);
}

/* ---- Time that is our own ---- */

static struct http_options patient_for_us(void)
{
	struct http_options options = fixture_options();

	options.stall_timeout_ms = 5 * SHORT_MS;
	options.request_timeout_ms = 10 * SHORT_MS;
	options.minimum_rate = 256 * 1024;
	return options;
}

static void test_slow_reader(void)
{
	struct http_request request;
	struct http_call *call;
	struct server s;
	struct err *err;
	static char bytes[16 * 1024];
	size_t len, total = 0;

	server_open(&s, patient_for_us());
	request = request_to(&s, "GET", "/much");
	request.response_streamed = true;
	call = http_start(s.f.http, &request);
	CHECK(http_call_wait_head(call, NULL));
	sleep_ms(7 * SHORT_MS);
	/* 160 KiB a second, and then as fast as it comes. */
	for (int i = 0; i < 10; i++) {
		CHECK(http_call_read(call, bytes, sizeof(bytes), &len, NULL) && len);
		total += len;
		sleep_ms(100);
	}
	err = read_all(call, &total);
	CHECK(!err && total == 4 << 20);
	http_call_free(call);
	fixture_close(&s.f);
}

static void test_slow_writer(void)
{
	struct http_request request;
	struct http_call *call;
	struct server s;

	server_open(&s, patient_for_us());
	request = request_to(&s, "PUT", "/take");
	request.body_streamed = true;
	request.body_len = 100 << 10;
	request.response_max = 1000;
	call = http_start(s.f.http, &request);
	for (int i = 0; i < 3; i++) {
		CHECK(write_all(call, 10, NULL));
		sleep_ms(5 * SHORT_MS + 50);
	}
	CHECK(write_all(call, request.body_len - 30, NULL));
	CHECK(http_call_wait(call, NULL) && http_call_response(call)->status == 201);
	http_call_free(call);
	fixture_close(&s.f);
}

static void test_time_in_the_queue(void)
{
	struct http_options options = fixture_options();
	struct http_request request;
	struct http_call *calls[10];
	struct server s;

	options.connections_per_host = 1;
	options.request_timeout_ms = 8 * SHORT_MS;
	server_open(&s, options);
	request = request_to(&s, "GET", "/slow");
	request.response_max = 100;
	for (int i = 0; i < 10; i++)
		calls[i] = http_start(s.f.http, &request);
	for (int i = 0; i < 10; i++) {
		CHECK(http_call_wait(calls[i], NULL));
		http_call_free(calls[i]);
	}
	fixture_close(&s.f);
}

int main(void)
{
	expect_slow("/body", PATIENT_MS, "were received within");
	expect_slow("/endless", PATIENT_MS, "were received within");
	expect_slow("/headers", PATIENT_MS, "were received within");
	expect_slow("/interim", 3 * SHORT_MS, "not complete after");
	test_slow_upload();
	test_may_trickle();
	test_slow_reader();
	test_slow_writer();
	test_time_in_the_queue();
	return 0;
}
