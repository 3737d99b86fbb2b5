/*
 * Several requests at once from one thread. Each host has a lane of its own, so that one that does
 * not answer holds up its own requests only. How one request is sent and judged is request.c.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "net/retry.h"
#include "registry/request.h"

/* One host's share. */
struct lane {
	const struct host *host;
	size_t next; /* its requests before this one have been started */
	size_t in_flight;
	bool answers; /* it has answered, not just failed */
	bool is_dead; /* its very first request failed: the others are not tried */
};

struct flight {
	struct request *const *requests;
	size_t count;
	VEC(struct lane) lanes;
	struct http_call **calls; /* of each slot; NULL: free */
	struct request **running;
	size_t slots, in_flight;
	int64_t patience_ms; /* less than 0: endless */
	int64_t waiting_ms;  /* since when somebody waits for others; less than 0: nobody does */
};

bool request_may_pass(const struct request *request)
{
	return request->http.repeatable &&
		(request->err ? retry_error(request->err) : retry_status(request_status(request)));
}

static struct lane *lane_of(struct flight *flight, const struct host *host)
{
	for (size_t i = 0; i < flight->lanes.len; i++)
		if (flight->lanes.items[i].host == host)
			return &flight->lanes.items[i];
	return NULL;
}

static void flight_init(
	struct flight *flight, struct request *const *requests, size_t count, int64_t patience_ms)
{
	*flight = (struct flight){
		.requests = requests, .count = count, .patience_ms = patience_ms, .waiting_ms = -1};
	for (size_t i = 0; i < count; i++)
		if (requests[i] && !lane_of(flight, requests[i]->host))
			*vec_push(&flight->lanes) = (struct lane){.host = requests[i]->host};
	flight->slots = flight->lanes.len * REQUEST_WINDOW;
	flight->calls = mem_new(flight->slots + 1, sizeof(struct http_call *));
	flight->running = mem_new(flight->slots + 1, sizeof(struct request *));
}

static void flight_release(struct flight *flight)
{
	vec_release(&flight->lanes);
	mem_free(flight->calls);
	mem_free(flight->running);
}

/* ---- Starting ---- */

static struct request *next_of(struct flight *flight, struct lane *lane)
{
	while (lane->next < flight->count) {
		struct request *request = flight->requests[lane->next++];
		if (request && request->host == lane->host)
			return request;
	}
	return NULL;
}

/* The first request to a host goes alone: what it learns, the others know. */
static void start_or_do(struct lane *lane, struct request *request)
{
	struct err *err = NULL;
	if (auth_is_settled(&request->auth)) {
		request_start(request);
	} else if (request_do(request, &err)) {
		lane->answers = true;
	} else {
		lane->is_dead = retry_error(err);
		request_fail(request, err);
	}
}

static void run_on(struct flight *flight, struct lane *lane, struct request *request)
{
	size_t slot = 0;
	while (flight->calls[slot])
		slot++;
	flight->calls[slot] = request->call;
	flight->running[slot] = request;
	flight->in_flight++;
	lane->in_flight++;
}

static void fill_lane(struct flight *flight, struct lane *lane)
{
	struct request *request, *dead = NULL;
	while (lane->in_flight < REQUEST_WINDOW && (request = next_of(flight, lane))) {
		if (dead) {
			request_fail(request, err_copy(dead->err));
			continue;
		}
		start_or_do(lane, request);
		if (request->call)
			run_on(flight, lane, request);
		else if (lane->is_dead)
			dead = request;
	}
}

/* ---- Ending ---- */

static void end(struct flight *flight, size_t slot)
{
	struct request *request = flight->running[slot];
	struct lane *lane = lane_of(flight, request->host);
	request_wait(request);
	lane->answers |= request_status(request) > 0;
	lane->in_flight--;
	flight->in_flight--;
	flight->calls[slot] = NULL;
}

static bool somebody_waits(const struct flight *flight)
{
	for (size_t i = 0; i < flight->lanes.len; i++) {
		const struct lane *lane = &flight->lanes.items[i];
		if (lane->in_flight == 0 && lane->answers)
			return true;
	}
	return flight->lanes.len == 1;
}

/* Less than 0: no limit. */
static int64_t time_left(struct flight *flight, const struct request *any)
{
	if (flight->patience_ms < 0)
		return -1;
	int64_t now = clock_monotonic_ms(http_settings(any->registry->http)->clock);
	if (flight->waiting_ms < 0 && somebody_waits(flight))
		flight->waiting_ms = now;
	if (flight->waiting_ms < 0)
		return -1;
	int64_t left = flight->waiting_ms + flight->patience_ms - now;
	return left > 0 ? left : 0;
}

static void give_up_one(const struct flight *flight, struct request *request)
{
	struct err *err = NULL;
	err_set(&err, ERR_TIMEOUT, "%s: no answer within %lld ms while others waited",
		request->what, (long long)flight->patience_ms);
	request_fail(request, err);
}

static void give_up(struct flight *flight)
{
	struct request *request;
	for (size_t i = 0; i < flight->slots; i++)
		if (flight->calls[i])
			give_up_one(flight, flight->running[i]);
	for (size_t i = 0; i < flight->lanes.len; i++)
		while ((request = next_of(flight, &flight->lanes.items[i])))
			give_up_one(flight, request);
}

/* ---- Together ---- */

static struct request *any_running(const struct flight *flight)
{
	size_t slot = 0;
	while (!flight->calls[slot])
		slot++;
	return flight->running[slot];
}

static void fly(struct flight *flight)
{
	for (;;) {
		size_t ended = 0;
		for (size_t i = 0; i < flight->lanes.len; i++)
			fill_lane(flight, &flight->lanes.items[i]);
		if (flight->in_flight == 0)
			return;
		int64_t left = time_left(flight, any_running(flight));
		if (!http_wait_any(flight->calls, flight->slots, left, &ended, NULL)) {
			give_up(flight);
			return;
		}
		end(flight, ended);
	}
}

static void run(struct request *const *requests, size_t count, int64_t patience_ms)
{
	CLEANUP(flight_release) struct flight flight;
	flight_init(&flight, requests, count, patience_ms);
	fly(&flight);
	for (size_t i = 0; i < count; i++) {
		struct err *err = NULL;
		if (requests[i] && requests[i]->again && !request_do(requests[i], &err))
			request_fail(requests[i], err);
	}
}

void requests_run(struct request *const *requests, size_t count)
{
	run(requests, count, -1);
}

void requests_run_apart(struct request *const *requests, size_t count, int64_t patience_ms)
{
	run(requests, count, patience_ms);
}
