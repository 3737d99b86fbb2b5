/* Sending bytes and reading one answer. It knows of HTTP only where an answer ends. */
#include "tests/integration/converge/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void wire_answer_release(struct wire_answer *answer)
{
	str_release(&answer->head);
	str_release(&answer->body);
}

int wire_connect(uint16_t port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};
	CLEANUP(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return steal_fd(&fd);
}

static bool send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* Up to the empty line; what came of the body goes there. */
static bool read_head(int fd, struct wire_answer *answer)
{
	char bytes[16 * 1024];
	const char *end = NULL;

	while (!end) {
		ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
		if (got <= 0)
			return false;
		str_add(&answer->head, bytes, (size_t)got);
		end = memmem(str_text(&answer->head), answer->head.len, "\r\n\r\n", 4);
	}
	size_t len = (size_t)(end + 4 - str_text(&answer->head));
	str_add(&answer->body, str_text(&answer->head) + len, answer->head.len - len);
	answer->head.len = len;
	answer->head.bytes[len] = '\0';
	answer->status =
		(int)strtol(answer->head.bytes + strcspn(answer->head.bytes, " \r"), NULL, 10);
	return answer->status > 0;
}

static bool read_body(int fd, size_t length, struct str *body)
{
	char bytes[64 * 1024];

	while (body->len < length) {
		ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
		if (got <= 0)
			return false;
		str_add(body, bytes, (size_t)got);
	}
	return body->len == length;
}

bool wire_exchange(
	int fd, const void *request, size_t len, bool is_head, struct wire_answer *answer)
{
	if (!send_all(fd, request, len) || !read_head(fd, answer))
		return false;
	const char *length = strcasestr(str_text(&answer->head), "\r\nContent-Length:");
	return read_body(
		fd, length && !is_head ? strtoul(length + 17, NULL, 10) : 0, &answer->body);
}

void wire_request(uint16_t port, const char *method, const char *target, struct wire_answer *answer)
{
	CLEANUP(fd_closep) int fd = wire_connect(port);
	CLEANUP(mem_freep)
	char *request = mem_printf(
		"%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", method, target, (unsigned)port);

	if (fd < 0 || !wire_exchange(fd, request, strlen(request), false, answer)) {
		fprintf(stderr, "%s %s of port %u: no answer\n", method, target, (unsigned)port);
		exit(2);
	}
}
