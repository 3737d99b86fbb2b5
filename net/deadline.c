/*
 * How long a call may take for what it is doing. The clock starts when the call leaves its queue;
 * time in which it waits for its own worker does not count. Ending it is net/loop.c's.
 */
#include "net/deadline.h"

#include "net/transfer.h"

/* 16 MiB a second. */
#define COMMIT_BYTES_PER_MS ((uint64_t)16 * 1024 * 1024 / 1000)

/* 16 KiB a second. */
#define SLOWEST_BYTES_PER_MS ((uint64_t)16 * 1024 / 1000)

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
		if (!call->upload_paused && !call->download_paused)
			return call->since_ms + options->stall_timeout_ms;
		break;
	case PHASE_QUEUED:
		break;
	}
	return INT64_MAX;
}

/*
 * When the call must have ended, so that a trickle ends too. A stream moves at the pace of its
 * worker, who sees it trickle.
 */
static int64_t end_of_call(const struct http_call *call)
{
	uint64_t bytes = call->body_len + call->response_max;

	if (call->body_streamed || call->response_streamed)
		return INT64_MAX;
	return call->dispatched_ms + call->http->options.collect_timeout_ms +
		(int64_t)(bytes / SLOWEST_BYTES_PER_MS);
}

static void set_timeout(const struct http_call *call, int64_t now, struct err **err)
{
	const struct http_options *options = &call->http->options;

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
	int64_t move = next_move(call), end = end_of_call(call);

	if (move <= now_ms && end > now_ms && still_sends(call))
		move = next_move(call);
	if (move <= now_ms || end <= now_ms) {
		set_timeout(call, now_ms, err);
		return false;
	}
	*ret_next_ms = move < end ? move : end;
	return true;
}
