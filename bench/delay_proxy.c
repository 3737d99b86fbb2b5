/*
 * Adds a delay to every answer of a server on this machine: passes bytes both ways, and holds the
 * first bytes that come back after a request for that long. It knows nothing of HTTP: what the
 * client sends after an answer has begun is the next request.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/enc.h"

static const char usage[] = "usage: bench-delay-proxy PORT-OF-THE-SERVER MILLISECONDS\n"
			    "Prints the port on 127.0.0.1 where the delayed server is.\n";

static in_port_t server_port;
static uint64_t delay_ms;

struct pair {
	int client, server;
	atomic_bool is_asked; /* the client has sent something that is not answered yet */
	atomic_int users;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in loopback(in_port_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};
}

static void hold(void)
{
	struct timespec time = {
		.tv_sec = (time_t)(delay_ms / 1000),
		.tv_nsec = (long)(delay_ms % 1000) * 1000000,
	};
	nanosleep(&time, NULL);
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

/* The first direction that ends takes the other with it. */
static void pair_leave(struct pair *pair)
{
	shutdown(pair->client, SHUT_RDWR);
	shutdown(pair->server, SHUT_RDWR);
	if (atomic_fetch_sub(&pair->users, 1) > 1)
		return;
	close(pair->client);
	close(pair->server);
	mem_free(pair);
}

static void *pass_requests(void *ctx)
{
	struct pair *pair = ctx;
	char bytes[65536];
	ssize_t len;
	while ((len = recv(pair->client, bytes, sizeof(bytes), 0)) > 0) {
		atomic_store(&pair->is_asked, true);
		if (!send_all(pair->server, bytes, (size_t)len))
			break;
	}
	pair_leave(pair);
	return NULL;
}

static void *pass_answers(void *ctx)
{
	struct pair *pair = ctx;
	char bytes[65536];
	ssize_t len;
	while ((len = recv(pair->server, bytes, sizeof(bytes), 0)) > 0) {
		if (atomic_exchange(&pair->is_asked, false))
			hold();
		if (!send_all(pair->client, bytes, (size_t)len))
			break;
	}
	pair_leave(pair);
	return NULL;
}

static void run(void *(*function)(void *), struct pair *pair)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, function, pair) != 0)
		die("pthread_create");
	pthread_detach(thread);
}

static void serve(int client)
{
	struct sockaddr_in address = loopback(server_port);
	struct pair *pair = mem_new(1, sizeof(*pair));
	int on = 1;
	pair->client = client;
	pair->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(pair->server, (struct sockaddr *)&address, sizeof(address)) != 0)
		die("connect to the server");
	setsockopt(pair->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(pair->server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	atomic_store(&pair->users, 2);
	run(pass_requests, pair);
	run(pass_answers, pair);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = loopback(0);
	socklen_t address_len = sizeof(address);
	uint64_t port;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (argc != 3 || !number_parse(argv[1], 65535, &port) ||
		!number_parse(argv[2], 60000, &delay_ms)) {
		fputs(usage, stderr);
		return 2;
	}
	server_port = (in_port_t)port;
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, address_len) != 0 ||
		listen(listener, 512) != 0 ||
		getsockname(listener, (struct sockaddr *)&address, &address_len) != 0)
		die("listen on 127.0.0.1");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			die("accept");
		serve(client);
	}
}
