/*
 * From what went wrong to what happens next. Which statuses and errors pass is net/retry.c's, how a
 * bucket slows down net/limiter.c's, the waiting net/queue.c's.
 */
#include "net/repeat.h"

#include <string.h>

#include "net/queue.h"
#include "net/retry.h"

/* A request that meets its bucket's limit has done nothing wrong and may come back more often. */
#define REFUSALS_PER_ATTEMPT 5

static const struct http_options *options_of(const struct http_call *call)
{
	return &call->http->options;
}

static int64_t now_ms(const struct http_call *call)
{
	return clock_monotonic_ms(options_of(call)->clock);
}

/* How long a bucket may refuse everything before it is given up. */
static int64_t patience_ms(const struct http_call *call)
{
	return 2 * options_of(call)->retry_after_max_ms;
}

/* ---- What to say ---- */

static struct journal *journal_of(const struct http_call *call)
{
	return call->bucket ? &call->bucket->journal : &call->host->journal;
}

static int registry_len(const struct bucket *bucket)
{
	return (int)strcspn(bucket->name, " ");
}

static void say(struct http_call *call, enum log_level level, char *text)
{
	struct http *http = call->http;

	call_note(http, level, text);
	pthread_mutex_lock(&http->lock);
	call_wake(call);
	pthread_mutex_unlock(&http->lock);
}

/* `what` happened; the next attempt is planned. */
static void say_repetition(struct http_call *call, const char *what, int64_t wait_ms)
{
	enum log_level level = wait_ms > 1000 ? LOG_INFO : LOG_DEBUG;

	if (!log_enabled(level) || !journal_admit(journal_of(call), now_ms(call)))
		return;
	say(call, level,
		mem_printf("%s: %s; attempt %u of %u in %lld.%03lld s", call->label, what,
			call->attempt, options_of(call)->attempts, (long long)wait_ms / 1000,
			(long long)wait_ms % 1000));
}

/* Once for each time that a bucket is paused; what came along is told to those who want it all. */
static void say_refusal(struct http_call *call, int status, bool is_first)
{
	const struct bucket *bucket = call->bucket;
	int64_t wait_ms = bucket->limiter.paused_until_ms - now_ms(call);
	enum log_level level = is_first ? LOG_INFO : LOG_DEBUG;

	if (wait_ms < 0)
		wait_ms = 0;
	if (!log_enabled(level) || !journal_admit(journal_of(call), now_ms(call)))
		return;
	say(call, level,
		mem_printf("%.*s limits its requests: %s: %d; the next one to it in %lld.%03lld s",
			registry_len(bucket), bucket->name, call->label, status,
			(long long)wait_ms / 1000, (long long)wait_ms % 1000));
}

/* ---- Whether ---- */

static bool may_repeat(const struct http_call *call)
{
	return call->repeatable && !call->body_streamed &&
		!(call->response_streamed && call->head_done);
}

static bool spend(struct http_call *call)
{
	struct retry_budget *budget = call->bucket ? &call->bucket->budget : &call->host->budget;

	if (retry_budget_spend(budget))
		return true;
	if (journal_admit(journal_of(call), now_ms(call)))
		say(call, LOG_INFO,
			mem_printf("%s: not repeated: too many requests to %.*s went wrong "
				   "(network.retry_budget)",
				call->label,
				call->bucket ? registry_len(call->bucket)
					     : (int)strlen(call->host->key),
				call->bucket ? call->bucket->name : call->host->key));
	return false;
}

static bool has_attempts(const struct http_call *call)
{
	return call->attempt - call->refusals < options_of(call)->attempts;
}

static bool has_patience(const struct http_call *call, int64_t now)
{
	unsigned most = (options_of(call)->attempts - 1) * REFUSALS_PER_ATTEMPT;

	return call->refusals < most &&
		(!call->refusals || now - call->refused_since_ms <= patience_ms(call));
}

static void plan(struct http_call *call, int64_t wait_ms)
{
	call->attempt++;
	call->is_repetition = true;
	call->not_before_ms = wait_ms > 0 ? now_ms(call) + wait_ms : 0;
}

static int64_t backoff_ms(const struct http_call *call)
{
	const struct http_options *options = options_of(call);

	return retry_backoff_ms(options->clock, call->attempt - call->refusals,
		options->retry_base_ms, options->retry_max_ms);
}

/* ---- Answers ---- */

void repeat_accepted(struct http_call *call)
{
	if (call->bucket)
		limiter_accepted(&call->bucket->limiter, &call->ticket);
}

void repeat_let_go(struct http_call *call)
{
	if (call->bucket)
		limiter_let_go(&call->bucket->limiter, &call->ticket);
}

/* What Retry-After asks for; -1 if there is none. */
static int64_t asked_ms(const struct http_call *call)
{
	CLEANUP(mem_freep) char *value = headers_value(&call->response.head, "Retry-After", 0);
	int64_t ms;

	return value && retry_after_parse(value, clock_unix_ms(options_of(call)->clock), &ms) ? ms
											      : -1;
}

static void set_too_long(const struct http_call *call, int status, int64_t asked, struct err **err)
{
	err_set_http(err, ERR_THROTTLED, status,
		"the server answered %d and wants us to wait %lld s, longer than the %lld s "
		"allowed",
		status, (long long)asked / 1000,
		(long long)options_of(call)->retry_after_max_ms / 1000);
}

/* Nobody shall wait in vain for a bucket that stays shut. */
static void close_if_hopeless(struct http_call *call, int status, int64_t now, int64_t asked)
{
	const struct limiter *limiter = &call->bucket->limiter;
	CLEANUP(err_freep) struct err *why = NULL;

	if (asked > options_of(call)->retry_after_max_ms)
		set_too_long(call, status, asked, &why);
	else if (limiter->refused_since_ms && now - limiter->refused_since_ms > patience_ms(call))
		err_set_http(&why, ERR_THROTTLED, status,
			"the registry has refused every request for %lld s",
			(long long)(now - limiter->refused_since_ms) / 1000);
	if (why)
		loop_close_bucket(call, limiter->paused_until_ms, why);
}

static void note_refusal(struct http_call *call, int status, int64_t asked)
{
	struct bucket *bucket = call->bucket;
	struct limiter *limiter = &bucket->limiter;
	int64_t now = now_ms(call);
	bool is_first = limiter_refused(limiter, &call->ticket, now, asked);

	bucket->throttled++;
	bucket->paused_ms = (uint64_t)limiter->paused_total_ms;
	say_refusal(call, status, is_first);
	if (is_first)
		close_if_hopeless(call, status, now, asked);
}

/* The bucket is paused: that is all the waiting there is. */
static bool repeat_refused(struct http_call *call)
{
	int64_t now = now_ms(call);

	if (!has_patience(call, now))
		return false;
	if (call->refusals++ == 0)
		call->refused_since_ms = now;
	plan(call, 0);
	return true;
}

static bool repeat_answered(struct http_call *call, int status, int64_t asked)
{
	const struct http_options *options = options_of(call);
	int64_t wait = backoff_ms(call);
	char what[16];

	if (!has_attempts(call) || !spend(call))
		return false;
	/* Jitter on top, so that all who were turned away do not come back at once. */
	if (asked >= 0)
		wait = asked ? asked + clock_jitter_ms(options->clock, options->retry_base_ms) : 0;
	plan(call, wait);
	snprintf(what, sizeof(what), "%d", status);
	say_repetition(call, what, wait);
	return true;
}

static bool is_told_by_body(const struct http_call *call, int status)
{
	return status == 500 && call->final_words && !call->response_streamed;
}

bool repeat_judge(struct http_call *call, int status)
{
	bool may_pass = retry_status(status);
	int64_t asked = may_pass ? asked_ms(call) : -1;
	bool is_limit = call->bucket && (status == 429 || (status == 503 && asked >= 0));

	if (is_limit)
		note_refusal(call, status, asked);
	else
		repeat_accepted(call);
	if (!may_pass || !may_repeat(call) || is_told_by_body(call, status))
		return true;
	if (asked > options_of(call)->retry_after_max_ms && has_attempts(call)) {
		set_too_long(call, status, asked, &call->err);
		return false;
	}
	call->hop.is_refused =
		is_limit ? repeat_refused(call) : repeat_answered(call, status, asked);
	return true;
}

bool repeat_judge_body(struct http_call *call)
{
	const struct http_response *response = &call->response;

	return call->head_done && may_repeat(call) && is_told_by_body(call, response->status) &&
		!strstr(str_text(&response->body), call->final_words) &&
		repeat_answered(call, response->status, asked_ms(call));
}

/* ---- Errors ---- */

bool repeat_after_error(struct http_call *call, const struct err *err)
{
	int64_t wait;

	if (!retry_error(err) || !may_repeat(call) || !has_attempts(call) || !spend(call))
		return false;
	wait = backoff_ms(call);
	plan(call, wait);
	say_repetition(call, err->msg, wait);
	return true;
}

void repeat_start_over(struct http_call *call)
{
	struct http *http = call->http;
	struct http_response *response = &call->response;

	url_release(&call->hop.url);
	call->hop = (struct hop){.source = call->source, .is_home = true};
	url_copy(&call->hop.url, &call->home);
	call->hops = 0;
	pthread_mutex_lock(&http->lock);
	call->head_done = false;
	call->answered_early = false;
	pthread_mutex_unlock(&http->lock);
	str_clear(&response->head);
	str_clear(&response->body);
	mem_free(steal_ptr(&response->url));
	response->status = 0;
	err_free(steal_ptr(&call->err));
}
