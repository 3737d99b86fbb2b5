/*
 * HTTP for everybody. One I/O thread owns every connection (curl_multi); callers are worker
 * threads that write straight lines: start a call, wait, read. Nothing here knows what a registry
 * is.
 *
 * Calls may be started and waited for on any thread; one call belongs to one thread at a time.
 * Bodies cross threads in bounded channels (HTTP_CHANNEL_BYTES a direction and call), so a slow
 * reader slows its server and memory stays bounded. Every wait ends: on an answer, on a deadline
 * (http_options), or when the cancel token reaches CANCEL_NOW. Deadlines measure the server: time
 * in a queue, and time in which a stream waits for our own side, does not count. At CANCEL_DRAIN calls still start:
 * whoever starts work decides.
 *
 * Redirects of GET and HEAD are followed by our own rules: never https to http, http only from
 * and to loopback, never to link-local or metadata addresses, to private addresses only from a
 * private host, at most 5; Authorization and other caller headers marked private never go to
 * another origin (scheme, host, port). Redirects of other methods are errors.
 *
 * Queries of URLs never appear in logs or errors: they may be signed.
 */
#ifndef CIP_NET_HTTP_H
#define CIP_NET_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#define HTTP_CHANNEL_BYTES ((size_t)8 * 64 * 1024)

struct http;

/* All times in milliseconds; 0 takes the default in brackets. */
struct http_options {
	const struct clock *clock; /* NULL: clock_system */
	struct cancel *cancel;	   /* borrowed; may be NULL */
	const char *user_agent;	   /* copied */

	/*
	 * Requests in flight to one origin, each on a connection of its own with HTTP/1.1 [20]. A
	 * stream that is paused because its worker is slow does not count, or two of them could
	 * wait for each other.
	 */
	unsigned connections_per_host;

	int64_t connect_timeout_ms;    /* name look-up, TCP and TLS [15 s] */
	int64_t first_byte_timeout_ms; /* our last byte to the status line, + 1 s a 16 MiB [60 s] */
	int64_t stall_timeout_ms;      /* no byte moved while one should [60 s] */
	/*
	 * From dispatch to the answer's head, and to its end unless that is streamed; in addition
	 * the time that the bodies (of the answer: what is allowed) take at the minimum rate. [10
	 * min]
	 */
	int64_t request_timeout_ms;
	/* Bytes a second of a streamed body, on average over a stall_timeout [16 KiB]. */
	uint64_t minimum_rate;

	unsigned attempts; /* of a request that is safe to repeat, with the first [4] */
	unsigned
		retry_budget; /* repetitions of a bucket's requests, and 1 more for 10 requests [100] */
	int64_t retry_base_ms;	    /* first back-off ceiling, then doubled, full jitter [500 ms] */
	int64_t retry_max_ms;	    /* highest back-off ceiling [30 s] */
	int64_t retry_after_max_ms; /* longest Retry-After obeyed, longer is an error [300 s] */
};

/*
 * What a request, or everything under a name, cost: every request put on the wire, retries and
 * redirects included.
 */
struct http_tally {
	_Atomic uint64_t requests;
	_Atomic uint64_t retries;
	_Atomic uint64_t bytes_received; /* bodies */
	_Atomic uint64_t bytes_sent;	 /* bodies */
};

/*
 * Starts the I/O thread. ERR_INTERNAL if libcurl cannot work (too old, without OpenSSL),
 * ERR_USAGE if SSL_CERT_FILE cannot be read or a proxy's variable is malformed.
 */
struct http *http_new(const struct http_options *options, struct err **err);
/* All calls must have been freed. */
void http_free(struct http *http);
DEFINE_CLEANUP(struct http, http_freep, http_free)

/* Totals of the client so far; live until http_free. */
const struct http_tally *http_totals(const struct http *http);

/*
 * What the client works with, defaults filled in: for callers with deadlines and retries of their
 * own.
 */
const struct http_options *http_settings(const struct http *http);

/*
 * How to trust the servers of one host: OpenSSL's default store, where SSL_CERT_FILE and
 * SSL_CERT_DIR each replace their half of it, and what is added here; and who we are to them. Made
 * once, shared by the host's requests, freed after them. A redirect to another origin keeps the CA
 * files, but it is always verified and never shown a client certificate.
 */
struct http_tls;

/* PEM files: a client certificate, with those that lead to its authority behind it, and its key. */
struct http_tls_identity {
	const char *certificate;
	const char *key; /* without a passphrase */
};

struct http_tls_options {
	const char *const *ca_files; /* PEM, added to the store */
	size_t ca_count;
	/* Shown to a server that asks; of several, the first from an authority that it names. */
	const struct http_tls_identity *identities;
	size_t identity_count;
	bool skip_verify; /* certificates are not checked */
};

/*
 * Nothing is kept of the options. ERR_USAGE with the file's name and OpenSSL's reason. TLS 1.2 at
 * least, always.
 */
struct http_tls *http_tls_new(const struct http_tls_options *options, struct err **err);
void http_tls_free(struct http_tls *tls);
DEFINE_CLEANUP(struct http_tls, http_tls_freep, http_tls_free)

/*
 * Who named a URL. A person may name anything; a server that gave one (token realm, Location, Link)
 * only leads to places like its own: trust rule for URLs, net/address.h. The zero value is for
 * URLs that come from flags, configuration and manifests.
 */
enum http_source {
	HTTP_SOURCE_CONFIGURED,
	HTTP_SOURCE_PUBLIC,   /* a server on a public address: https to public addresses only */
	HTTP_SOURCE_PRIVATE,  /* on a private address: private ones too */
	HTTP_SOURCE_LOOPBACK, /* on this machine: the loopback too, and there plain http */
};

/* What a request is for: while both wait for one quota, promotion gets 70 % and signing 30 %. */
enum http_class { HTTP_CLASS_PROMOTION, HTTP_CLASS_SIGNING };
#define HTTP_CLASSES 2

/* Requests a second; 0: none declared, it is learned from refusals (writes: no budget of their own). */
struct http_rates {
	double requests_per_second;
	double writes_per_second; /* everything but GET and HEAD */
};

struct http_header {
	const char *name;
	const char *value;
	bool is_private; /* never sent to another host, never logged */
};

struct http_request {
	const char *method;	 /* "GET", "HEAD", "POST", "PUT", "PATCH" */
	const char *url;	 /* absolute, sent as it is (no dot-segment removal) */
	enum http_source source; /* who named the URL; see http_response_resolve */
	const struct http_header *headers;
	size_t header_count;

	/* Request body: none, or `body_len` bytes at `body` or written by http_call_write. */
	const void *body; /* borrowed until the call ends */
	uint64_t body_len;
	bool body_streamed;

	/*
	 * Response body: collected up to response_max bytes (more is ERR_TOO_LARGE), or, with
	 * response_streamed, read by http_call_read as it arrives.
	 */
	size_t response_max;
	bool response_streamed;
	/* Its caller limits the time of a stream itself: only a stall ends it, not a low rate. */
	bool may_trickle;
	/*
	 * The body is known by its digest, so a Content-Encoding in the answer changes nothing: the
	 * bytes are handed over as they came. Without it such an answer to a GET is ERR_INVALID,
	 * since none was asked for.
	 */
	bool takes_encoded;

	bool repeatable; /* safe to repeat; see http_do */
	/* With these words in its body, a 500 would be said again. NULL: any may pass. Borrowed. */
	const char *final_words;
	const struct http_tls *tls; /* NULL: system trust */

	/*
	 * The bucket it draws from, "<registry host> <group>", shared by all requests that name it;
	 * copied. NULL: none. A hop to another origin draws from none.
	 */
	const char *quota;
	enum http_class quota_class;

	/*
	 * How many its origin is given at a time if that is more than connections_per_host: for
	 * a server that holds its answers back on purpose, whose callers are bounded otherwise.
	 */
	unsigned in_flight;

	const char *label;	  /* what messages call it; NULL: method, host and path */
	struct http_tally *tally; /* counted here too, besides the client's totals; may be NULL */
};

/* Everything a server said besides a streamed body. */
struct http_response {
	int status;
	char *url;	 /* of the response, after redirects; owned */
	struct str head; /* raw header lines, each ended by \n; at most 64 KiB and 200 lines */
	struct str body; /* collected body */
	enum http_source source; /* under which `url` was asked for */
	enum http_source server; /* which URLs have that this server gives */
};
void http_response_release(struct http_response *response);

/*
 * What a reference in this response (Location, Link, realm) means: fresh absolute text and the
 * source to ask for it under. A URL of the response's own origin keeps its source, all others get
 * the server's. ERR_INVALID if it is no URL or one this server may not give.
 */
bool http_response_resolve(const struct http_response *response, const char *reference,
	char **ret_url, enum http_source *ret_source, struct err **err);

/* The n-th (from 0) value of a header in fresh memory, NULL if there is none. Case is ignored. */
char *http_response_header(const struct http_response *response, const char *name, size_t n);

/*
 * Declares the rates of one registry, for each bucket whose name begins with its host. Before the
 * first request to it; again replaces.
 */
void http_declare_rates(struct http *http, const char *host, const struct http_rates *rates);

/* What a bucket has cost and taught so far. */
struct http_quota {
	const char *name; /* borrowed, lives until http_free */
	uint64_t requests, retries;
	uint64_t throttled; /* answers 429, and 503 with Retry-After */
	uint64_t paused_ms;
	double ceiling; /* learned, in requests a second; 0: none */
};
/* The n-th (from 0); false if there are fewer. Any thread. */
bool http_quota_at(struct http *http, size_t n, struct http_quota *ret_quota);

/*
 * Sends and waits. Any status is a success here: the caller judges it. Not for streamed bodies.
 * ERR_TRANSIENT, ERR_TIMEOUT, ERR_TLS, ERR_TOO_LARGE, ERR_CANCELLED, ERR_INVALID (redirect or
 * response against the rules), ERR_AUTH (by a proxy), ERR_THROTTLED (told to wait longer than
 * retry_after_max_ms, or refused for longer than twice that); messages name method, host, path and
 * attempts.
 *
 * A `repeatable` request, however it was started, is sent again on ERR_TRANSIENT, ERR_TIMEOUT, 408,
 * 429, 500, 502, 503, 504, after a back-off or what Retry-After says, up to `attempts` and as long
 * as its bucket's (without one: its origin's) retry_budget lasts. One that is refused by its
 * bucket's limit waits for the bucket instead; that may happen five times as often and costs no
 * budget. A streamed request body is never sent again, a response not once a byte of it could be
 * read.
 */
bool http_do(struct http *http, const struct http_request *request,
	struct http_response *ret_response, struct err **err);

/*
 * ---- Calls in flight: several at once from one thread, and streamed bodies. ----
 */

struct http_call;

/* Queues the request; never blocks, never fails: errors come out of the functions below. */
struct http_call *http_start(struct http *http, const struct http_request *request);

/*
 * Blocks until status and headers are in; http_call_response then has all but the body. A streamed
 * request body must have been written to its end, as for http_call_wait. A collected response of a
 * repeatable request has its head only at its end.
 */
bool http_call_wait_head(struct http_call *call, struct err **err);

/*
 * Blocks until the whole exchange has ended; the collected body is complete. What nobody read of a
 * streamed response is dropped. ERR_INTERNAL if a streamed request body was not written to its end.
 */
bool http_call_wait(struct http_call *call, struct err **err);

/* Borrowed; NULL before the head has arrived. Its fields may be stolen once the call has ended. */
struct http_response *http_call_response(struct http_call *call);

/*
 * Reads at least one byte of a streamed response; 0 at its clean end. A cut body is
 * ERR_TRANSIENT.
 */
bool http_call_read(
	struct http_call *call, void *bytes, size_t max, size_t *ret_len, struct err **err);

/*
 * Blocks until the channel took all bytes. Fails as soon as the call does, or when the server
 * answers with 300 or above before it has the whole body: then http_call_wait succeeds and the
 * response says why.
 */
bool http_call_write(struct http_call *call, const void *bytes, size_t len, struct err **err);

/*
 * How many bytes http_call_write would take without blocking: 0 when the channel is full, SIZE_MAX
 * when it would fail. For a reader that feeds several writers.
 */
size_t http_call_writable(struct http_call *call);

/*
 * Blocks until one of the calls can take `want` bytes (at most a channel) or would fail to.
 * ERR_TIMEOUT if none can within `timeout_ms`; less than 0: for as long as it takes.
 */
bool http_wait_any_writable(struct http_call *const *calls, size_t count, size_t want,
	int64_t timeout_ms, struct err **err);

/*
 * Blocks until one of the calls has ended and tells which. NULL entries are skipped. ERR_TIMEOUT
 * as above.
 */
bool http_wait_any(struct http_call *const *calls, size_t count, int64_t timeout_ms,
	size_t *ret_index, struct err **err);

/* Cancels what still runs. NULL is allowed. */
void http_call_free(struct http_call *call);
DEFINE_CLEANUP(struct http_call, http_call_freep, http_call_free)

#endif
