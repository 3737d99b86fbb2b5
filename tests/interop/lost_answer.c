/*
 * lost-answer PORT: stands before an HTTP server on this machine and passes on what is asked and answered, but the answer
 * to the first POST: the server has acted, and the client never hears of it. Prints its port, then each request
 * with the server's status.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "base/str.h"
#include "tests/fakes/tiny_server.h"
#include "tests/threads/check.h"

#define MAX_SIZE ((size_t)1 << 20)

static in_port_t server_port;
static atomic_bool has_lost_one;

static void read_request(struct tiny_exchange *exchange, struct str *request)
{
	const char *type = tiny_header(exchange, "Content-Type");
	str_addf(request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n",
		exchange->method, exchange->target, server_port);
	if (type != NULL)
		str_addf(request, "Content-Type: %s\r\n", type);
	str_addf(request, "Accept: application/json\r\nContent-Length: %zu\r\n\r\n",
		(size_t)exchange->body_len);
	for (uint64_t left = exchange->body_len; left > 0;) {
		char bytes[4096];
		size_t got = tiny_read_body(
			exchange, bytes, left < sizeof(bytes) ? (size_t)left : sizeof(bytes));
		CHECK(got > 0);
		str_add(request, bytes, got);
		left -= got;
	}
	CHECK(!str_overflowed(request));
}

static void ask_server(const struct str *request, struct str *answer)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(server_port),
	};
	char bytes[4096];
	ssize_t len;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(send(fd, request->bytes, request->len, MSG_NOSIGNAL) == (ssize_t)request->len);
	while ((len = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		str_add(answer, bytes, (size_t)len);
	CHECK(!str_overflowed(answer) && answer->len > strlen("HTTP/1.1 200"));
	close(fd);
}

static void pass_on(struct tiny_exchange *exchange, void *ctx)
{
	CLEANUP(str_release) struct str request = STR_INIT(MAX_SIZE);
	CLEANUP(str_release) struct str answer = STR_INIT(MAX_SIZE);
	(void)ctx;
	read_request(exchange, &request);
	ask_server(&request, &answer);
	printf("%s %.3s\n", exchange->method, answer.bytes + strlen("HTTP/1.1 "));
	fflush(stdout);
	if (strcmp(exchange->method, "POST") == 0 && !atomic_exchange(&has_lost_one, true)) {
		tiny_reset(exchange);
		return;
	}
	tiny_send(exchange, answer.bytes, answer.len);
	tiny_close(exchange);
}

int main(int argc, char **argv)
{
	uint64_t port;
	CHECK(argc == 2 && number_parse(argv[1], 65535, &port));
	server_port = (in_port_t)port;
	printf("%d\n", tiny_server_port(tiny_server_new(pass_on, NULL)));
	fflush(stdout);
	for (;;)
		pause();
}
