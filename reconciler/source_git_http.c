/*
 * Stateless RPC: one GET for the refs, one POST for each round of negotiation. The GET may be
 * redirected as net/ allows; the POSTs then go where it ended, and the token with them only if that
 * is still the same origin. Knows neither packets nor packs.
 */
#include "reconciler/source_git_http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "net/http.h"
#include "net/retry.h"

#define ADVERTISEMENT_MAX ((size_t)64 << 20)
#define REQUEST_MAX ((size_t)64 << 20)
#define CHUNK ((size_t)64 * 1024)
#define TOKEN_MAX ((size_t)16 * 1024)

static const char refs_suffix[] = "/info/refs?service=git-upload-pack";

struct http_wire {
	const struct source_git_url *url;
	const struct source_git_deadline *deadline;
	struct http *http;
	struct http_tls *tls;
	char *authorization; /* secret; NULL: none */
	struct str refs;
	size_t refs_read;
	enum http_source source; /* under which POSTs are sent */
	char *base;		 /* where POSTs go, once the refs are in */
	bool same_host; /* the refs came from the URL's own origin: the token may go there */
	enum source_git_phase phase;
	struct str request;
	struct http_call *call; /* of the current POST, once its answer is being read */
};

static bool type_is(const struct http_response *response, const char *expected)
{
	CLEANUP(mem_freep) char *type = http_response_header(response, "Content-Type", 0);

	if (!type)
		return false;
	return strncasecmp(type, expected, strlen(expected)) == 0 &&
		strchr("; \t", type[strlen(expected)]);
}

static bool refused(const struct http_wire *wire, int status, struct err **err)
{
	if (!wire->authorization)
		return err_set_http(err, ERR_AUTH, status,
			"%s wants credentials (HTTP %d) or hides that there is no such repository: "
			"give a token that may read it in a token file or in CIP_GIT_TOKEN",
			wire->url->host, status);
	if (!wire->same_host)
		return err_set_http(err, ERR_AUTH, status,
			"the repository has moved to another host, which wants credentials (HTTP "
			"%d); the token stays with %s: name the new URL",
			status, wire->url->host);
	return err_set_http(err, ERR_AUTH, status,
		"%s does not accept the token (HTTP %d): check that it has not expired, may read "
		"this repository, and goes with the user name",
		wire->url->host, status);
}

/* False unless the answer is 200 with this content type. */
static bool check_answer(const struct http_wire *wire, const struct http_response *response,
	const char *type, struct err **err)
{
	int status = response->status;
	const char *host = wire->url->host;

	if (status == 401 || status == 403)
		return refused(wire, status, err);
	if (status == 404 || status == 410)
		return err_set_http(err, ERR_NOT_FOUND, status,
			"%s has no such repository, or hides it from %s (HTTP %d)", host,
			wire->authorization ? "this token" : "whoever gives no token", status);
	if (status == 429)
		return err_set_http(
			err, ERR_THROTTLED, status, "%s asks us to slow down (HTTP 429)", host);
	if (status >= 500)
		return err_set_http(
			err, ERR_TRANSIENT, status, "%s failed (HTTP %d)", host, status);
	if (status != 200)
		return err_set_http(err, ERR_INVALID, status, "%s answered HTTP %d", host, status);
	return type_is(response, type) ||
		err_set(err, ERR_INVALID,
			"%s does not speak Git's smart HTTP protocol there (content type is not "
			"%s): is this the URL of a repository?",
			host, type);
}

/* "https://host:port" of two URLs are the same text. */
static bool same_origin(const char *a, const char *b)
{
	const char *authority = strstr(a, "://");
	size_t len = authority ? (size_t)(authority + 3 - a) + strcspn(authority + 3, "/?#") : 0;

	return len && strncasecmp(a, b, len) == 0 && strchr("/?#", b[len]);
}

/* Notes where the refs came from, as the place for what follows. */
static bool take_base(struct http_wire *wire, const char *url, struct err **err)
{
	size_t len = strlen(url);
	size_t suffix = strlen(refs_suffix);

	if (len <= suffix || strcmp(url + len - suffix, refs_suffix) != 0)
		return err_set(err, ERR_INVALID,
			"%s redirects to something that is not Git's info/refs: name the "
			"repository's new URL",
			wire->url->host);
	mem_free(wire->base);
	wire->base = mem_strndup(url, len - suffix);
	return true;
}

/* Reads the whole answer; looks at the deadline as it comes in, so that a trickle ends too. */
static bool read_refs(struct http_wire *wire, struct http_call *call, struct err **err)
{
	CLEANUP(mem_freep) char *chunk = mem_new(CHUNK, 1);

	str_clear(&wire->refs);
	wire->refs_read = 0;
	for (;;) {
		size_t len;

		if (!source_git_deadline_check(wire->deadline, err) ||
			!http_call_read(call, chunk, CHUNK, &len, err))
			return false;
		if (len == 0)
			return true;
		if (!str_add(&wire->refs, chunk, len))
			return err_set(err, ERR_TOO_LARGE, "%s sent more than %zu bytes of refs",
				wire->url->host, ADVERTISEMENT_MAX);
	}
}

static bool get_refs_once(struct http_wire *wire, char **ret_retry_after, struct err **err)
{
	static const char answer_type[] = "application/x-git-upload-pack-advertisement";
	CLEANUP(mem_freep) char *url = mem_printf("%s%s", wire->url->text, refs_suffix);
	const struct http_header headers[] = {
		{.name = "Accept", .value = answer_type},
		{.name = "Authorization", .value = wire->authorization, .is_private = true},
	};
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.headers = headers,
		.header_count = wire->authorization ? 2 : 1,
		.response_streamed = true,
		.may_trickle = true,
		.tls = wire->tls,
	};
	CLEANUP(http_call_freep) struct http_call *call = http_start(wire->http, &request);
	const struct http_response *response;

	if (!http_call_wait_head(call, err))
		return false;
	response = http_call_response(call);
	*ret_retry_after = http_response_header(response, "Retry-After", 0);
	wire->same_host = same_origin(wire->url->text, response->url);
	wire->source = response->source;
	return check_answer(wire, response, answer_type, err) &&
		take_base(wire, response->url, err) && read_refs(wire, call, err);
}

static bool is_worth_retrying(const struct err *err)
{
	return retry_error(err) || err_is(err, ERR_THROTTLED);
}

/* http_do's manners (back-off, Retry-After) under the fetch's own deadline. */
static bool get_refs(struct http_wire *wire, struct err **err)
{
	const struct http_options *settings = http_settings(wire->http);
	const struct source_git_deadline *deadline = wire->deadline;

	for (unsigned attempt = 1;; attempt++) {
		CLEANUP(mem_freep) char *retry_after = NULL;
		CLEANUP(err_freep) struct err *failure = NULL;
		int64_t wait_ms;

		if (get_refs_once(wire, &retry_after, &failure))
			return true;
		if (!retry_after ||
			!retry_after_parse(retry_after, clock_unix_ms(settings->clock), &wait_ms))
			wait_ms = retry_backoff_ms(settings->clock, attempt,
				settings->retry_base_ms, settings->retry_max_ms);
		if (!is_worth_retrying(failure) || attempt >= settings->attempts ||
			wait_ms > settings->retry_after_max_ms ||
			wait_ms >= source_git_deadline_left_ms(deadline)) {
			err_keep_first(err, &failure);
			return false;
		}
		log_debug("%s; attempt %u, next in %lld ms", failure->msg, attempt,
			(long long)wait_ms);
		cancel_sleep_ms(deadline->cancel, CANCEL_DRAIN, wait_ms);
		if (!source_git_deadline_check(deadline, err))
			return false;
	}
}

static void end_call(struct http_wire *wire)
{
	http_call_free(wire->call);
	wire->call = NULL;
}

static bool http_begin(void *ctx, enum source_git_phase phase, struct err **err)
{
	struct http_wire *wire = ctx;

	wire->phase = phase;
	end_call(wire);
	str_clear(&wire->request);
	return phase == SOURCE_GIT_NEGOTIATE || get_refs(wire, err);
}

static bool http_write(void *ctx, const void *bytes, size_t len, struct err **err)
{
	struct http_wire *wire = ctx;

	/* libgit2 says good-bye to connections; here there is none. */
	if (wire->phase == SOURCE_GIT_ADVERTISE)
		return true;
	return str_add(&wire->request, bytes, len) ||
		err_set(err, ERR_TOO_LARGE, "more than %zu bytes to negotiate", REQUEST_MAX);
}

static bool post(struct http_wire *wire, struct err **err)
{
	static const char answer_type[] = "application/x-git-upload-pack-result";
	CLEANUP(mem_freep) char *url = mem_printf("%s/git-upload-pack", wire->base);
	const struct http_header headers[] = {
		{.name = "Content-Type", .value = "application/x-git-upload-pack-request"},
		{.name = "Accept", .value = answer_type},
		{.name = "Authorization", .value = wire->authorization, .is_private = true},
	};
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.source = wire->source,
		.headers = headers,
		.header_count = wire->authorization && wire->same_host ? 3 : 2,
		.body = str_text(&wire->request),
		.body_len = wire->request.len,
		.response_streamed = true,
		.may_trickle = true,
		.tls = wire->tls,
	};

	wire->call = http_start(wire->http, &request);
	return http_call_wait_head(wire->call, err) &&
		check_answer(wire, http_call_response(wire->call), answer_type, err);
}

static bool http_read(void *ctx, void *bytes, size_t max, size_t *ret_len, struct err **err)
{
	struct http_wire *wire = ctx;

	if (wire->phase == SOURCE_GIT_ADVERTISE) {
		size_t left = wire->refs.len - wire->refs_read;
		size_t len = left < max ? left : max;

		memcpy(bytes, str_text(&wire->refs) + wire->refs_read, len);
		wire->refs_read += len;
		*ret_len = len;
		return true;
	}
	if (!wire->call && !post(wire, err))
		return false;
	return http_call_read(wire->call, bytes, max, ret_len, err);
}

static void http_wire_free(void *ctx)
{
	struct http_wire *wire = ctx;

	end_call(wire);
	str_release(&wire->refs);
	http_tls_free(wire->tls);
	mem_free_secret_string(wire->authorization);
	mem_free(wire->base);
	str_release(&wire->request);
	mem_free(wire);
}

/* Fresh memory, to be freed as a secret; NULL in ret_token if there is none. */
static bool read_token(const char *file, char **ret_token, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(TOKEN_MAX);
	const char *variable = getenv("CIP_GIT_TOKEN");
	char *token;
	size_t len;

	if (!file && (!variable || !*variable)) {
		*ret_token = NULL;
		return true;
	}
	if (file && !fs_read_file(file, &text, err)) {
		if (err && *err)
			(*err)->kind = ERR_USAGE;
		return err_prefix(err, "token file");
	}
	if (!file && !str_add_text(&text, variable))
		return err_set(err, ERR_USAGE, "CIP_GIT_TOKEN is too long for a token");
	token = str_steal(&text, NULL);
	len = strcspn(token, "\r\n");
	if (len == 0 || strspn(token + len, "\r\n") != strlen(token + len)) {
		mem_free_secret_string(token);
		return err_set(err, ERR_USAGE, "%s: expected a token on one line",
			file ? file : "CIP_GIT_TOKEN");
	}
	token[len] = '\0';
	*ret_token = token;
	return true;
}

/* Basic credentials (RFC 7617): every forge takes a token as the password. */
static bool make_authorization(
	const struct source_git_http_options *options, char **ret_header, struct err **err)
{
	const char *username = options->username ? options->username : "x-access-token";
	char *token = NULL;
	char *pair, *encoded;

	if (!read_token(options->token_file, &token, err))
		return false;
	if (!token) {
		*ret_header = NULL;
		return true;
	}
	pair = mem_printf("%s:%s", username, token);
	encoded = base64_encode(pair, strlen(pair));
	*ret_header = mem_printf("Basic %s", encoded);
	mem_free_secret_string(encoded);
	mem_free_secret_string(pair);
	mem_free_secret_string(token);
	return true;
}

struct source_git_wire *source_git_http_new(
	const struct source_git_http_options *options, struct err **err)
{
	const struct http_tls_options tls = {.ca_files = &options->ca_file, .ca_count = 1};
	struct http_wire *http = mem_new(1, sizeof(*http));
	struct source_git_wire *wire = mem_new(1, sizeof(*wire));

	http->url = options->url;
	http->deadline = options->deadline;
	http->http = options->http;
	str_init(&http->request, REQUEST_MAX);
	str_init(&http->refs, ADVERTISEMENT_MAX);
	*wire = (struct source_git_wire){
		.stateless = true,
		.begin = http_begin,
		.write = http_write,
		.read = http_read,
		.free = http_wire_free,
		.ctx = http,
	};
	if (!options->http)
		err_set(err, ERR_INTERNAL, "a source over HTTP needs an HTTP client");
	else if (make_authorization(options, &http->authorization, err) &&
		(!options->ca_file || (http->tls = http_tls_new(&tls, err))))
		return wire;
	source_git_wire_free(wire);
	return NULL;
}
