/*
 * The client: options, the I/O thread's birth and death, and the blocking http_do with its retries
 * on top of single calls.
 */
#include "net/http.h"

#include <curl/curl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "net/call_private.h"
#include "net/redirect.h"
#include "net/retry.h"

/* CURLOPT_QUICK_EXIT. */
#define CURL_AT_LEAST 0x075700

static CURLcode global_result;

static void init_global(void)
{
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool check_libcurl(struct err **err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);

	pthread_once(&once, init_global);
	if (global_result != CURLE_OK)
		return err_set(err, ERR_INTERNAL, "libcurl does not start: %s",
			curl_easy_strerror(global_result));
	if (version->version_num < CURL_AT_LEAST)
		return err_set(
			err, ERR_INTERNAL, "libcurl %s is older than 7.87", version->version);
	if (!(version->features & CURL_VERSION_SSL) ||
		strncmp(version->ssl_version, "OpenSSL", 7) != 0)
		return err_set(err, ERR_INTERNAL,
			"libcurl uses %s for TLS, not OpenSSL: install the OpenSSL build of "
			"libcurl",
			version->ssl_version ? version->ssl_version : "nothing");
	return true;
}

static void default_ms(int64_t *option, int64_t value)
{
	if (*option <= 0)
		*option = value;
}

static void fill_options(struct http_options *options)
{
	if (!options->clock)
		options->clock = &clock_system;
	if (!options->connections_per_host)
		options->connections_per_host = 20;
	if (!options->attempts)
		options->attempts = 4;
	if (!options->minimum_rate)
		options->minimum_rate = (uint64_t)16 * 1024;
	default_ms(&options->connect_timeout_ms, 15000);
	default_ms(&options->first_byte_timeout_ms, 60000);
	default_ms(&options->stall_timeout_ms, 60000);
	default_ms(&options->request_timeout_ms, 600000);
	default_ms(&options->retry_base_ms, 500);
	default_ms(&options->retry_max_ms, 30000);
	default_ms(&options->retry_after_max_ms, 300000);
}

static void on_cancel(void *ctx)
{
	loop_wake(ctx);
}

/* All signals stay with the threads that want them; SIGPIPE of a lost connection ends nothing. */
static bool start_thread(struct http *http)
{
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&http->thread, NULL, loop_run, http) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static void release(struct http *http)
{
	if (http->wake_fd >= 0)
		close(http->wake_fd);
	proxy_rules_free(http->proxies);
	http_tls_free(http->trust);
	pthread_mutex_destroy(&http->lock);
	mem_free(http->user_agent);
	mem_free(http);
}
DEFINE_CLEANUP(struct http, releasep, release)

struct http *http_new(const struct http_options *options, struct err **err)
{
	const struct http_tls_options system_trust = {0};
	CLEANUP(releasep) struct http *http = NULL;

	if (!check_libcurl(err))
		return NULL;
	http = mem_new(1, sizeof(*http));
	pthread_mutex_init(&http->lock, NULL);
	http->options = *options;
	fill_options(&http->options);
	http->user_agent = mem_strdup(options->user_agent ? options->user_agent : "cip");
	http->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	http->proxies = proxy_rules_new(err);
	if (!http->proxies)
		return NULL;
	http->trust = http_tls_new(&system_trust, err);
	if (!http->trust)
		return NULL;
	if (http->wake_fd < 0 || !start_thread(http)) {
		err_set(err, ERR_INTERNAL, "cannot start the I/O thread: out of threads or files");
		return NULL;
	}
	http->watch = (struct cancel_watch){.wake = on_cancel, .ctx = http};
	if (http->options.cancel)
		cancel_watch(http->options.cancel, &http->watch);
	return steal_ptr(&http);
}

void http_free(struct http *http)
{
	if (!http)
		return;
	if (http->options.cancel)
		cancel_unwatch(http->options.cancel, &http->watch);
	pthread_mutex_lock(&http->lock);
	http->is_stopping = true;
	loop_wake(http);
	pthread_mutex_unlock(&http->lock);
	pthread_join(http->thread, NULL);
	release(http);
}

const struct http_tally *http_totals(const struct http *http)
{
	return &http->totals;
}

const struct http_options *http_settings(const struct http *http)
{
	return &http->options;
}

/* ---- Responses ---- */

void http_response_release(struct http_response *response)
{
	mem_free(response->url);
	str_release(&response->head);
	str_release(&response->body);
	*response = (struct http_response){0};
}

char *http_response_header(const struct http_response *response, const char *name, size_t n)
{
	return headers_value(&response->head, name, n);
}

bool http_response_resolve(const struct http_response *response, const char *reference,
	char **ret_url, enum http_source *ret_source, struct err **err)
{
	CLEANUP(url_release) struct url from = {0};
	struct redirect to;

	if (!url_parse(response->url, &from, err) ||
		!redirect_decide(&from, response->source, response->server, reference, &to, err))
		return false;
	*ret_url = url_format(&to.url);
	*ret_source = to.source;
	url_release(&to.url);
	return true;
}

/* ---- Repeating ---- */

static bool do_once(struct http *http, const struct http_request *request,
	struct http_response *ret_response, struct err **err)
{
	CLEANUP(http_call_freep) struct http_call *call = http_start(http, request);

	if (!http_call_wait(call, err))
		return false;
	*ret_response = call->response;
	call->response = (struct http_response){0};
	return true;
}

/* How long the server wants us to wait; false if it did not say. */
static bool asked_wait(
	const struct http *http, const struct http_response *response, int64_t *ret_ms)
{
	CLEANUP(mem_freep) char *value = http_response_header(response, "Retry-After", 0);

	return value && retry_after_parse(value, clock_unix_ms(http->options.clock), ret_ms);
}

/* One attempt and what it means: finished, or wait and try again. */
struct attempt {
	unsigned number; /* from 1 */
	bool is_last;
	struct http_response response;
	struct err *err;
	int64_t wait_ms;
};

static bool wants_retry(const struct attempt *attempt)
{
	if (attempt->is_last)
		return false;
	return attempt->err ? retry_error(attempt->err) : retry_status(attempt->response.status);
}

/* Sets wait_ms; false if the server wants more patience than we have. */
static bool plan_wait(struct http *http, struct attempt *attempt, struct err **err)
{
	const struct http_options *options = &http->options;
	int64_t asked;

	attempt->wait_ms = retry_backoff_ms(
		options->clock, attempt->number, options->retry_base_ms, options->retry_max_ms);
	if (attempt->err || !asked_wait(http, &attempt->response, &asked))
		return true;
	if (asked > options->retry_after_max_ms)
		return err_set_http(err, ERR_THROTTLED, attempt->response.status,
			"the server answered %d and wants us to wait %lld s, longer than the %lld "
			"s allowed",
			attempt->response.status, (long long)asked / 1000,
			(long long)options->retry_after_max_ms / 1000);
	/* Jitter on top, so that all who were turned away do not come back at once. */
	attempt->wait_ms =
		asked ? asked + clock_jitter_ms(options->clock, options->retry_base_ms) : 0;
	return true;
}

static void log_retry(const struct attempt *attempt, const char *label)
{
	if (attempt->err)
		log_debug("%s; attempt %u, next in %lld ms", attempt->err->msg, attempt->number,
			(long long)attempt->wait_ms);
	else
		log_debug("%s: %d; attempt %u, next in %lld ms", label, attempt->response.status,
			attempt->number, (long long)attempt->wait_ms);
}

char *http_request_label(const struct http_request *request)
{
	CLEANUP(url_release) struct url url = {0};
	CLEANUP(mem_freep) char *where = NULL;

	if (request->label)
		return mem_strdup(request->label);
	if (url_parse(request->url, &url, NULL))
		where = url_label(&url);
	return mem_printf("%s %s", request->method, where ? where : "malformed URL");
}

static void count_retry(struct http *http, const struct http_request *request)
{
	http->totals.retries++;
	if (request->tally)
		request->tally->retries++;
}

/* Sleeps before the next attempt and forgets this one. */
static bool wait_for_next(struct http *http, const struct http_request *request,
	struct attempt *attempt, struct err **err)
{
	CLEANUP(mem_freep) char *label = http_request_label(request);
	bool goes_on = plan_wait(http, attempt, err);

	if (!goes_on)
		err_prefix(err, "%s", label);
	else
		log_retry(attempt, label);
	http_response_release(&attempt->response);
	err_free(steal_ptr(&attempt->err));
	if (!goes_on)
		return false;
	if (!cancel_sleep_ms(http->options.cancel, CANCEL_NOW, attempt->wait_ms))
		return cancel_check(http->options.cancel, CANCEL_NOW, err);
	count_retry(http, request);
	return true;
}

bool http_do(struct http *http, const struct http_request *request,
	struct http_response *ret_response, struct err **err)
{
	unsigned attempts = request->repeatable ? http->options.attempts : 1;
	struct attempt attempt = {0};

	if (request->body_streamed || request->response_streamed)
		return err_set(err, ERR_INTERNAL, "http_do is not for streamed bodies");
	do {
		attempt.number++;
		attempt.is_last = attempt.number >= attempts;
		do_once(http, request, &attempt.response, &attempt.err);
		if (!wants_retry(&attempt)) {
			if (attempt.err && attempt.number > 1)
				err_prefix(&attempt.err, "after %u attempts", attempt.number);
			if (!attempt.err)
				*ret_response = attempt.response;
			else if (err)
				*err = attempt.err;
			else
				err_free(attempt.err);
			return !attempt.err;
		}
	} while (wait_for_next(http, request, &attempt, err));
	return false;
}
