/* For the threaded programs over net/: a server, a client, a request to it. */
#ifndef CIP_TESTS_THREADS_HTTP_FIXTURE_H
#define CIP_TESTS_THREADS_HTTP_FIXTURE_H

#include <string.h>

#include "net/http.h"
#include "tests/fakes/tiny_server.h"
#include "tests/threads/check.h"

/* Short enough for a test, long enough for a loaded machine to be in time where it should be. */
enum { SHORT_MS = 200, PATIENT_MS = 20000 };

struct fixture {
	struct tiny_server *server;
	struct http *http;
	struct cancel *cancel;
	struct http_tally tally;
	char *url;
};

static inline struct http_options fixture_options(void)
{
	return (struct http_options){
		.user_agent = "cip/test",
		.connect_timeout_ms = PATIENT_MS,
		.first_byte_timeout_ms = PATIENT_MS,
		.stall_timeout_ms = PATIENT_MS,
		.retry_base_ms = 1,
		.retry_max_ms = 4,
	};
}

static inline void fixture_open(
	struct fixture *f, tiny_handler *handler, void *ctx, struct http_options options)
{
	struct err *err = NULL;

	*f = (struct fixture){.server = tiny_server_new(handler, ctx), .cancel = cancel_new()};
	options.cancel = f->cancel;
	f->http = http_new(&options, &err);
	CHECK(f->http && !err);
	f->url = mem_printf("%s/v2/?sig=secret", tiny_server_url(f->server));
}

static inline void fixture_close(struct fixture *f)
{
	http_free(f->http);
	tiny_server_free(f->server);
	cancel_free(f->cancel);
	mem_free(f->url);
}

static inline struct http_request fixture_request(struct fixture *f, const char *method)
{
	return (struct http_request){
		.method = method, .url = f->url, .response_max = 1 << 20, .tally = &f->tally};
}

/* What must be true of every error. */
static inline void check_error(struct err *err, enum err_kind kind)
{
	CHECK(err);
	if (err->kind != kind)
		fprintf(stderr, "%s, not %s: %s\n", err_kind_name(err->kind), err_kind_name(kind),
			err->msg);
	CHECK(err->kind == kind);
	CHECK(!strstr(err->msg, "secret"));
	err_free(err);
}

/* A request that must fail so. */
static inline void check_fails(
	struct fixture *f, const struct http_request *request, enum err_kind kind)
{
	struct http_response response = {0};
	struct err *err = NULL;

	CHECK(!http_do(f->http, request, &response, &err));
	check_error(err, kind);
}

/* A request that must be answered so. */
static inline void check_answers(
	struct fixture *f, const struct http_request *request, int status, const char *body)
{
	struct http_response response = {0};
	struct err *err = NULL;

	if (!http_do(f->http, request, &response, &err))
		fprintf(stderr, "%s\n", err->msg);
	CHECK(!err);
	CHECK(response.status == status);
	CHECK(strcmp(str_text(&response.body), body) == 0);
	http_response_release(&response);
}

#endif
