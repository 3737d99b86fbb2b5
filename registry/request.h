/*
 * One request to a registry: the only place where its URL is built, where it is authorised, where
 * it is sent, and where an answer becomes an error. Internal to registry/. A request belongs to one
 * thread; it must not move in memory between its start and its release.
 */
#ifndef CIP_REGISTRY_REQUEST_H
#define CIP_REGISTRY_REQUEST_H

#include "registry/host.h"

#define REQUEST_HEADERS_MAX 4

/* How many requests of one image one thread keeps in flight to one host. */
#define REQUEST_WINDOW 8

struct request {
	struct registry *registry;
	struct host *host;
	char *what; /* "PUT gcr.io/a/b/manifests/v1": for errors; never holds a query */
	char *label; /* the same, with the machine that is asked where the name does not tell; owned */
	char *url;
	char *quota;	      /* whose budget it draws from (net/http.h); owned; NULL: none */
	char *range;	      /* value of a Content-Range header; owned, may be NULL */
	struct auth_use auth; /* used only where the URL is the registry's own */
	bool again;	      /* refused for a reason that request_do may remove */
	struct http_header headers[REQUEST_HEADERS_MAX];
	size_t header_count;
	struct http_request http; /* body and response fields may be set between init and sending */
	struct http_call *call;	  /* of a request in flight or answered through a call */
	struct http_response answer; /* of request_do */
	struct err *err;	     /* why there is no answer, after requests_run */
};

/*
 * For `method` on "/v2/<path of repository><path>", with `query` ("?n=5") or "" behind it. The
 * request is repeatable and collects up to 64 KiB of response; both may be changed.
 */
void request_init(struct request *request, struct registry *registry,
	const struct repository *repository, const char *method, const char *path,
	const char *query, struct http_tally *tally);

/* For an absolute URL that the registry of `repository` gave for `path`; see request_resolve. */
void request_init_given(struct request *request, struct registry *registry,
	const struct repository *repository, const char *method, const char *path, const char *url,
	enum http_source source, struct http_tally *tally);

void request_release(struct request *request);

/* Name and value are borrowed until the release. */
void request_header(struct request *request, const char *name, const char *value);

/* Sends and waits, as http_do. Any status is a success. */
bool request_do(struct request *request, struct err **err);

/*
 * Sends a request whose response is streamed and waits for its head. True only with status 200;
 * read the body from request->call.
 */
bool request_open(struct request *request, struct err **err);

/*
 * Sends all, REQUEST_WINDOW to a host at once, and returns when each has an answer or an `err`.
 * NULL entries are skipped.
 */
void requests_run(struct request *const *requests, size_t count);

/*
 * The same for hosts that do not wait for each other: what has no answer, repetitions included,
 * `patience_ms` after another host is through (or after the start, if there is one host only) is
 * given up with ERR_TIMEOUT.
 */
void requests_run_apart(struct request *const *requests, size_t count, int64_t patience_ms);

/* There is no answer, or none that counts, and the same request may have one later. */
bool request_may_pass(const struct request *request);

/* Ends the request with an error, which it takes. */
void request_fail(struct request *request, struct err *err);

/*
 * Puts one request in flight, for a streamed request body. Without request->call afterwards it
 * could not be authorised; request_wait then finds request->err.
 */
void request_start(struct request *request);
/* Waits for its end: an answer or request->err. */
void request_wait(struct request *request);

/* Status of the answer; 0 if there is none. */
int request_status(const struct request *request);

/* The answer; NULL if there is none. */
const struct http_response *request_answer(const struct request *request);

/* True with status 2xx. Else the error it means, or a copy of request->err. */
bool request_succeeded(const struct request *request, struct err **err);

/* n-th value of a header of the answer in fresh memory, NULL if absent. */
char *request_answer_header(const struct request *request, const char *name, size_t n);

/*
 * What a URL reference in the answer means: fresh text and the source to give request_init_given.
 * A URL of the logical host of a registry with an endpoint is turned to the endpoint.
 * ERR_INVALID if the registry may not send us there.
 */
bool request_resolve(const struct request *request, const char *reference, char **ret_url,
	enum http_source *ret_source, struct err **err);

#endif
