/*
 * The client against servers that break off, stall, lie, or answer too much or too early: each time
 * the right kind of error, in bounded time and memory, and a client that still works afterwards.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/threads/http_fixture.h"

/* What the server does with a request whose target ends in the index of a fault. */
typedef void fault(struct tiny_exchange *x);

/* Sends nothing more and waits for the client to give up. */
static void hold(struct tiny_exchange *x)
{
	x->body_len = UINT64_MAX;
	x->body_read = 1; /* no 100 Continue */
	while (tiny_read_body(x, NULL, SIZE_MAX))
		continue;
	tiny_close(x);
}

static void cut_body(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
	tiny_close(x);
}

static void cut_chunk(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
	tiny_close(x);
}

static void reset_in_body(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
	tiny_reset(x);
}

static void reset_in_head(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-");
	tiny_reset(x);
}

static void say_nothing(struct tiny_exchange *x)
{
	tiny_close(x);
}

static void stall_in_body(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
	hold(x);
}

static void stall_in_head(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n");
	hold(x);
}

static void announce_too_much(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n");
	hold(x);
}

static void send_too_much(struct tiny_exchange *x)
{
	char chunk[4096 + 1];

	memset(chunk, 'a', sizeof(chunk));
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (tiny_sendf(x, "1000\r\n%.4096s\r\n", chunk))
		continue;
	tiny_close(x);
}

static void endless_headers(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\n");
	for (unsigned i = 0; tiny_sendf(x, "X-%u: %u\r\n", i, i); i++)
		continue;
	tiny_close(x);
}

static void long_headers(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\n");
	for (unsigned i = 0; tiny_sendf(x, "X-%u: %01000d\r\n", i, i); i++)
		continue;
	tiny_close(x);
}

static void endless_line(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nX: ");
	while (tiny_sendf(x, "%01000d", 0))
		continue;
	tiny_close(x);
}

static void endless_interim(struct tiny_exchange *x)
{
	while (tiny_sendf(x, "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"))
		continue;
	tiny_close(x);
}

static void endless_trailers(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
	while (tiny_sendf(x, "X: y\r\n"))
		continue;
	tiny_close(x);
}

static void nul_in_header(struct tiny_exchange *x)
{
	tiny_send(x, "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n", 46);
}

static void not_http(struct tiny_exchange *x)
{
	tiny_sendf(x, "SSH-2.0-OpenSSH_9.2\r\n");
	hold(x);
}

static void two_lengths(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello");
	hold(x);
}

static void gzip_content(struct tiny_exchange *x)
{
	tiny_reply(x, 200, "Content-Encoding: gzip\r\n", "\x1f\x8b bomb");
}

static void gzip_transfer(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\n\x1f\r\n");
	hold(x);
}

static void two_transfer_encodings(struct tiny_exchange *x)
{
	tiny_sendf(x,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: deflate\r\nTransfer-Encoding: "
		"chunked\r\n\r\n1\r\nx\r\n");
	hold(x);
}

static void switch_protocols(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\nother bytes");
	hold(x);
}

static void http_0_9(struct tiny_exchange *x)
{
	tiny_sendf(x, "<html>hello</html>\r\n");
	tiny_close(x);
}

static void status_99(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n");
	hold(x);
}

static void status_2000(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 2000 High\r\nContent-Length: 0\r\n\r\n");
	hold(x);
}

static void status_of_letters(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/1.1 abc Letters\r\nContent-Length: 0\r\n\r\n");
	hold(x);
}

static void version_of_the_future(struct tiny_exchange *x)
{
	tiny_sendf(x, "HTTP/4.2 200 OK\r\nContent-Length: 0\r\n\r\n");
	hold(x);
}

static const struct {
	fault *fault;
	enum err_kind kind;
} faults[] = {
	{cut_body, ERR_TRANSIENT},
	{cut_chunk, ERR_TRANSIENT},
	{reset_in_body, ERR_TRANSIENT},
	{reset_in_head, ERR_TRANSIENT},
	{say_nothing, ERR_TRANSIENT},
	{hold, ERR_TIMEOUT},
	{stall_in_body, ERR_TIMEOUT},
	{stall_in_head, ERR_TIMEOUT},
	{announce_too_much, ERR_TOO_LARGE},
	{send_too_much, ERR_TOO_LARGE},
	{endless_headers, ERR_TOO_LARGE},
	{long_headers, ERR_TOO_LARGE},
	{endless_line, ERR_TOO_LARGE},
	{endless_interim, ERR_TOO_LARGE},
	{endless_trailers, ERR_TOO_LARGE},
	{nul_in_header, ERR_INVALID},
	{not_http, ERR_INVALID},
	{two_lengths, ERR_INVALID},
	{gzip_content, ERR_INVALID},
	{gzip_transfer, ERR_INVALID},
	{two_transfer_encodings, ERR_INVALID},
	{switch_protocols, ERR_INVALID},
	{http_0_9, ERR_INVALID},
	{status_99, ERR_INVALID},
	{status_2000, ERR_INVALID},
	{status_of_letters, ERR_INVALID},
	{version_of_the_future, ERR_INVALID},
};
enum { FAULTS = sizeof(faults) / sizeof(faults[0]) };

static void serve_fault(struct tiny_exchange *x, void *ctx)
{
	size_t index = (size_t)strtoul(strrchr(x->target, '/') + 1, NULL, 10);

	(void)ctx;
	if (index < FAULTS)
		faults[index].fault(x);
	else
		tiny_reply(x, 200, "", "fine");
}

static void fault_open(struct fixture *f, size_t index)
{
	struct http_options options = fixture_options();

	options.attempts = 2;
	if (index < FAULTS && faults[index].kind == ERR_TIMEOUT) {
		options.first_byte_timeout_ms = SHORT_MS;
		options.stall_timeout_ms = SHORT_MS;
	}
	fixture_open(f, serve_fault, NULL, options);
	mem_free(f->url);
	f->url = mem_printf("%s/v2/%zu?sig=secret", tiny_server_url(f->server), index);
}

/* On a loaded machine an answer may miss the short deadlines that some faults need. */
static void check_still_works(struct fixture *f)
{
	struct http_request request;
	struct http_response response = {0};
	bool answered = false;

	mem_free(f->url);
	f->url = mem_printf("%s/v2/999", tiny_server_url(f->server));
	request = fixture_request(f, "GET");
	for (unsigned i = 0; i < 50 && !answered; i++) {
		CLEANUP(err_freep) struct err *err = NULL;

		answered = http_do(f->http, &request, &response, &err);
		CHECK(answered || err->kind == ERR_TIMEOUT);
	}
	CHECK(answered && response.status == 200);
	CHECK(strcmp(str_text(&response.body), "fine") == 0);
	http_response_release(&response);
}

static void test_fault(size_t index)
{
	struct fixture f;
	struct http_request request;
	enum err_kind kind = faults[index].kind;
	bool is_retried = kind == ERR_TRANSIENT || kind == ERR_TIMEOUT;

	fault_open(&f, index);
	request = fixture_request(&f, "GET");
	check_fails(&f, &request, kind);
	CHECK(f.tally.requests == 1);
	request.repeatable = true;
	check_fails(&f, &request, kind);
	CHECK(f.tally.requests == (is_retried ? 3 : 2));
	check_still_works(&f);
	fixture_close(&f);
}

/* The bytes that came before the fault are delivered, then the error; never a clean end. */
static void test_fault_in_stream(size_t index)
{
	struct fixture f;
	struct http_request request;
	struct http_call *call;
	struct err *err = NULL;
	char bytes[64];
	size_t len, total = 0;

	fault_open(&f, index);
	request = fixture_request(&f, "GET");
	request.response_streamed = true;
	call = http_start(f.http, &request);
	while (http_call_read(call, bytes, sizeof(bytes), &len, &err)) {
		CHECK(len);
		total += len;
	}
	CHECK(total == 4);
	http_call_free(call);
	check_error(err, faults[index].kind);
	check_still_works(&f);
	fixture_close(&f);
}

/* Whoever compares digests wants the bytes as they came. A refusal is only shown. */
static void answer_encoded(struct tiny_exchange *x, void *ctx)
{
	const int *status = ctx;

	tiny_reply(x, *status, "Content-Encoding: gzip\r\n", "\x1f\x8b bytes");
}

static void test_encoded(void)
{
	struct http_request request;
	struct fixture f;
	int status = 200;

	fixture_open(&f, answer_encoded, &status, fixture_options());
	request = fixture_request(&f, "GET");
	request.takes_encoded = true;
	check_answers(&f, &request, 200, "\x1f\x8b bytes");
	request.takes_encoded = false;
	check_fails(&f, &request, ERR_INVALID);
	status = 404;
	check_answers(&f, &request, 404, "\x1f\x8b bytes");
	status = 201;
	request = fixture_request(&f, "PUT");
	check_answers(&f, &request, 201, "\x1f\x8b bytes");
	fixture_close(&f);
}

/* A trailer is no header. */
static void answer_with_trailer(struct tiny_exchange *x, void *ctx)
{
	(void)ctx;
	tiny_sendf(x, "HTTP/1.1 103 Early Hints\r\nX-Interim: a\r\n\r\n");
	tiny_sendf(x,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n"
		"4\r\nfine\r\n0\r\nX-Late: b\r\n\r\n");
}

static void test_trailer(void)
{
	struct http_request request;
	struct http_response response = {0};
	struct fixture f;

	fixture_open(&f, answer_with_trailer, NULL, fixture_options());
	request = fixture_request(&f, "GET");
	for (int i = 0; i < 2; i++) {
		CHECK(http_do(f.http, &request, &response, NULL));
		CHECK(response.status == 200 && strcmp(str_text(&response.body), "fine") == 0);
		CHECK(!http_response_header(&response, "X-Late", 0));
		CHECK(!http_response_header(&response, "X-Interim", 0));
		http_response_release(&response);
	}
	CHECK(tiny_server_connections(f.server) == 1);
	fixture_close(&f);
}

/* Always just in time for the stall deadline. */
static void trickle(struct tiny_exchange *x, void *ctx)
{
	(void)ctx;
	tiny_sendf(x, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
	while (tiny_sendf(x, "x"))
		usleep(SHORT_MS * 1000 / 10);
	tiny_close(x);
}

static void test_trickle(void)
{
	struct http_options options = fixture_options();
	struct http_request request;
	struct fixture f;

	options.stall_timeout_ms = 4 * SHORT_MS;
	options.request_timeout_ms = 2 * SHORT_MS;
	fixture_open(&f, trickle, NULL, options);
	request = fixture_request(&f, "GET");
	request.response_max = 100;
	check_fails(&f, &request, ERR_TIMEOUT);
	fixture_close(&f);
}

static void test_refused_connection(void)
{
	struct fixture f;
	struct http_request request;

	fault_open(&f, 0);
	request = fixture_request(&f, "GET");
	request.repeatable = true;
	tiny_server_free(steal_ptr(&f.server));
	check_fails(&f, &request, ERR_TRANSIENT);
	CHECK(f.tally.requests == 0 && f.tally.retries == 1);
	fixture_close(&f);
}

static void test_unusable_requests(void)
{
	static const struct http_header smuggled = {.name = "X", .value = "a\r\nHost: b"};
	static const char *const urls[] = {"http://u:p@127.0.0.1/", "ftp://127.0.0.1/",
		"http://127.0.0.1/a b", "http://127.0.0.1:0/", "http:///", "/v2/"};
	struct fixture f;
	struct http_request request;

	fault_open(&f, 999);
	request = fixture_request(&f, "GET");
	request.headers = &smuggled;
	request.header_count = 1;
	check_fails(&f, &request, ERR_INVALID);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		request = fixture_request(&f, "GET");
		request.url = urls[i];
		check_fails(&f, &request, ERR_INVALID);
	}
	CHECK(tiny_server_connections(f.server) == 0);
	fixture_close(&f);
}

/* ---- Uploads ---- */

enum { REFUSE, REFUSE_AND_CLOSE, REFUSE_AND_RESET, REFUSE_PARTLY, ACCEPT_NOTHING, UPLOAD_WAYS };

struct upload {
	int way;
	_Atomic bool seen; /* by the client: the answer that has only begun */
};

static void refuse_upload(struct tiny_exchange *x, void *ctx)
{
	static const char answer[] = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\n"
				     "WWW-Authenticate: Basic\r\n%s\r\n%s";
	const struct upload *upload = ctx;
	int way = upload->way;

	if (strcmp(x->method, "GET") == 0) {
		tiny_reply(x, 200, "", "fine");
		return;
	}
	/* A little of the body, so that we are past Expect. */
	tiny_read_body(x, NULL, 1000);
	if (way == REFUSE)
		tiny_sendf(x, answer, "", "denied");
	else if (way != ACCEPT_NOTHING)
		tiny_sendf(x, answer, "Connection: close\r\n",
			way == REFUSE_PARTLY ? "den" : "denied");
	if (way == REFUSE_AND_CLOSE)
		shutdown(x->fd, SHUT_WR);
	while (way == REFUSE_PARTLY && !upload->seen)
		usleep(1000);
	if (way == REFUSE || way == REFUSE_AND_CLOSE)
		hold(x);
	else if (way == REFUSE_AND_RESET || way == REFUSE_PARTLY)
		tiny_reset(x);
	else
		usleep(4 * SHORT_MS * 1000);
}

static bool write_until_refused(struct http_call *call, uint64_t len, struct err **err)
{
	static const char zeros[64 * 1024];

	for (uint64_t at = 0; at < len; at += sizeof(zeros)) {
		if (!http_call_write(call, zeros, sizeof(zeros), err))
			return false;
	}
	return true;
}

static void test_refused_upload(int way)
{
	struct upload upload = {.way = way};
	struct fixture f;
	struct http_options options = fixture_options();
	struct http_request request;
	struct http_call *call;
	struct err *err = NULL;

	if (way == ACCEPT_NOTHING)
		options.stall_timeout_ms = SHORT_MS;
	fixture_open(&f, refuse_upload, &upload, options);
	request = fixture_request(&f, "PUT");
	request.body_streamed = true;
	request.body_len = 64u << 20;
	call = http_start(f.http, &request);
	CHECK(!write_until_refused(call, request.body_len, &err));
	upload.seen = true;
	if (way == ACCEPT_NOTHING) {
		check_error(err, ERR_TIMEOUT);
		CHECK(!http_call_wait(call, NULL));
	} else if (way == REFUSE_AND_RESET && err->kind == ERR_TRANSIENT) {
		/* The reset was faster than the answer. */
		err_free(err);
	} else {
		CHECK(err->http == 401);
		check_error(err, ERR_CONFLICT);
		CHECK(http_call_wait(call, NULL));
		CHECK(http_call_response(call)->status == 401);
		CHECK(way == REFUSE_AND_RESET ||
			strcmp(str_text(&http_call_response(call)->body),
				way == REFUSE_PARTLY ? "den" : "denied") == 0);
	}
	http_call_free(call);
	/* What is left of the body must not reach a server as a request. */
	request = fixture_request(&f, "GET");
	check_answers(&f, &request, 200, "fine");
	CHECK(tiny_server_requests(f.server) == 2 && tiny_server_connections(f.server) == 2);
	fixture_close(&f);
}

/* The same for a body in memory, through http_do. */
static void test_refused_body(int way)
{
	struct upload upload = {.way = way, .seen = true};
	struct fixture f;
	struct http_request request;
	struct http_response response = {0};
	char *body = mem_new(8, 1 << 20);

	fixture_open(&f, refuse_upload, &upload, fixture_options());
	request = fixture_request(&f, "PUT");
	request.body = body;
	request.body_len = 8 << 20;
	CHECK(http_do(f.http, &request, &response, NULL) || way == REFUSE_AND_RESET);
	CHECK(response.status == 401 || way == REFUSE_AND_RESET);
	http_response_release(&response);
	request = fixture_request(&f, "GET");
	check_answers(&f, &request, 200, "fine");
	fixture_close(&f);
	mem_free(body);
}

int main(void)
{
	for (size_t i = 0; i < FAULTS; i++)
		test_fault(i);
	test_fault_in_stream(0);
	test_fault_in_stream(1);
	test_fault_in_stream(2);
	test_fault_in_stream(6);
	test_encoded();
	test_trailer();
	test_trickle();
	test_refused_connection();
	test_unusable_requests();
	for (int way = 0; way < UPLOAD_WAYS; way++)
		test_refused_upload(way);
	for (int way = 0; way < REFUSE_PARTLY; way++)
		test_refused_body(way);
	return 0;
}
