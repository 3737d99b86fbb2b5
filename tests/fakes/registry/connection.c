/*
 * One connection: reads requests, lets them be handled, writes responses and the access log, and
 * carries out the faults that concern the wire. It knows nothing of registries.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/fs.h"
#include "base/vec.h"
#include "tests/fakes/registry/fake.h"
#include "tests/fakes/registry/store.h"

#define HEAD_MAX (64 * 1024)
#define BODY_MAX ((uint64_t)4 << 30)

struct connection {
	int fd;
	const char *host;
	size_t start, end; /* of what was received and not used yet */
	char bytes[HEAD_MAX];
};

/* ---- Reading ---- */

static bool receive(struct connection *c)
{
	if (c->start > 0) {
		memmove(c->bytes, c->bytes + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	if (c->end == sizeof(c->bytes))
		return false;
	ssize_t got = recv(c->fd, c->bytes + c->end, sizeof(c->bytes) - c->end, 0);
	if (got <= 0)
		return false;
	c->end += (size_t)got;
	return true;
}

/* Length of the head with its empty line, 0 while it is incomplete. */
static size_t head_len(const struct connection *c)
{
	const char *start = c->bytes + c->start;
	const char *end = memmem(start, c->end - c->start, "\r\n\r\n", 4);
	return end ? (size_t)(end - start) + 4 : 0;
}

static char *header_value(const char *head, const char *name)
{
	size_t len = strlen(name);
	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			const char *value = line + len + 1 + strspn(line + len + 1, " \t");
			return mem_strndup(value, strcspn(value, "\r"));
		}
	}
	return mem_strdup("");
}

static bool parse_head(const char *head, struct fake_request *request)
{
	size_t method = strcspn(head, " \r");
	if (head[method] != ' ')
		return false;
	const char *target = head + method + 1;
	size_t len = strcspn(target, " \r");
	request->method = mem_strndup(head, method);
	request->target = mem_strndup(target, len);
	size_t path = strcspn(request->target, "?");
	request->path = mem_strndup(request->target, path);
	request->query = mem_strdup(request->target[path] ? request->target + path + 1 : "");
	request->host = header_value(head, "Host");
	request->accept = header_value(head, "Accept");
	request->content_type = header_value(head, "Content-Type");
	request->authorization = header_value(head, "Authorization");
	request->content_range = header_value(head, "Content-Range");
	CLEANUP(mem_freep) char *expect = header_value(head, "Expect");
	CLEANUP(mem_freep) char *length = header_value(head, "Content-Length");
	CLEANUP(mem_freep) char *connection = header_value(head, "Connection");
	request->expects_continue = strcasecmp(expect, "100-continue") == 0;
	bool old = strncmp(target + len, " HTTP/1.0", 9) == 0;
	request->closes = old ? strcasecmp(connection, "keep-alive") != 0
			      : strcasecmp(connection, "close") == 0;
	uint64_t number = 0;
	if (*length && !number_parse(length, BODY_MAX, &number))
		return false;
	request->content_length = number;
	return true;
}

static void request_release(struct fake_request *request)
{
	mem_free(request->method);
	mem_free(request->target);
	mem_free(request->path);
	mem_free(request->query);
	mem_free(request->host);
	mem_free(request->accept);
	mem_free(request->content_type);
	mem_free(request->authorization);
	mem_free(request->content_range);
	mem_free(request->body);
}

static bool read_head(struct connection *c, struct fake_request *request)
{
	size_t len;
	while ((len = head_len(c)) == 0)
		if (!receive(c))
			return false;
	CLEANUP(mem_freep) char *head = mem_strndup(c->bytes + c->start, len);
	c->start += len;
	return parse_head(head, request);
}

static bool send_all(struct connection *c, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(c->fd, bytes, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* How much may be received now; 0 if the other side went away while nothing was wanted. */
static size_t pace(struct connection *c, size_t wanted, const struct fault *fault)
{
	struct pollfd closed = {.fd = c->fd, .events = POLLRDHUP};
	uint64_t bytes = 0;
	if (fault->action != FAULT_SLOW_READ || !number_parse(fault->argument, BODY_MAX, &bytes))
		return wanted;
	do {
		if (poll(&closed, 1, 10) > 0)
			return 0;
	} while (bytes == 0);
	return bytes < wanted ? bytes : wanted;
}

static bool read_body(struct connection *c, struct fake_request *request, const struct fault *fault)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	if (request->content_length == 0)
		return true;
	if (request->expects_continue && !send_all(c, go_on, sizeof(go_on) - 1))
		return false;
	request->body = mem_new(request->content_length, 1);
	size_t have = c->end - c->start;
	have = have < request->content_length ? have : request->content_length;
	memcpy(request->body, c->bytes + c->start, have);
	c->start += have;
	request->body_len = have;
	while (request->body_len < request->content_length) {
		size_t max = pace(c, request->content_length - request->body_len, fault);
		ssize_t got = recv(c->fd, request->body + request->body_len, max, 0);
		if (got <= 0)
			return false;
		request->body_len += (size_t)got;
	}
	return true;
}

/* ---- The access log: written before the response, so that whoever has it finds its line ---- */

static pthread_once_t log_once = PTHREAD_ONCE_INIT;
static int log_fd = -1;

static void open_log(void)
{
	log_fd = open(fake_options.access_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void log_request(
	const struct connection *c, const struct fake_request *request, int status, size_t bytes)
{
	CLEANUP(str_release) struct str line = STR_INIT(HEAD_MAX);
	if (!fake_options.access_log)
		return;
	pthread_once(&log_once, open_log);
	str_addf(&line, "%s %s %d %zu%s%s\n", request->method, request->target, status, bytes,
		c->host ? " " : "", c->host ? c->host : "");
	if (write(log_fd, str_text(&line), line.len) < 0)
		perror("access log");
}

/* ---- Writing ---- */

static void reset(struct connection *c)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* Until the other side goes away. */
static void stall(struct connection *c)
{
	char byte[4096];
	while (recv(c->fd, byte, sizeof(byte), 0) > 0)
		;
}

static bool send_head(struct connection *c, const struct fake_response *response, size_t length)
{
	CLEANUP(str_release) struct str head = STR_INIT(HEAD_MAX);
	str_addf(&head, "HTTP/1.1 %d X\r\nConnection: keep-alive\r\nContent-Length: %zu\r\n%s\r\n",
		response->status, length, str_text(&response->headers));
	return send_all(c, str_text(&head), head.len);
}

static void send_for_ever(struct connection *c, const char *piece, size_t repeats)
{
	while (repeats-- > 0 && send_all(c, piece, strlen(piece)))
		;
}

static pthread_once_t spaces_once = PTHREAD_ONCE_INIT;
static char spaces[64 * 1024];

static void fill_spaces(void)
{
	memset(spaces, ' ', sizeof(spaces) - 1);
}

/* False: the connection is spoiled. */
static bool send_response(struct connection *c, const struct fake_response *response,
	bool head_only, enum fault_action fault)
{
	size_t len = response->body_len;
	if (fault == FAULT_ENDLESS_HEADERS) {
		send_for_ever(c, "HTTP/1.1 200 X\r\n", 1);
		send_for_ever(c, "X-More: and more and more and more and more\r\n", SIZE_MAX);
		return false;
	}
	if (fault == FAULT_GIGABYTE) {
		pthread_once(&spaces_once, fill_spaces);
		if (send_head(c, response, (size_t)1 << 30))
			send_for_ever(c, spaces, SIZE_MAX);
		return false;
	}
	bool half = fault == FAULT_RESET_MID || fault == FAULT_TRUNCATE || fault == FAULT_STALL_MID;
	if (half && (len == 0 || head_only)) {
		reset(c);
		return false;
	}
	if (!send_head(c, response, len) ||
		(!head_only && !send_all(c, response->body, half ? len / 2 : len)))
		return false;
	if (fault == FAULT_STALL_MID)
		stall(c);
	if (fault == FAULT_RESET_MID) {
		/* What was sent should arrive before the reset. */
		usleep(20000);
		reset(c);
	}
	return !half;
}

/* ---- Faults that change a response ---- */

static void damage(struct fake_response *response, const struct fault *fault)
{
	if (fault->action == FAULT_FLIP_BIT && response->body_len > 0) {
		CLEANUP(mem_freep) char *copy = mem_dup(response->body, response->body_len);
		copy[response->body_len / 2] ^= 1;
		str_release(&response->text);
		str_init(&response->text, BODY_MAX);
		str_add(&response->text, copy, response->body_len);
		response->body = str_text(&response->text);
	}
	if (fault->action == FAULT_BAD_JSON) {
		response->body = "{\"broken";
		response->body_len = strlen(response->body);
	}
	if (fault->action == FAULT_ENCODED) {
		str_add_text(&response->headers, "Content-Encoding: gzip\r\n");
		response->body = "\x1f\x8b\x08 a bomb";
		response->body_len = strlen(response->body);
	}
	if (fault->action == FAULT_HEADER)
		str_addf(&response->headers, "%s\r\n", fault->argument);
}

/* "CODE MEDIA-TYPE PATH" of a rule. */
static void answer_with_file(const char *argument, struct fake_response *response)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep) char *words = mem_strdup(argument);
	char *rest = words, *code = strsep(&rest, " "), *type = strsep(&rest, " ");
	char digest[DIGEST_TEXT_SIZE];
	uint64_t status = 500;
	if (!rest || !number_parse(code, 599, &status) ||
		!fs_read_file(rest, &response->text, &err)) {
		fprintf(stderr, "fake-registry: file %s: %s\n", argument,
			err ? err->msg : "CODE TYPE PATH");
		exit(2);
	}
	const struct digest of =
		digest_of(DIGEST_SHA256, str_text(&response->text), response->text.len);
	response->status = (int)status;
	str_addf(&response->headers, "Content-Type: %s\r\nDocker-Content-Digest: %s\r\n", type,
		digest_format(&of, digest));
}

/* Faults that answer in the registry's place. */
static bool answered_by_fault(const struct fault *fault, struct fake_response *response)
{
	uint64_t status = 500;
	if (fault->action == FAULT_REDIRECT) {
		response->status = 307;
		str_addf(&response->headers, "Location: %s\r\n", fault->argument);
		return true;
	}
	if (fault->action == FAULT_FILE) {
		answer_with_file(fault->argument, response);
		return true;
	}
	if (fault->action != FAULT_STATUS)
		return false;
	CLEANUP(mem_freep)
	char *digits = mem_strndup(fault->argument, strcspn(fault->argument, " "));
	number_parse(digits, 599, &status);
	const char *header = strchr(fault->argument, ' ');
	if (header)
		str_addf(&response->headers, "%s\r\n", header + 1);
	respond_error(
		response, (int)status, status == 429 ? "TOOMANYREQUESTS" : "UNKNOWN", "by fault");
	return true;
}

static void answer(const struct fake_request *request, const struct fault *fault,
	struct fake_response *response)
{
	str_init(&response->headers, HEAD_MAX);
	str_init(&response->text, (size_t)256 << 20);
	response->no_digest_header = fault->action == FAULT_NO_DIGEST;
	response->wrong_digest_header = fault->action == FAULT_WRONG_DIGEST;
	if (!answered_by_fault(fault, response) && !quota_refuses(response))
		handle(request, response);
	if (!response->body) {
		response->body = str_text(&response->text);
		response->body_len = response->text.len;
	}
	damage(response, fault);
}

/* ---- The loop ---- */

/* False once the connection is to be closed. */
static bool serve(struct connection *c, struct fake_request *request)
{
	if (!read_head(c, request))
		return false;
	struct fault fault = faults_match(request->method, request->target);
	if (fault.action == FAULT_RESET_BEFORE || fault.action == FAULT_STALL) {
		log_request(c, request, 0, 0);
		if (fault.action == FAULT_STALL)
			stall(c);
		else
			reset(c);
		return false;
	}
	/* As real servers do, an early refusal does not wait for the body. */
	bool early = fault.action == FAULT_STATUS && request->expects_continue;
	if (!early && !read_body(c, request, &fault))
		return false;

	struct fake_response response = {0};
	answer(request, &fault, &response);
	if (fake_options.delay_ms)
		usleep(fake_options.delay_ms * 1000);
	bool head_only = strcmp(request->method, "HEAD") == 0;
	log_request(c, request, response.status, head_only ? 0 : response.body_len);
	if (response.is_dropped)
		reset(c);
	bool good = !response.is_dropped && send_response(c, &response, head_only, fault.action) &&
		!early && !request->closes;
	str_release(&response.headers);
	str_release(&response.text);
	return good;
}

void *connection_run(void *start)
{
	CLEANUP(mem_freep) struct connection_start *given = start;
	struct connection *c = mem_new(1, sizeof(*c));
	bool good = true;
	c->fd = given->fd;
	c->host = given->host;
	store_set_host(given->host);
	while (good) {
		struct fake_request request = {0};
		good = serve(c, &request);
		request_release(&request);
	}
	close(c->fd);
	mem_free(c);
	return NULL;
}
