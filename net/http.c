/*
 * The client: options, the I/O thread's birth and death, what is declared and known of quotas, and
 * the blocking http_do on top of single calls.
 */
#include "net/http.h"

#include <curl/curl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

#include "net/call_private.h"
#include "net/queue.h"
#include "net/redirect.h"

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
	if (!options->retry_budget)
		options->retry_budget = 100;
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

static void release_rates(struct http *http)
{
	const char *host;
	void *value;

	for (size_t i = 0; strmap_next(&http->rates, &i, &host, &value);) {
		struct declared_rates *declared = value;
		mem_free(declared->host);
		mem_free(declared);
	}
	strmap_release(&http->rates);
}

static void release(struct http *http)
{
	if (http->wake_fd >= 0)
		close(http->wake_fd);
	release_rates(http);
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
	call_say_notes(http);
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

/* ---- Quotas ---- */

void http_declare_rates(struct http *http, const char *host, const struct http_rates *rates)
{
	struct declared_rates *declared;

	pthread_mutex_lock(&http->lock);
	declared = strmap_get(&http->rates, host);
	if (!declared) {
		declared = mem_new(1, sizeof(*declared));
		declared->host = mem_strdup(host);
		*strmap_put(&http->rates, declared->host) = declared;
	}
	declared->rates = *rates;
	pthread_mutex_unlock(&http->lock);
}

bool http_quota_at(struct http *http, size_t n, struct http_quota *ret_quota)
{
	const struct bucket *bucket;

	pthread_mutex_lock(&http->lock);
	for (bucket = http->newest_bucket; bucket && n > 0; n--)
		bucket = bucket->next;
	pthread_mutex_unlock(&http->lock);
	if (!bucket)
		return false;
	*ret_quota = (struct http_quota){
		.name = bucket->name,
		.requests = bucket->requests,
		.retries = bucket->retries,
		.throttled = bucket->throttled,
		.paused_ms = bucket->paused_ms,
		.ceiling = (double)bucket->ceiling_milli / 1000,
	};
	return true;
}

/* ---- Requests ---- */

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

bool http_do(struct http *http, const struct http_request *request,
	struct http_response *ret_response, struct err **err)
{
	if (request->body_streamed || request->response_streamed)
		return err_set(err, ERR_INTERNAL, "http_do is not for streamed bodies");
	CLEANUP(http_call_freep) struct http_call *call = http_start(http, request);
	if (!http_call_wait(call, err))
		return false;
	*ret_response = call->response;
	call->response = (struct http_response){0};
	return true;
}
