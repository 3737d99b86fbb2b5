/*
 * Private to net/. The client, the call, and which thread may touch which of their fields:
 *
 *	"lock"	under http->lock, by any thread
 *	"I/O"	the I/O thread only
 *	"set"	written before the call is posted, read by anybody afterwards
 *
 * A worker asks for something by posting the call (call_post) and waits on its condition
 * variable; the I/O thread answers by changing "lock" fields and call_wake. libcurl runs on the I/O
 * thread only. The I/O thread never waits for a worker.
 */
#ifndef CIP_NET_CALL_PRIVATE_H
#define CIP_NET_CALL_PRIVATE_H

#include <pthread.h>

#include "base/log.h"
#include "base/strmap.h"
#include "net/channel.h"
#include "net/headers.h"
#include "net/http.h"
#include "net/limiter.h"
#include "net/proxy.h"
#include "net/tls.h"
#include "net/url.h"

/* Said by workers, because saying may block (base/log.h). */
struct note {
	enum log_level level;
	char *text;
};
#define NOTES_MAX 64

/* Of one registry host; owned by the map. */
struct declared_rates {
	char *host;
	struct http_rates rates;
};

struct http {
	struct http_options options; /* set; defaults filled in */
	char *user_agent;	     /* set */
	struct http_tls *trust;	     /* set; for requests without their own */
	struct proxy_rules *proxies; /* set */
	struct http_tally totals;
	struct cancel_watch watch;
	pthread_t thread;
	int wake_fd;

	pthread_mutex_t lock;
	struct http_call *first_posted, *last_posted; /* lock */
	bool is_woken;				      /* lock: wake_fd is readable already */
	bool is_stopping;			      /* lock */
	struct note notes[NOTES_MAX];		      /* lock */
	size_t note_count, notes_dropped;	      /* lock */
	struct strmap rates;			      /* lock: of struct declared_rates, owned */
	struct bucket *newest_bucket; /* lock: the list; what they count is atomic */
};

/* What a worker asks the I/O thread to do; bits. */
enum call_post {
	CALL_START = 1 << 0,
	CALL_RESUME = 1 << 1,  /* a channel has room or bytes again */
	CALL_ABORT = 1 << 2,   /* nobody will look at it any more */
	CALL_ABANDON = 1 << 3, /* the request body will not be written to its end */
};

enum call_phase {
	PHASE_QUEUED,
	PHASE_CONNECTING, /* look-up, TCP, TLS */
	PHASE_SENDING,	  /* the request's body is not handed over completely */
	PHASE_WAITING,	  /* for the status line */
	PHASE_RECEIVING,
};

/* One request of a redirect chain. I/O, but for the first: set. */
struct hop {
	struct url url;
	enum http_source source;
	enum http_source server;   /* known once connected */
	const struct proxy *proxy; /* borrowed from the rules; NULL: none */
	bool is_home;	  /* same origin all the way: private headers and trust settings apply */
	bool is_counted;  /* in the tallies, because it was sent */
	bool is_redirect; /* the answer leads on */
	bool is_refused;  /* the answer is one for which the call is repeated */
	size_t dropped;	  /* bytes of a redirect's body */
	uint64_t sent;	  /* bytes of the request body given to libcurl */
	struct headers_budget budget;
};

struct http_call {
	struct http *http;

	/* set */
	char *method;
	struct http_header *headers; /* owned copies */
	size_t header_count;
	const char *body;
	uint64_t body_len;
	bool body_streamed;
	size_t response_max;
	bool response_streamed;
	bool may_trickle;
	bool takes_encoded;
	bool repeatable;
	const char *final_words;
	const struct http_tls *tls;
	struct http_tally *tally;
	char *label;	 /* "GET host/path" */
	struct url home; /* what was asked for; `source` is of it */
	enum http_source source;
	char *quota; /* NULL: none */
	enum http_class quota_class;
	unsigned in_flight;
	bool is_write;

	/* lock */
	unsigned posts;
	bool is_posted;
	struct http_call *next_posted;
	pthread_cond_t *waiter; /* of the one thread that waits */
	bool head_done;
	bool answered_early;
	bool ended;
	bool drops_body;
	struct channel upload, download;
	uint64_t written;     /* by http_call_write */
	bool upload_paused;   /* written by the I/O thread only */
	bool download_paused; /* written by the I/O thread only */
	struct err *err;      /* I/O until ended */

	struct http_response
		response; /* I/O: head until head_done, body until ended; then the caller's */

	/* I/O */
	struct hop hop;
	unsigned hops;
	enum call_phase phase;
	/* Moments, of which those before now are moved on by time that does not count. */
	int64_t dispatched_ms;
	int64_t since_ms;     /* of the phase, or of the last byte in it */
	int64_t pace_ms;      /* since when the rate is measured; -1: it is not */
	int64_t pause_ms;     /* since when we wait for our own side; -1: we do not */
	uint64_t pace_mark;   /* bytes moved until pace_ms */
	uint64_t received;    /* bytes of streamed response */
	uint64_t upload_mark; /* libcurl's counter when the deadline was last looked at */
	struct transfer *transfer;
	struct host *host;
	struct engine *engine;
	bool holds_slot;
	struct bucket *bucket; /* of this hop; NULL: it draws from none */
	struct limiter_ticket ticket;
	struct lane *lane;     /* NULL: not in one */
	uint64_t serial;       /* order of arrival */
	int64_t not_before_ms; /* 0: at once */
	unsigned attempt;      /* repetitions so far + 1 */
	unsigned refusals;     /* of these, by its bucket's limit */
	int64_t refused_since_ms;
	bool is_repetition;	       /* not counted as one yet */
	struct http_call *prev, *next; /* among those waiting or running */
};

/* ---- call.c, under http->lock ---- */

void call_post(struct http_call *call, enum call_post what);
/* What messages call a request, in fresh memory. */
char *http_request_label(const struct http_request *request);
void call_wake(struct http_call *call);

/* Something to say, by whichever worker waits next; takes the text. The lock is not held. */
void call_note(struct http *http, enum log_level level, char *text);
/* By the calling thread, which may block. The lock is not held. */
void call_say_notes(struct http *http);

/* ---- loop.c ---- */

/* The I/O thread's main function; `arg` is the struct http. */
void *loop_run(void *arg);

/* Wakes the I/O thread; any thread, never blocks. */
void loop_wake(struct http *http);

/* A byte moved: the deadline starts again. */
void loop_touch(struct http_call *call, enum call_phase phase);

/* The call waits for its worker and needs no slot of its host meanwhile; or it goes on. */
void loop_release_slot(struct http_call *call);
void loop_take_slot(struct http_call *call);

/* Nothing is sent on the bucket's account until then: those that wait for it end. */
void loop_close_bucket(struct http_call *call, int64_t until_ms, const struct err *why);

/* The host speaks HTTP/1.x only: all its requests may share connections. */
void loop_learn_http1(struct http_call *call);

#endif
