/*
 * The dispatch queue of the I/O thread: what has been asked for and may not leave yet. A call waits
 * for three things: its moment (a repetition's back-off), a place among the requests in flight to
 * its origin, and its bucket (net/limiter.h), where the older of two goes first and classes share.
 * No call waits behind one of another bucket. Internal to net/, I/O thread only.
 */
#ifndef CIP_NET_QUEUE_H
#define CIP_NET_QUEUE_H

#include "base/vec.h"
#include "net/call_private.h"
#include "net/journal.h"
#include "net/limiter.h"
#include "net/retry.h"

/* Calls of one bucket, class and kind for one origin, oldest first. */
struct lane {
	struct host *host;
	enum http_class class;
	bool is_write;
	struct http_call *first, *last;
};

/* One origin. */
struct host {
	char *key; /* "https://gcr.io:443" */
	size_t in_flight, in_flight_max;
	bool is_http1;
	struct retry_budget budget; /* of requests without a bucket */
	struct journal journal;
};

/* Counters are written here and read by http_quota_at on other threads. */
struct bucket {
	char *name;
	struct bucket *next; /* of the client, newest first; under http->lock */
	VEC(struct lane *) lanes;
	size_t waiting;
	struct limiter limiter;
	struct retry_budget budget;
	struct journal journal;
	struct err *closed; /* why nothing is sent; NULL: it is open */
	int64_t closed_until_ms;
	bool is_closing; /* those that wait for it are still to be ended */
	_Atomic uint64_t requests, retries, throttled, paused_ms;
	_Atomic uint64_t ceiling_milli; /* thousandths of a request a second; 0: none learned */
};

struct queue;
struct queue *queue_new(struct http *http);
void queue_free(struct queue *queue);

/*
 * The call wants to ask for its present hop, not before call->not_before_ms. Sets its host and
 * bucket.
 */
void queue_add(struct queue *queue, struct http_call *call);

/* Takes a waiting call out. */
void queue_remove(struct queue *queue, struct http_call *call);

/*
 * Takes out one that may leave now and draws for it from its bucket; NULL if there is none. The
 * slot of its host is the caller's business.
 */
struct http_call *queue_take(struct queue *queue, int64_t now_ms);

/* When to look again although nothing else has happened; INT64_MAX: never. */
int64_t queue_next_ms(const struct queue *queue, int64_t now_ms);

/* Some waiting call, of this bucket if one is given; NULL if there is none. */
struct http_call *queue_find(const struct queue *queue, const struct bucket *bucket);

/* A bucket whose is_closing is set; NULL: none. */
struct bucket *queue_closing(const struct queue *queue);

/* Says what the journals held back and is due; everything with `all`. */
void queue_flush_journals(struct queue *queue, int64_t now_ms, bool all);

#endif
