/*
 * Sets up one easy handle for one hop, judges its connection and feeds it the request's body. The
 * callbacks publish under the lock and never wait; an empty channel pauses the transfer. What comes
 * back is net/response.c; when a transfer runs, and what follows it, is net/loop.c.
 */
#include "net/transfer.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "net/address.h"
#include "net/deadline.h"
#include "net/failure.h"
#include "net/queue.h"
#include "net/response.h"

/* Bodies above this wait for "100 Continue", so that a refusal costs no upload. */
#define EXPECT_ABOVE_BYTES ((uint64_t)1 << 20)
/* libcurl's own buffers of a streamed transfer, each way; others keep its 16 KiB. */
#define STREAM_BUFFER_BYTES (128L * 1024)

struct transfer {
	CURL *easy;
	struct curl_slist *headers;
	bool wants_http2;
	char detail[CURL_ERROR_SIZE];
};

/* ---- Connection ---- */

static bool may_connect(struct http_call *call, enum address_class class)
{
	if (call->hop.proxy || address_is_allowed(call->hop.source, call->hop.url.is_https, class))
		return true;
	if (!call->err)
		err_set(&call->err, ERR_INVALID,
			"a server sent us to %s, which has a %s address that it may not name",
			call->hop.url.host, address_class_name(class));
	return false;
}

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_call *call = ctx;

	if (purpose != CURLSOCKTYPE_IPCXN || !may_connect(call, address_classify(&address->addr)))
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void count_request(struct http_call *call)
{
	bool is_retry = call->hop.is_counted;

	call->hop.is_counted = true;
	call->http->totals.requests++;
	call->http->totals.retries += is_retry;
	if (call->tally) {
		call->tally->requests++;
		call->tally->retries += is_retry;
	}
	if (call->bucket) {
		call->bucket->requests++;
		call->bucket->retries += is_retry;
	}
}

/*
 * libcurl sends a request again by itself when a reused connection dies without an answer: mostly
 * one that the server had closed already, but it cannot know. Not for POST and PATCH unless the
 * caller allows it, and not when bytes have left the channel for good.
 */
static bool may_send_again(const struct http_call *call)
{
	bool is_idempotent =
		strcmp(call->method, "POST") != 0 && strcmp(call->method, "PATCH") != 0;

	return (is_idempotent || call->repeatable) && !(call->body_streamed && call->hop.sent);
}

/* Connected, about to send; also on a reused connection, which on_open_socket never saw. */
static int on_connected(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
	struct http_call *call = ctx;
	struct hop *hop = &call->hop;
	enum address_class class = ADDRESS_PUBLIC;

	(void)local_ip;
	(void)port;
	(void)local_port;
	address_classify_text(hop->proxy ? hop->url.host : ip, &class);
	/* Another address of the name may have been refused before this one was found. */
	err_free(steal_ptr(&call->err));
	if (!may_connect(call, class))
		return CURL_PREREQFUNC_ABORT;
	hop->server = address_source(class);
	if (hop->is_counted && !may_send_again(call)) {
		err_set(&call->err, ERR_TRANSIENT, "the connection was lost before an answer came");
		return CURL_PREREQFUNC_ABORT;
	}
	hop->sent = 0;
	count_request(call);
	loop_touch(call, call->body_len ? PHASE_SENDING : PHASE_WAITING);
	return CURL_PREREQFUNC_OK;
}

static CURLcode on_ssl_context(CURL *easy, void *ssl_ctx, void *ctx)
{
	const struct http_call *call = ctx;

	(void)easy;
	if (tls_is_of_proxy(ssl_ctx))
		tls_apply(call->http->trust, false, ssl_ctx);
	else
		tls_apply(call->tls, call->hop.is_home, ssl_ctx);
	return CURLE_OK;
}

/* ---- Request body ---- */

static size_t take_streamed(struct http_call *call, char *buffer, size_t max)
{
	struct http *http = call->http;
	size_t len = 0;

	pthread_mutex_lock(&http->lock);
	if (call->answered_early) {
		/* The connection will be closed, so that nothing takes the rest for a request. */
		pthread_mutex_unlock(&http->lock);
		return 0;
	}
	while (len < max && call->upload.len) {
		size_t piece;
		const char *from = channel_filled_region(&call->upload, max - len, &piece);
		memcpy(buffer + len, from, piece);
		channel_consume(&call->upload, piece);
		len += piece;
	}
	call->upload_paused = len == 0;
	call_wake(call);
	pthread_mutex_unlock(&http->lock);
	if (len == 0) {
		loop_release_slot(call);
		deadline_pause(call);
	}
	return len ? len : CURL_READFUNC_PAUSE;
}

static size_t on_read(char *buffer, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	struct hop *hop = &call->hop;
	size_t len = size * count;

	if (response_request_sent(call))
		return 0;
	if (call->body_streamed) {
		len = take_streamed(call, buffer, len);
		if (len == CURL_READFUNC_PAUSE || len == 0)
			return len;
	} else {
		if (len > call->body_len - hop->sent)
			len = (size_t)(call->body_len - hop->sent);
		memcpy(buffer, call->body + hop->sent, len);
	}
	hop->sent += len;
	call->http->totals.bytes_sent += len;
	if (call->tally)
		call->tally->bytes_sent += len;
	/* An answer that has begun keeps its own deadline. */
	loop_touch(call,
		call->phase == PHASE_RECEIVING	      ? PHASE_RECEIVING
			: response_request_sent(call) ? PHASE_WAITING
						      : PHASE_SENDING);
	return len;
}

/* libcurl starts again after a reused connection turned out to be dead. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct http_call *call = ctx;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > call->body_len)
		return CURL_SEEKFUNC_FAIL;
	if (call->body_streamed && (uint64_t)offset != call->hop.sent)
		return CURL_SEEKFUNC_FAIL;
	call->hop.sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* ---- Setting up ---- */

static void add_header(struct transfer *transfer, const char *name, const char *value)
{
	/* libcurl drops a header without a value unless it ends in a semicolon. */
	char *line = *value ? mem_printf("%s: %s", name, value) : mem_printf("%s;", name);

	transfer->headers = curl_slist_append(transfer->headers, line);
	mem_free_secret_string(line);
}

static void set_headers(struct transfer *transfer, const struct http_call *call)
{
	bool has_type = false;

	for (size_t i = 0; i < call->header_count; i++) {
		const struct http_header *header = &call->headers[i];
		has_type |= strcasecmp(header->name, "Content-Type") == 0;
		if (call->hop.is_home || !header->is_private)
			add_header(transfer, header->name, header->value);
	}
	if (call->body_len <= EXPECT_ABOVE_BYTES)
		transfer->headers = curl_slist_append(transfer->headers, "Expect:");
	if (!has_type)
		transfer->headers = curl_slist_append(transfer->headers, "Content-Type:");
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_method(CURL *easy, const struct http_call *call)
{
	if (call->body_len || strcmp(call->method, "PUT") == 0 ||
		strcmp(call->method, "PATCH") == 0) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->body_len);
	} else if (strcmp(call->method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
	} else if (strcmp(call->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_trust(CURL *easy, struct http_call *call)
{
	const struct http_tls *tls = call->tls;
	bool verify = !(tls_skips_verify(tls) && call->hop.is_home);

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	/*
	 * libcurl shares connections and sessions between requests whose TLS options are equal,
	 * and the store is not one it can see. This path names the configuration; nothing is ever
	 * read there, because the store it would be added to is replaced.
	 */
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, tls_id(tls, call->hop.is_home));
}

/* One that is reached over TLS is trusted as the system says. */
static void set_proxy(CURL *easy, const struct http_call *call)
{
	const struct proxy *proxy = call->hop.proxy;

	curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy->url : "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	if (!proxy)
		return;
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (proxy->username) {
		curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, proxy->username);
		curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, proxy->password);
	}
	/* The upper bound tells it from the server: tls_is_of_proxy. */
	curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION,
		(long)CURL_SSLVERSION_TLSv1_2 | (long)CURL_SSLVERSION_MAX_TLSv1_3);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, tls_id(call->http->trust, false));
}

static void set_connection(CURL *easy, struct http_call *call, bool wants_http2)
{
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
		wants_http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, wants_http2 ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->http->options.connect_timeout_ms);
	/*
	 * Without this, giving up during a name look-up would block the I/O thread until it ends.
	 */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
}

static void set_bodies(CURL *easy, struct http_call *call)
{
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(easy, CURLOPT_READDATA, call);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, response_on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, response_on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	if (call->response_streamed)
		curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, STREAM_BUFFER_BYTES);
	if (call->body_streamed)
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, STREAM_BUFFER_BYTES);
}

struct transfer *transfer_new(struct http_call *call, bool wants_http2)
{
	struct transfer *transfer = mem_new(1, sizeof(*transfer));
	CLEANUP(mem_freep) char *url = url_format(&call->hop.url);
	CURL *easy = curl_easy_init();

	transfer->easy = easy;
	transfer->wants_http2 = wants_http2;
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, call->http->user_agent);
	set_connection(easy, call, wants_http2);
	set_proxy(easy, call);
	/* Of the server, and of a proxy that is reached over TLS. */
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, call);
	if (call->hop.url.is_https)
		set_trust(easy, call);
	set_method(easy, call);
	set_headers(transfer, call);
	set_bodies(easy, call);
	return transfer;
}

void transfer_free(struct transfer *transfer)
{
	if (!transfer)
		return;
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	mem_free(transfer);
}

void *transfer_handle(struct transfer *transfer)
{
	return transfer->easy;
}

bool transfer_wants_http2(const struct transfer *transfer)
{
	return transfer->wants_http2;
}

/* ---- Running ---- */

/*
 * Half a channel at least, so that a reader of small pieces does not start and stop us each time.
 */
static bool reader_made_room(const struct http_call *call)
{
	return channel_room(&call->download) >= HTTP_CHANNEL_BYTES / 2;
}

bool transfer_resume(struct http_call *call)
{
	struct http *http = call->http;
	bool upload = false, download = false;
	int action = CURLPAUSE_CONT;
	CURLcode code;

	pthread_mutex_lock(&http->lock);
	if (call->upload_paused)
		upload = call->upload.len || call->answered_early;
	if (call->download_paused)
		download = call->drops_body || reader_made_room(call);
	call->upload_paused &= !upload;
	call->download_paused &= !download;
	action |= call->upload_paused ? CURLPAUSE_SEND : 0;
	action |= call->download_paused ? CURLPAUSE_RECV : 0;
	pthread_mutex_unlock(&http->lock);
	if (!upload && !download)
		return true;
	if (!call->upload_paused && !call->download_paused) {
		loop_take_slot(call);
		deadline_resume(call);
	}
	loop_touch(call, call->phase);
	code = curl_easy_pause(call->transfer->easy, action);
	/* A transfer that has ended meanwhile has no connection to unpause. */
	return code == CURLE_OK || code == CURLE_BAD_FUNCTION_ARGUMENT;
}

uint64_t transfer_uploaded(const struct transfer *transfer)
{
	curl_off_t bytes = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &bytes);
	return bytes > 0 ? (uint64_t)bytes : 0;
}

static bool fail(struct http_call *call, int code, struct err **err)
{
	struct failure failure = {
		.code = code, .detail = call->transfer->detail, .proxy = call->hop.proxy};
	long os_errno = 0, proxy_status = 0;

	curl_easy_getinfo(call->transfer->easy, CURLINFO_OS_ERRNO, &os_errno);
	curl_easy_getinfo(call->transfer->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	failure.os_errno = (int)os_errno;
	failure.proxy_status = (int)proxy_status;
	failure.status = call->head_done ? call->response.status : 0;
	return failure_set(&failure, err);
}

bool transfer_result(struct http_call *call, int code, struct err **err)
{
	if (call->err && code != CURLE_OK) {
		err_keep_first(err, &call->err);
		return false;
	}
	/*
	 * The rest of such a body is of no interest, and it may have been cut short on purpose.
	 */
	if (call->hop.is_redirect || call->hop.is_refused)
		return true;
	/*
	 * A server may answer and close before it has read the whole request; then sending fails,
	 * and what it said is the reason.
	 */
	if (call->head_done && call->answered_early &&
		(code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
			code == CURLE_PARTIAL_FILE))
		return true;
	if (code != CURLE_OK)
		return fail(call, code, err);
	if (!call->head_done)
		response_publish_head(call);
	return true;
}
