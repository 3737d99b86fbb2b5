/*
 * What comes back for one hop, as libcurl hands it over: interim responses, head, body, trailers.
 * Bounds all of it and publishes head and body under the lock; a full channel pauses the transfer.
 * Whether a redirect may be followed is decided later, in net/redirect.c.
 */
#include "net/response.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "net/deadline.h"
#include "net/failure.h"
#include "net/redirect.h"
#include "net/repeat.h"
#include "net/transfer.h"

/* A body that nobody sees is read so that its connection can be used again, but not for ever. */
#define UNSEEN_BODY_MAX ((size_t)64 * 1024)

bool response_request_sent(const struct http_call *call)
{
	return call->hop.sent >= call->body_len;
}

/* Records why a callback gave up; transfer_result prefers it to libcurl's words. */
static bool give_up(struct http_call *call, enum err_kind kind, const char *text)
{
	if (!call->err)
		err_set(&call->err, kind, "%s", text);
	return false;
}

/* ---- Head ---- */

static int status_of(const struct http_call *call)
{
	long status = 0;

	curl_easy_getinfo(transfer_handle(call->transfer), CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

void response_publish_head(struct http_call *call)
{
	struct http *http = call->http;
	struct http_response *response = &call->response;
	int status = status_of(call);

	response->status = status;
	response->url = url_format(&call->hop.url);
	response->source = call->hop.source;
	response->server = call->hop.server;
	if (status >= 300 && !response_request_sent(call))
		curl_easy_setopt(transfer_handle(call->transfer), CURLOPT_FORBID_REUSE, 1L);
	pthread_mutex_lock(&http->lock);
	call->head_done = true;
	call->answered_early = status >= 300 && !response_request_sent(call);
	/* libcurl only looks up again from a pause; the read callback then ends the body. */
	if (call->answered_early && call->upload_paused)
		call_post(call, CALL_RESUME);
	call_wake(call);
	pthread_mutex_unlock(&http->lock);
}

static bool is_read_only(const struct http_call *call)
{
	return strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;
}

static bool check_length(struct http_call *call)
{
	curl_off_t length = -1;

	curl_easy_getinfo(
		transfer_handle(call->transfer), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (call->response_streamed || length < 0 || strcmp(call->method, "HEAD") == 0 ||
		(uint64_t)length <= call->response_max)
		return true;
	err_set(&call->err, ERR_TOO_LARGE, "the answer has %lld bytes, more than the %zu allowed",
		(long long)length, call->response_max);
	return false;
}

/* True if every value of the header is `allowed`. */
static bool has_only(struct http_call *call, const char *name, const char *allowed)
{
	for (size_t i = 0;; i++) {
		CLEANUP(mem_freep) char *value = headers_value(&call->response.head, name, i);
		if (!value)
			return true;
		if (strcasecmp(value, allowed) == 0)
			continue;
		err_set(&call->err, ERR_INVALID, "the answer has %s: %.40s, which nobody asked for",
			name, value);
		return false;
	}
}

/*
 * We accept no encodings, and libcurl undoes those of the transfer unasked. An answer to a write is
 * not read, and a refusal is only shown.
 */
static bool check_encodings(struct http_call *call, int status)
{
	bool is_read = strcmp(call->method, "GET") == 0 && status <= 299;

	return has_only(call, "Transfer-Encoding", "chunked") &&
		(!is_read || call->takes_encoded || has_only(call, "Content-Encoding", "identity"));
}

/* The empty line after the headers. */
static bool end_of_head(struct http_call *call)
{
	int status = status_of(call);
	CLEANUP(mem_freep) char *location = NULL;

	if (status == 101)
		return give_up(call, ERR_INVALID,
			"the server wants to switch protocols (101), which nobody asked for");
	if (status < 200)
		return true;
	if (status == 417 && call->hop.sent == 0 && call->body_len) {
		/* Our Expect was refused: libcurl sends the request again without it. */
		call->hop.is_counted = false;
		return true;
	}
	if (status == 407 && call->hop.proxy)
		return failure_set_proxy_auth(call->hop.proxy, &call->err);
	if (redirect_is_status(status))
		location = headers_value(&call->response.head, "Location", 0);
	if (location && !is_read_only(call)) {
		err_set_http(&call->err, ERR_INVALID, status,
			"the server answered %d (redirect), which is only followed for GET and "
			"HEAD",
			status);
		return false;
	}
	call->hop.is_redirect = location != NULL;
	if (call->hop.is_redirect) {
		repeat_accepted(call);
		return true;
	}
	if (!repeat_judge(call, status))
		return false;
	if (call->hop.is_refused)
		return true;
	if (!check_encodings(call, status) || !check_length(call))
		return false;
	response_publish_head(call);
	return true;
}

static bool take_header(struct http_call *call, const char *line, size_t len)
{
	bool is_status_line = len >= 5 && memcmp(line, "HTTP/", 5) == 0;

	loop_touch(call, PHASE_RECEIVING);
	if (!headers_spend(&call->hop.budget, len))
		return give_up(call, ERR_TOO_LARGE,
			"the answer has more than 64 KiB or 200 lines of headers");
	if (call->head_done)
		return true; /* a trailer */
	if (is_status_line) {
		str_clear(&call->response.head);
		if (transfer_wants_http2(call->transfer) && len > 6 && line[5] == '1')
			loop_learn_http1(call);
	}
	if (len <= 2 && (line[0] == '\r' || line[0] == '\n')) {
		if (status_of(call) < 200)
			loop_touch(
				call, response_request_sent(call) ? PHASE_WAITING : PHASE_SENDING);
		return end_of_head(call);
	}
	if (!headers_add(&call->response.head, line, len))
		return give_up(call, ERR_INVALID, "the answer has a malformed header");
	return true;
}

size_t response_on_header(char *line, size_t size, size_t count, void *ctx)
{
	return take_header(ctx, line, size * count) ? size * count : 0;
}

/* ---- Body ---- */

/* Accepted bytes, or CURL_WRITEFUNC_PAUSE. */
static size_t stream_out(struct http_call *call, const char *bytes, size_t len)
{
	struct http *http = call->http;

	pthread_mutex_lock(&http->lock);
	call->download_paused = !call->drops_body && channel_room(&call->download) < len;
	if (!call->drops_body && !call->download_paused) {
		channel_add(&call->download, bytes, len);
		call_wake(call);
	}
	pthread_mutex_unlock(&http->lock);
	if (!call->download_paused)
		return len;
	loop_release_slot(call);
	deadline_pause(call);
	return CURL_WRITEFUNC_PAUSE;
}

size_t response_on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = size * count;

	loop_touch(call, PHASE_RECEIVING);
	if (call->hop.is_redirect || call->hop.is_refused) {
		call->hop.dropped += len;
		return call->hop.dropped <= UNSEEN_BODY_MAX ? len : 0;
	}
	if (!call->head_done)
		return len; /* of an answer that libcurl does not take for the last */
	if (call->response_streamed) {
		if (stream_out(call, bytes, len) == CURL_WRITEFUNC_PAUSE)
			return CURL_WRITEFUNC_PAUSE;
		call->received += len;
	} else if (!str_add(&call->response.body, bytes, len)) {
		err_set(&call->err, ERR_TOO_LARGE, "the answer has more than the %zu bytes allowed",
			call->response_max);
		return 0;
	}
	call->http->totals.bytes_received += len;
	if (call->tally)
		call->tally->bytes_received += len;
	return len;
}
