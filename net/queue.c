/*
 * Origins, buckets and the lanes between them. Which call may leave is decided here; connections,
 * answers and repetitions are others' business. The lists are short (what workers have in flight),
 * so they are searched, not sorted.
 */
#include "net/queue.h"

#include <string.h>

struct queue {
	struct http *http;
	struct strmap hosts, buckets;
	VEC(struct bucket *) order; /* the turn goes around */
	struct bucket *without;	    /* for hops that draw from none; its limiter is not used */
	size_t turn;
	struct http_call *delayed; /* any order */
	uint64_t serial;
};

/* ---- Origins and buckets ---- */

static double budget_size(const struct queue *queue)
{
	return queue->http->options.retry_budget;
}

static struct host *host_of(struct queue *queue, const struct url *url)
{
	CLEANUP(mem_freep)
	char *key = mem_printf(
		"%s://%s:%u", url->is_https ? "https" : "http", url->host, (unsigned)url->port);
	struct host *host = strmap_get(&queue->hosts, key);

	if (host)
		return host;
	host = mem_new(1, sizeof(*host));
	host->key = steal_ptr(&key);
	host->in_flight_max = queue->http->options.connections_per_host;
	retry_budget_init(&host->budget, budget_size(queue));
	*strmap_put(&queue->hosts, host->key) = host;
	return host;
}

/* Those declared for the registry, which is the first word of the name. */
static struct http_rates rates_of(struct http *http, const char *name)
{
	struct http_rates rates = {0};
	struct declared_rates *declared;

	pthread_mutex_lock(&http->lock);
	declared = strmap_get_n(&http->rates, name, strcspn(name, " "));
	if (declared)
		rates = declared->rates;
	pthread_mutex_unlock(&http->lock);
	return rates;
}

static struct bucket *bucket_new(struct queue *queue, const char *name)
{
	const struct http_options *options = &queue->http->options;
	struct bucket *bucket = mem_new(1, sizeof(*bucket));
	const struct limiter_options limits = {
		.rates = name ? rates_of(queue->http, name) : (struct http_rates){0},
		.pause_base_ms = options->retry_base_ms,
		.pause_max_ms = options->retry_max_ms,
		.clock = options->clock,
	};

	bucket->name = name ? mem_strdup(name) : NULL;
	limiter_init(&bucket->limiter, &limits);
	retry_budget_init(&bucket->budget, budget_size(queue));
	*vec_push(&queue->order) = bucket;
	return bucket;
}

static struct bucket *bucket_of(struct queue *queue, const char *name)
{
	struct http *http = queue->http;
	struct bucket *bucket = strmap_get(&queue->buckets, name);

	if (bucket)
		return bucket;
	bucket = bucket_new(queue, name);
	*strmap_put(&queue->buckets, bucket->name) = bucket;
	pthread_mutex_lock(&http->lock);
	bucket->next = http->newest_bucket;
	http->newest_bucket = bucket;
	pthread_mutex_unlock(&http->lock);
	return bucket;
}

static struct lane *lane_of(struct bucket *bucket, const struct http_call *call)
{
	struct lane *lane;

	for (size_t i = 0; i < bucket->lanes.len; i++) {
		lane = bucket->lanes.items[i];
		if (lane->host == call->host && lane->class == call->quota_class &&
			lane->is_write == call->is_write)
			return lane;
	}
	lane = mem_new(1, sizeof(*lane));
	*lane = (struct lane){
		.host = call->host, .class = call->quota_class, .is_write = call->is_write};
	*vec_push(&bucket->lanes) = lane;
	return lane;
}

struct queue *queue_new(struct http *http)
{
	struct queue *queue = mem_new(1, sizeof(*queue));

	queue->http = http;
	queue->without = bucket_new(queue, NULL);
	return queue;
}

static void bucket_free(struct bucket *bucket)
{
	for (size_t i = 0; i < bucket->lanes.len; i++)
		mem_free(bucket->lanes.items[i]);
	vec_release(&bucket->lanes);
	err_free(bucket->closed);
	mem_free(bucket->name);
	mem_free(bucket);
}

void queue_free(struct queue *queue)
{
	const char *key;
	void *value;

	for (size_t i = 0; strmap_next(&queue->hosts, &i, &key, &value);) {
		struct host *host = value;
		mem_free(host->key);
		mem_free(host);
	}
	strmap_release(&queue->hosts);
	strmap_release(&queue->buckets);
	for (size_t i = 0; i < queue->order.len; i++)
		bucket_free(queue->order.items[i]);
	vec_release(&queue->order);
	mem_free(queue);
}

/* ---- Lists ---- */

static void link_before(struct http_call **first, struct http_call **last, struct http_call *at,
	struct http_call *call)
{
	call->next = at;
	call->prev = at ? at->prev : last ? *last : NULL;
	if (call->prev)
		call->prev->next = call;
	else
		*first = call;
	if (at)
		at->prev = call;
	else if (last)
		*last = call;
}

static void unlink_call(struct http_call **first, struct http_call **last, struct http_call *call)
{
	if (call->prev)
		call->prev->next = call->next;
	else
		*first = call->next;
	if (call->next)
		call->next->prev = call->prev;
	else if (last)
		*last = call->prev;
	call->prev = call->next = NULL;
}

static struct bucket *waits_in(const struct queue *queue, const struct http_call *call)
{
	return call->bucket ? call->bucket : queue->without;
}

/* A call that comes back stands before all that were asked for after it. */
static void join_lane(struct queue *queue, struct http_call *call)
{
	struct bucket *bucket = waits_in(queue, call);
	struct lane *lane = lane_of(bucket, call);
	struct http_call *at = NULL;

	if (lane->last && lane->last->serial > call->serial)
		for (at = lane->first; at->serial < call->serial;)
			at = at->next;
	call->lane = lane;
	link_before(&lane->first, &lane->last, at, call);
	bucket->waiting++;
}

void queue_add(struct queue *queue, struct http_call *call)
{
	bool draws = call->quota && call->hop.is_home;

	if (!call->serial)
		call->serial = ++queue->serial;
	call->host = host_of(queue, &call->hop.url);
	if (call->hop.is_home && call->in_flight > call->host->in_flight_max)
		call->host->in_flight_max = call->in_flight;
	call->bucket = draws ? bucket_of(queue, call->quota) : NULL;
	call->lane = NULL;
	if (call->not_before_ms)
		link_before(&queue->delayed, NULL, queue->delayed, call);
	else
		join_lane(queue, call);
}

void queue_remove(struct queue *queue, struct http_call *call)
{
	if (call->lane) {
		unlink_call(&call->lane->first, &call->lane->last, call);
		waits_in(queue, call)->waiting--;
	} else {
		unlink_call(&queue->delayed, NULL, call);
	}
	call->lane = NULL;
}

/* ---- Whose turn it is ---- */

static void wake_delayed(struct queue *queue, int64_t now_ms)
{
	for (struct http_call *call = queue->delayed, *after; call; call = after) {
		after = call->next;
		if (call->not_before_ms > now_ms)
			continue;
		unlink_call(&queue->delayed, NULL, call);
		call->not_before_ms = 0;
		join_lane(queue, call);
	}
}

static bool may_leave(const struct queue *queue, const struct bucket *bucket,
	const struct lane *lane, int64_t now_ms)
{
	return lane->first && lane->host->in_flight < lane->host->in_flight_max &&
		(bucket == queue->without ||
			limiter_may_send(&bucket->limiter, lane->is_write, now_ms));
}

/* The oldest call of each class that may leave. */
static struct http_call *choose(struct queue *queue, struct bucket *bucket, int64_t now_ms)
{
	struct http_call *oldest[HTTP_CLASSES] = {0};
	bool has_some[HTTP_CLASSES] = {0}, any = false;

	for (size_t i = 0; i < bucket->lanes.len; i++) {
		struct lane *lane = bucket->lanes.items[i];
		struct http_call **best = &oldest[lane->class];

		if (!may_leave(queue, bucket, lane, now_ms))
			continue;
		if (!*best || lane->first->serial < (*best)->serial)
			*best = lane->first;
		has_some[lane->class] = any = true;
	}
	return any ? oldest[limiter_pick(&bucket->limiter, has_some)] : NULL;
}

struct http_call *queue_take(struct queue *queue, int64_t now_ms)
{
	wake_delayed(queue, now_ms);
	for (size_t i = 0; i < queue->order.len; i++) {
		struct bucket *bucket = queue->order.items[queue->turn++ % queue->order.len];
		struct http_call *call = bucket->waiting ? choose(queue, bucket, now_ms) : NULL;

		if (!call)
			continue;
		queue_remove(queue, call);
		limiter_sent(
			&bucket->limiter, call->quota_class, call->is_write, now_ms, &call->ticket);
		bucket->ceiling_milli = (uint64_t)(bucket->limiter.ceiling * 1000);
		retry_budget_earn(call->bucket ? &bucket->budget : &call->host->budget);
		return call;
	}
	return NULL;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t queue_next_ms(const struct queue *queue, int64_t now_ms)
{
	int64_t next = INT64_MAX;
	const char *key;
	void *value;

	for (const struct http_call *call = queue->delayed; call; call = call->next)
		next = earlier(next, call->not_before_ms);
	for (size_t i = 0; i < queue->order.len; i++) {
		const struct bucket *bucket = queue->order.items[i];
		next = earlier(next, journal_due_ms(&bucket->journal));
		for (size_t j = 0; bucket != queue->without && j < bucket->lanes.len; j++) {
			const struct lane *lane = bucket->lanes.items[j];
			int64_t due = limiter_next_ms(&bucket->limiter, lane->is_write);
			/* What is due already waits for its origin. */
			if (lane->first && due > now_ms)
				next = earlier(next, due);
		}
	}
	for (size_t i = 0; strmap_next(&queue->hosts, &i, &key, &value);)
		next = earlier(next, journal_due_ms(&((const struct host *)value)->journal));
	return next;
}

struct http_call *queue_find(const struct queue *queue, const struct bucket *bucket)
{
	for (struct http_call *call = queue->delayed; call; call = call->next)
		if (!bucket || call->bucket == bucket)
			return call;
	for (size_t i = 0; i < queue->order.len; i++) {
		struct bucket *some = queue->order.items[i];
		for (size_t j = 0; (!bucket || bucket == some) && j < some->lanes.len; j++)
			if (some->lanes.items[j]->first)
				return some->lanes.items[j]->first;
	}
	return NULL;
}

struct bucket *queue_closing(const struct queue *queue)
{
	for (size_t i = 0; i < queue->order.len; i++)
		if (queue->order.items[i]->is_closing)
			return queue->order.items[i];
	return NULL;
}

/* ---- Journals ---- */

static void flush_journal(
	struct queue *queue, struct journal *journal, const char *name, int64_t now_ms, bool all)
{
	unsigned held = journal_collect(journal, now_ms, all);

	if (held)
		call_note(queue->http, LOG_INFO,
			mem_printf("%.*s: %u more requests were repeated", (int)strcspn(name, " "),
				name, held));
}

void queue_flush_journals(struct queue *queue, int64_t now_ms, bool all)
{
	const char *key;
	void *value;

	for (size_t i = 0; i < queue->order.len; i++) {
		struct bucket *bucket = queue->order.items[i];
		if (bucket->name)
			flush_journal(queue, &bucket->journal, bucket->name, now_ms, all);
	}
	for (size_t i = 0; strmap_next(&queue->hosts, &i, &key, &value);)
		flush_journal(queue, &((struct host *)value)->journal, key, now_ms, all);
}
