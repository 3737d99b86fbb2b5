/*
 * How long a call may take for what it is doing, and how slow its streams may be. The clock starts
 * when the call leaves its queue; time in which it waits for its own worker does not count. Ending
 * it is net/loop.c's.
 */
#include "net/deadline.h"

#include "net/transfer.h"

/* 16 MiB a second. */
#define COMMIT_BYTES_PER_MS ((uint64_t)16 * 1024 * 1024 / 1000)

/* No body is larger, and its time in milliseconds is still a number. */
#define BYTES_MAX ((uint64_t)1 << 50)

/* ---- Starting and pausing ---- */

void deadline_start(struct http_call *call)
{
	loop_touch(call, PHASE_CONNECTING);
	call->dispatched_ms = call->since_ms;
	call->pace_ms = -1;
	call->pause_ms = -1;
	call->upload_mark = 0;
}

void deadline_pause(struct http_call *call)
{
	if (call->pause_ms < 0)
		call->pause_ms = clock_monotonic_ms(call->http->options.clock);
}

void deadline_resume(struct http_call *call)
{
	int64_t lost;

	if (call->pause_ms < 0)
		return;
	lost = clock_monotonic_ms(call->http->options.clock) - call->pause_ms;
	call->pause_ms = -1;
	call->dispatched_ms += lost;
	if (call->pace_ms >= 0)
		call->pace_ms += lost;
}

/* ---- Deadlines ---- */

/*
 * A server may move what it was sent before it answers (a registry that commits a blob to an object
 * store), so its time for the first byte grows with the body.
 */
static int64_t first_byte_ms(const struct http_call *call)
{
	return call->http->options.first_byte_timeout_ms +
		(int64_t)(call->body_len / COMMIT_BYTES_PER_MS);
}

/* When the call must have moved; INT64_MAX while it waits for its own worker. */
static int64_t next_move(const struct http_call *call)
{
	const struct http_options *options = &call->http->options;

	switch (call->phase) {
	case PHASE_CONNECTING:
		return call->since_ms + options->connect_timeout_ms;
	case PHASE_WAITING:
		return call->since_ms + first_byte_ms(call);
	case PHASE_SENDING:
	case PHASE_RECEIVING:
		if (call->pause_ms < 0)
			return call->since_ms + options->stall_timeout_ms;
		break;
	case PHASE_QUEUED:
		break;
	}
	return INT64_MAX;
}

/* When the call must have ended, so that a trickle ends too; of a streamed answer, its head. */
static int64_t end_of_call(const struct http_call *call)
{
	const struct http_options *options = &call->http->options;
	uint64_t bytes = call->body_len + (call->response_streamed ? 0 : call->response_max);

	if (bytes > BYTES_MAX)
		bytes = BYTES_MAX;
	if (call->pause_ms >= 0 || (call->response_streamed && call->head_done))
		return INT64_MAX;
	return call->dispatched_ms + options->request_timeout_ms +
		(int64_t)(bytes * 1000 / options->minimum_rate);
}

/* ---- Rates ---- */

static bool is_paced(const struct http_call *call)
{
	if (call->may_trickle)
		return false;
	return (call->phase == PHASE_SENDING && call->body_streamed) ||
		(call->phase == PHASE_RECEIVING && call->response_streamed);
}

static uint64_t moved(const struct http_call *call)
{
	return call->hop.sent + call->received;
}

static void start_pace(struct http_call *call, int64_t now)
{
	call->pace_ms = now;
	call->pace_mark = moved(call);
}

static uint64_t least_bytes(const struct http_options *options)
{
	return options->minimum_rate * (uint64_t)options->stall_timeout_ms / 1000;
}

/*
 * When the rate will be judged next; INT64_MAX if it will not. At most `now`: the stream is too
 * slow.
 */
static int64_t next_pace(struct http_call *call, int64_t now)
{
	const struct http_options *options = &call->http->options;

	if (!is_paced(call)) {
		call->pace_ms = -1;
		return INT64_MAX;
	}
	if (call->pause_ms >= 0)
		return INT64_MAX;
	/* libcurl may begin to send again. */
	if (call->pace_ms < 0 || moved(call) < call->pace_mark ||
		(now - call->pace_ms >= options->stall_timeout_ms &&
			moved(call) - call->pace_mark >= least_bytes(options)))
		start_pace(call, now);
	return call->pace_ms + options->stall_timeout_ms;
}

/* ---- Judging ---- */

static void set_timeout(
	const struct http_call *call, int64_t now, bool is_too_slow, struct err **err)
{
	const struct http_options *options = &call->http->options;

	if (is_too_slow) {
		err_set(err, ERR_TIMEOUT,
			"only %llu bytes were %s within %lld ms, fewer than %llu a second",
			(unsigned long long)(moved(call) - call->pace_mark),
			call->phase == PHASE_SENDING ? "accepted" : "received",
			(long long)(now - call->pace_ms),
			(unsigned long long)options->minimum_rate);
		return;
	}
	if (end_of_call(call) <= now) {
		err_set(err, ERR_TIMEOUT, "not complete after %lld ms",
			(long long)(now - call->dispatched_ms));
		return;
	}
	switch (call->phase) {
	case PHASE_CONNECTING:
		err_set(err, ERR_TIMEOUT, "no connection within %lld ms",
			(long long)options->connect_timeout_ms);
		break;
	case PHASE_WAITING:
		err_set(err, ERR_TIMEOUT, "no answer within %lld ms of the request",
			(long long)first_byte_ms(call));
		break;
	default:
		err_set(err, ERR_TIMEOUT, "nothing was %s for %lld ms",
			call->phase == PHASE_SENDING ? "accepted" : "received",
			(long long)options->stall_timeout_ms);
	}
}

/* Bytes that libcurl was given long ago may still be leaving: that is a move. */
static bool still_sends(struct http_call *call)
{
	uint64_t uploaded = transfer_uploaded(call->transfer);

	if (uploaded == call->upload_mark)
		return false;
	call->upload_mark = uploaded;
	loop_touch(call, call->phase);
	return true;
}

bool deadline_check(struct http_call *call, int64_t now_ms, int64_t *ret_next_ms, struct err **err)
{
	int64_t move = next_move(call), end = end_of_call(call), pace = next_pace(call, now_ms);

	if (move <= now_ms && end > now_ms && still_sends(call))
		move = next_move(call);
	if (move <= now_ms || end <= now_ms || pace <= now_ms) {
		set_timeout(call, now_ms, pace <= now_ms && move > now_ms && end > now_ms, err);
		return false;
	}
	*ret_next_ms = move < end ? move : end;
	if (pace < *ret_next_ms)
		*ret_next_ms = pace;
	return true;
}
