/*
 * Passing requests on, counting them, and carrying out the rule. It knows nothing of registries or
 * of Sigstore; connections to the servers are kept and used again.
 */
#include "tests/integration/converge/gate.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/vec.h"
#include "tests/fakes/tiny_server.h"
#include "tests/integration/converge/wire.h"

struct door {
	struct gate *gate;
	char *name;
	uint16_t port;
	bool is_written;
	struct tiny_server *server;
	/* Under the gate's lock: */
	VEC(int) idle;
	unsigned earlier; /* connections up to this one are of runs before */
};

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t quiet, released;
	VEC(struct door *) doors;
	struct gate_rule rule;
	size_t requests, writes, matched, under_way;
	bool acted, is_shut; /* after a kill nothing passes any more */
	pid_t pid;	     /* 0: none */
	enum { HOLD_NONE, HOLD_WAITING, HOLD_PASSES, HOLD_REFUSED } hold;
	char *met;
	struct str log;
};

struct gate *gate_new(void)
{
	struct gate *gate = mem_new(1, sizeof(*gate));

	pthread_mutex_init(&gate->lock, NULL);
	pthread_cond_init(&gate->quiet, NULL);
	pthread_cond_init(&gate->released, NULL);
	str_init(&gate->log, WIRE_MAX);
	return gate;
}

void gate_free(struct gate *gate)
{
	for (size_t i = 0; i < gate->doors.len; i++) {
		struct door *door = gate->doors.items[i];
		tiny_server_free(door->server);
		for (size_t k = 0; k < door->idle.len; k++)
			close(door->idle.items[k]);
		vec_release(&door->idle);
		mem_free(door->name);
		mem_free(door);
	}
	vec_release(&gate->doors);
	mem_free(gate->met);
	str_release(&gate->log);
	pthread_cond_destroy(&gate->quiet);
	pthread_cond_destroy(&gate->released);
	pthread_mutex_destroy(&gate->lock);
	mem_free(gate);
}

/* ---- Passing on ---- */

static int take_idle(struct door *door)
{
	int fd = -1;

	pthread_mutex_lock(&door->gate->lock);
	if (door->idle.len)
		fd = door->idle.items[--door->idle.len];
	pthread_mutex_unlock(&door->gate->lock);
	return fd;
}

static void give_idle(struct door *door, int fd)
{
	pthread_mutex_lock(&door->gate->lock);
	*vec_push(&door->idle) = fd;
	pthread_mutex_unlock(&door->gate->lock);
}

static bool pass_on(struct door *door, const struct tiny_exchange *exchange,
	const struct str *request, struct wire_answer *answer)
{
	bool is_head = strcmp(exchange->method, "HEAD") == 0;
	int fd = take_idle(door);
	bool done = false;

	if (fd < 0)
		fd = wire_connect(door->port);
	if (fd >= 0)
		done = wire_exchange(fd, str_text(request), request->len, is_head, answer);
	if (done)
		give_idle(door, fd);
	else if (fd >= 0)
		close(fd);
	return done;
}

/* Head as it came, then the body. */
static void read_request(struct tiny_exchange *exchange, struct str *request)
{
	char bytes[64 * 1024];
	size_t len;

	str_add_text(request, exchange->head);
	while ((len = tiny_read_body(exchange, bytes, sizeof(bytes))) > 0)
		str_add(request, bytes, len);
}

/* ---- Answers, right and wrong ---- */

static void send_answer(struct tiny_exchange *exchange, const struct wire_answer *answer)
{
	tiny_send(exchange, str_text(&answer->head), answer->head.len);
	tiny_send(exchange, str_text(&answer->body), answer->body.len);
}

static bool is_json(const struct wire_answer *answer)
{
	const char *body = str_text(&answer->body);

	return answer->status < 300 && answer->body.len > 1 && (*body == '{' || *body == '[');
}

/* The headers without the length, which is another one now. */
static void send_shortened(struct tiny_exchange *exchange, const struct wire_answer *answer)
{
	const char *head = str_text(&answer->head);
	const char *length = strcasestr(head, "\r\nContent-Length:");
	const char *rest = length ? strstr(length + 2, "\r\n") : strstr(head, "\r\n");
	size_t half = answer->body.len / 2;

	tiny_sendf(exchange, "%.*s\r\nContent-Length: %zu%s",
		(int)((length ? length : rest) - head), head, half, rest);
	tiny_send(exchange, str_text(&answer->body), half);
}

static void send_half(struct tiny_exchange *exchange, const struct wire_answer *answer)
{
	tiny_send(exchange, str_text(&answer->head), answer->head.len);
	tiny_send(exchange, str_text(&answer->body), answer->body.len / 2);
	tiny_reset(exchange);
}

static void send_status(struct tiny_exchange *exchange, int status)
{
	tiny_reply(exchange, status,
		status == 429 ? "Retry-After: 0\r\nContent-Type: application/json\r\n"
			      : "Content-Type: application/json\r\n",
		status == 429
			? "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"by the "
			  "gate\"}]}"
			: "{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"by the gate\"}]}");
}

/* With the lock held. */
static void end_program(struct gate *gate)
{
	gate->is_shut = true;
	if (gate->pid > 0)
		kill(gate->pid, SIGKILL);
}

/* Of these, the answers that they can spoil are counted instead of the requests. */
static bool counts_answers(enum gate_action action)
{
	return action == GATE_RESET_MID || action == GATE_TRUNCATE_JSON;
}

static bool can_spoil(const struct tiny_exchange *exchange, enum gate_action action,
	const struct wire_answer *answer)
{
	return counts_answers(action) && strcmp(exchange->method, "HEAD") != 0 &&
		answer->body.len > 1 && (action == GATE_RESET_MID || is_json(answer));
}

static bool is_its_turn(struct door *door, const struct tiny_exchange *exchange)
{
	struct gate *gate = door->gate;

	pthread_mutex_lock(&gate->lock);
	bool is_it = ++gate->matched == gate->rule.nth;
	if (is_it) {
		gate->acted = true;
		gate->met = mem_printf("%s %s %s", door->name, exchange->method, exchange->target);
	}
	pthread_mutex_unlock(&gate->lock);
	return is_it;
}

static void set_acted(struct gate *gate, bool kills)
{
	pthread_mutex_lock(&gate->lock);
	gate->acted = true;
	if (kills)
		end_program(gate);
	pthread_mutex_unlock(&gate->lock);
}

static void answer_done(struct door *door, struct tiny_exchange *exchange, enum gate_action action,
	const struct str *request)
{
	CLEANUP(wire_answer_release) struct wire_answer answer = WIRE_ANSWER_INIT;

	if (!pass_on(door, exchange, request, &answer)) {
		tiny_reset(exchange);
		return;
	}
	if (action == GATE_KILL_AFTER) {
		set_acted(door->gate, true);
		tiny_reset(exchange);
	} else if (action == GATE_RESET_AFTER) {
		set_acted(door->gate, false);
		tiny_reset(exchange);
	} else if (!can_spoil(exchange, action, &answer) || !is_its_turn(door, exchange)) {
		send_answer(exchange, &answer);
	} else if (action == GATE_RESET_MID) {
		send_half(exchange, &answer);
	} else {
		send_shortened(exchange, &answer);
	}
}

/* False: the program that sent it is dead. */
static bool hold(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->acted = true;
	gate->hold = HOLD_WAITING;
	while (gate->hold == HOLD_WAITING)
		pthread_cond_wait(&gate->released, &gate->lock);
	bool passes = gate->hold == HOLD_PASSES;
	pthread_mutex_unlock(&gate->lock);
	return passes;
}

bool gate_holds(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	bool holds = gate->hold == HOLD_WAITING;
	pthread_mutex_unlock(&gate->lock);
	return holds;
}

void gate_release(struct gate *gate, bool passes)
{
	pthread_mutex_lock(&gate->lock);
	gate->hold = passes ? HOLD_PASSES : HOLD_REFUSED;
	pthread_cond_broadcast(&gate->released);
	pthread_mutex_unlock(&gate->lock);
}

static void answer(struct door *door, struct tiny_exchange *exchange, const struct gate_rule *rule,
	const struct str *request)
{
	switch (rule->action) {
	case GATE_KILL_BEFORE:
	case GATE_RESET_BEFORE:
	case GATE_DOWN:
		set_acted(door->gate, rule->action == GATE_KILL_BEFORE);
		tiny_reset(exchange);
		return;
	case GATE_STATUS:
		set_acted(door->gate, false);
		send_status(exchange, rule->status);
		return;
	case GATE_EMPTY:
		set_acted(door->gate, false);
		tiny_reply(exchange, 200, "", "");
		return;
	case GATE_HOLD:
		if (hold(door->gate))
			answer_done(door, exchange, GATE_PASS, request);
		else
			tiny_reset(exchange);
		return;
	default:
		answer_done(door, exchange, rule->action, request);
	}
}

/* ---- Counting ---- */

static bool is_write(const char *method)
{
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

/* With the lock held. */
static bool rule_fires(struct gate *gate, const struct door *door, const char *method)
{
	const struct gate_rule *rule = &gate->rule;

	if (rule->action == GATE_PASS || rule->nth == 0 ||
		(rule->server && strcmp(rule->server, door->name) != 0) ||
		(rule->only_writes && !is_write(method)))
		return false;
	if (counts_answers(rule->action))
		return true;
	gate->matched++;
	return gate->matched == rule->nth || (rule->and_later && gate->matched > rule->nth);
}

/* What is to be done with it; false: nothing passes. */
static bool enter(
	struct door *door, const struct tiny_exchange *exchange, struct gate_rule *ret_rule)
{
	struct gate *gate = door->gate;
	CLEANUP(mem_freep)
	char *line = mem_printf("%s %s %s", door->name, exchange->method, exchange->target);

	pthread_mutex_lock(&gate->lock);
	bool passes = !gate->is_shut && exchange->connection > door->earlier;
	*ret_rule = (struct gate_rule){.action = GATE_PASS};
	if (passes) {
		gate->requests++;
		gate->under_way++;
		gate->writes += door->is_written && is_write(exchange->method);
		str_addf(&gate->log, "%s\n", line);
		if (rule_fires(gate, door, exchange->method)) {
			*ret_rule = gate->rule;
			if (!gate->met && !counts_answers(gate->rule.action))
				gate->met = steal_ptr(&line);
		}
	}
	pthread_mutex_unlock(&gate->lock);
	return passes;
}

static void leave(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	if (--gate->under_way == 0)
		pthread_cond_broadcast(&gate->quiet);
	pthread_mutex_unlock(&gate->lock);
}

static void handle(struct tiny_exchange *exchange, void *ctx)
{
	struct door *door = ctx;
	CLEANUP(str_release) struct str request = STR_INIT(WIRE_MAX);
	struct gate_rule rule;

	read_request(exchange, &request);
	/* A program that was killed while it sent has not asked for anything. */
	if (exchange->body_read < exchange->body_len || !enter(door, exchange, &rule)) {
		tiny_reset(exchange);
		return;
	}
	answer(door, exchange, &rule, &request);
	leave(door->gate);
}

uint16_t gate_add(struct gate *gate, const char *name, uint16_t port, bool is_written)
{
	struct door *door = mem_new(1, sizeof(*door));

	door->gate = gate;
	door->name = mem_strdup(name);
	door->port = port;
	door->is_written = is_written;
	*vec_push(&gate->doors) = door;
	door->server = tiny_server_new(handle, door);
	return tiny_server_port(door->server);
}

/* ---- Runs ---- */

void gate_begin(struct gate *gate, const struct gate_rule *rule)
{
	pthread_mutex_lock(&gate->lock);
	gate->rule = *rule;
	gate->requests = gate->writes = gate->matched = 0;
	gate->acted = gate->is_shut = false;
	gate->hold = HOLD_NONE;
	mem_free(steal_ptr(&gate->met));
	str_clear(&gate->log);
	for (size_t i = 0; i < gate->doors.len; i++)
		gate->doors.items[i]->earlier =
			tiny_server_connections(gate->doors.items[i]->server);
	pthread_mutex_unlock(&gate->lock);
}

void gate_watch(struct gate *gate, int pid)
{
	pthread_mutex_lock(&gate->lock);
	gate->pid = pid;
	/* It asked before we knew it. */
	if (gate->is_shut)
		end_program(gate);
	pthread_mutex_unlock(&gate->lock);
}

void gate_forget(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->pid = 0;
	pthread_mutex_unlock(&gate->lock);
}

void gate_end(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	while (gate->under_way > 0)
		pthread_cond_wait(&gate->quiet, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

size_t gate_writes(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	size_t writes = gate->writes;
	pthread_mutex_unlock(&gate->lock);
	return writes;
}

bool gate_acted(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	bool acted = gate->acted;
	pthread_mutex_unlock(&gate->lock);
	return acted;
}

const char *gate_met(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	const char *met = gate->met ? gate->met : "";
	pthread_mutex_unlock(&gate->lock);
	return met;
}

char *gate_log(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	char *log = mem_strdup(str_text(&gate->log));
	pthread_mutex_unlock(&gate->lock);
	return log;
}
