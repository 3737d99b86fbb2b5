/*
 * Requests: URL, headers, sending (blocking, several at once, or with a streamed response), and
 * turning answers into errors. Which requests to send is the verbs' business; connections, quotas,
 * repetitions and redirects are net's.
 */
#include "registry/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/retry.h"
#include "net/url.h"
#include "registry/refusal.h"

/* ---- Building ---- */

static void prepare(struct request *request, struct registry *registry,
	const struct repository *repository, const char *method, const char *path,
	struct http_tally *tally)
{
	*request = (struct request){
		.registry = registry,
		.host = host_get(registry, repository->host),
		.what = mem_printf("%s %s/%s%s", method, repository->host, repository->path, path),
	};
	auth_use_init(&request->auth, registry->auth, request->host, registry->side,
		repository->path, tally);
	request->http = (struct http_request){
		.method = method,
		.response_max = REFUSAL_BODY_MAX,
		.repeatable = true,
		.quota_class = registry->quota_class,
		.tls = request->host->tls,
		.tally = tally,
	};
}

/* What net/ calls it in its messages: the repository, and the machine where that is another. */
static void set_label(struct request *request)
{
	CLEANUP(url_release) struct url url = {0};
	CLEANUP(mem_freep) char *where = NULL;

	if (host_owns_url(request->host, request->url)) {
		if (request->host->public_origin)
			where = mem_strdup(request->host->origin);
	} else if (url_parse(request->url, &url, NULL)) {
		where = url_label(&url);
	}
	request->label =
		where ? mem_printf("%s (at %s)", request->what, where) : mem_strdup(request->what);
	request->http.label = request->label;
}

void request_init(struct request *request, struct registry *registry,
	const struct repository *repository, const char *method, const char *path,
	const char *query, struct http_tally *tally)
{
	prepare(request, registry, repository, method, path, tally);
	request->url =
		mem_printf("%s/v2/%s%s%s", request->host->origin, repository->path, path, query);
	request->http.source = HTTP_SOURCE_CONFIGURED;
	set_label(request);
}

void request_init_given(struct request *request, struct registry *registry,
	const struct repository *repository, const char *method, const char *path, const char *url,
	enum http_source source, struct http_tally *tally)
{
	prepare(request, registry, repository, method, path, tally);
	request->url = mem_strdup(url);
	request->http.source = source;
	/* The trust that was configured is for the registry, not for whom it names. */
	if (!host_owns_url(request->host, url))
		request->http.tls = NULL;
	set_label(request);
}

void request_release(struct request *request)
{
	http_call_free(request->call);
	http_response_release(&request->answer);
	auth_use_release(&request->auth);
	mem_free(request->what);
	mem_free(request->label);
	mem_free(request->url);
	mem_free(request->quota);
	mem_free(request->range);
	err_free(request->err);
	*request = (struct request){0};
}

void request_header(struct request *request, const char *name, const char *value)
{
	/* One place is kept for Authorization. */
	if (request->header_count == REQUEST_HEADERS_MAX - 1)
		abort();
	request->headers[request->header_count++] =
		(struct http_header){.name = name, .value = value};
}

/*
 * The one gate to the network: everything that is sent passes here right before. What a registry
 * says to do elsewhere is done without anything that is meant for the registry.
 */
static bool authorise(struct request *request, bool may_probe, struct err **err)
{
	bool is_own = host_owns_url(request->host, request->url);
	request->again = false;
	if (request->host->unusable) {
		if (err)
			*err = err_copy(request->host->unusable);
		return err_prefix(err, "%s", request->what);
	}
	mem_free(steal_ptr(&request->quota));
	if (is_own && !auth_prepare(&request->auth, may_probe, err)) {
		auth_unanswered(&request->auth);
		return err_prefix(err, "%s", request->what);
	}
	if (is_own)
		request->quota = auth_quota(&request->auth);
	request->http.quota = request->quota;
	request->http.url = request->url;
	request->http.headers = request->headers;
	request->http.header_count = request->header_count;
	if (is_own && request->auth.value)
		request->headers[request->http.header_count++] =
			(struct http_header){"Authorization", request->auth.value, true};
	return true;
}

/* ---- Sending ---- */

bool registry_pause(const struct registry *registry, unsigned attempt, struct err **err)
{
	const struct http_options *settings = http_settings(registry->http);
	cancel_sleep_ms(settings->cancel, CANCEL_NOW,
		retry_backoff_ms(
			settings->clock, attempt, settings->retry_base_ms, settings->retry_max_ms));
	return cancel_check(settings->cancel, CANCEL_NOW, err);
}

static void forget_answer(struct request *request)
{
	http_call_free(request->call);
	request->call = NULL;
	http_response_release(&request->answer);
	request->answer = (struct http_response){0};
	err_free(request->err);
	request->err = NULL;
}

static void pass_warnings_on(const struct request *request)
{
	struct registry *writer = request->registry->writer;
	for (size_t n = 0; n < WARNINGS_MAX; n++) {
		CLEANUP(mem_freep) char *value = request_answer_header(request, "Warning", n);
		CLEANUP(str_release) struct str text = STR_INIT(WARNING_TEXT_MAX);
		if (!value)
			break;
		if (!warning_parse(value, &text))
			continue;
		pthread_mutex_lock(&writer->lock);
		bool is_new = warnings_add(&request->host->warnings, str_text(&text));
		pthread_mutex_unlock(&writer->lock);
		if (is_new)
			log_warning("%s says: %s", request->host->name, str_text(&text));
	}
}

/* After an answer has come. Sets request->again. */
static bool learn(struct request *request, struct err **err)
{
	if (!host_owns_url(request->host, request->url))
		return true;
	pass_warnings_on(request);
	return auth_answered(&request->auth, request_answer(request), &request->again, err) ||
		err_prefix(err, "%s", request->what);
}

static bool do_once(struct request *request, struct err **err)
{
	struct http_response answer;
	forget_answer(request);
	if (!authorise(request, true, err))
		return false;
	if (!http_do(request->registry->http, &request->http, &answer, err)) {
		auth_unanswered(&request->auth);
		return false;
	}
	request->answer = answer;
	return learn(request, err);
}

bool request_do(struct request *request, struct err **err)
{
	do {
		if (!do_once(request, err))
			return false;
	} while (request->again);
	return true;
}

void request_fail(struct request *request, struct err *err)
{
	forget_answer(request);
	request->err = err;
}

void request_wait(struct request *request)
{
	struct err *err = NULL;
	if (!request->call)
		return;
	if (!http_call_wait(request->call, &err) || !learn(request, &err))
		request_fail(request, err);
}

static void start(struct request *request, bool may_probe)
{
	struct err *err = NULL;
	forget_answer(request);
	if (authorise(request, may_probe, &err))
		request->call = http_start(request->registry->http, &request->http);
	else
		request->err = err;
}

void request_start(struct request *request)
{
	start(request, false);
}

/* ---- Streamed responses ---- */

/* The error body of a streamed response, as far as it can be read and is looked at. */
static void collect_refusal(struct request *request, struct str *body)
{
	char bytes[4096];
	size_t len = 0;
	while (http_call_read(request->call, bytes, sizeof(bytes), &len, NULL) && len > 0)
		if (!str_add(body, bytes, len))
			return;
}

static bool refused(const struct request *request, const char *body, size_t len, struct err **err)
{
	const struct http_response *answer = request_answer(request);
	CLEANUP(url_release) struct url url = {0};
	CLEANUP(mem_freep) char *elsewhere = NULL;
	if (answer->url && !host_owns_url(request->host, answer->url) &&
		url_parse(answer->url, &url, NULL))
		elsewhere = url_label(&url);
	struct refusal refusal = {
		.what = request->what,
		.host = request->host->name,
		.status = answer->status,
		.body = body,
		.body_len = len,
		.elsewhere = elsewhere,
		.is_withheld = request->auth.is_withheld,
	};
	const struct credential *credential = request->auth.credential;
	if (credential && credential->kind != CREDENTIAL_ANONYMOUS)
		refusal.credential = credential->origin;
	return refusal_set(&refusal, err);
}

static bool refused_stream(struct request *request, struct err **err)
{
	CLEANUP(str_release) struct str body = STR_INIT(REFUSAL_BODY_MAX);
	collect_refusal(request, &body);
	return refused(request, str_text(&body), body.len, err);
}

/* True if the head of an answer is there; *ret_err is owned by the caller. */
static bool open_once(struct request *request, struct err **ret_err)
{
	start(request, true);
	if (!request->call) {
		*ret_err = steal_ptr(&request->err);
		return false;
	}
	if (!http_call_wait_head(request->call, ret_err)) {
		auth_unanswered(&request->auth);
		return false;
	}
	return learn(request, ret_err);
}

bool request_open(struct request *request, struct err **err)
{
	request->http.response_streamed = true;
	do {
		if (!open_once(request, err))
			return false;
	} while (request->again);
	return request_status(request) == 200 || refused_stream(request, err);
}

/* ---- Answers ---- */

const struct http_response *request_answer(const struct request *request)
{
	if (request->call)
		return http_call_response(request->call);
	return request->answer.status ? &request->answer : NULL;
}

int request_status(const struct request *request)
{
	const struct http_response *answer = request_answer(request);
	return answer ? answer->status : 0;
}

bool request_succeeded(const struct request *request, struct err **err)
{
	const struct http_response *answer = request_answer(request);
	if (!answer) {
		if (err)
			*err = err_copy(request->err);
		return false;
	}
	if (answer->status >= 200 && answer->status <= 299)
		return true;
	return refused(request, str_text(&answer->body), answer->body.len, err);
}

char *request_answer_header(const struct request *request, const char *name, size_t n)
{
	const struct http_response *answer = request_answer(request);
	return answer ? http_response_header(answer, name, n) : NULL;
}

bool request_resolve(const struct request *request, const char *reference, char **ret_url,
	enum http_source *ret_source, struct err **err)
{
	CLEANUP(mem_freep) char *url = NULL;
	enum http_source source;
	if (!http_response_resolve(request_answer(request), reference, &url, &source, err))
		return err_prefix(err, "%s", request->what);
	char *endpoint_url = host_endpoint_url(request->host, url);
	if (endpoint_url) {
		*ret_url = endpoint_url;
		*ret_source = HTTP_SOURCE_CONFIGURED;
		return true;
	}
	*ret_url = steal_ptr(&url);
	*ret_source = source;
	return true;
}
