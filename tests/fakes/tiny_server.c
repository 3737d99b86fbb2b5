/*
 * The connection handling of the test server. It checks nothing: a request it cannot read ends the
 * connection.
 */
#include "tests/fakes/tiny_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

enum { CONNECTIONS_MAX = 1024, HEAD_MAX = 32 * 1024 };

struct connection {
	struct tiny_server *server;
	pthread_t thread;
	unsigned number;
	int fd; /* under the server's lock; -1: the thread is at its end */
};

struct tiny_server {
	tiny_handler *handler;
	void *ctx;
	SSL_CTX *tls; /* NULL: plain */
	int fd;
	uint16_t port;
	char url[64];
	pthread_t thread;
	atomic_uint requests;
	atomic_uint count; /* of connections so far */
	pthread_mutex_t lock;
	unsigned used; /* of these, now or before */
	struct connection connections[CONNECTIONS_MAX];
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static ssize_t receive(int fd, SSL *tls, void *bytes, size_t max, bool peek)
{
	ssize_t len;

	if (tls)
		return peek ? SSL_peek(tls, bytes, (int)max) : SSL_read(tls, bytes, (int)max);
	do
		len = recv(fd, bytes, max, peek ? MSG_PEEK : 0);
	while (len < 0 && errno == EINTR);
	return len;
}

/* Reads up to and including the empty line; what follows it stays where it is. */
static bool read_head(int fd, SSL *tls, char *head)
{
	size_t len = 0;

	while (len < HEAD_MAX) {
		ssize_t seen = receive(fd, tls, head + len, HEAD_MAX - len, true);
		char *end;
		size_t take;

		if (seen <= 0)
			return false;
		end = memmem(head, len + (size_t)seen, "\r\n\r\n", 4);
		take = end ? (size_t)(end - head) + 4 - len : (size_t)seen;
		if (receive(fd, tls, head + len, take, false) != (ssize_t)take)
			return false;
		len += take;
		head[len] = '\0';
		if (end)
			return true;
	}
	return false;
}

static bool split_request_line(char *line, struct tiny_exchange *exchange)
{
	char *rest = NULL;

	exchange->method = strtok_r(line, " ", &rest);
	exchange->target = strtok_r(NULL, " ", &rest);
	return exchange->method && exchange->target;
}

static void serve(struct connection *connection, int fd, SSL *tls)
{
	struct tiny_server *server = connection->server;
	static _Thread_local char head[HEAD_MAX + 1], line[HEAD_MAX + 1];
	bool open = true;

	while (open && read_head(fd, tls, head)) {
		struct tiny_exchange exchange = {.server = server,
			.head = head,
			.connection = connection->number,
			.fd = fd,
			.tls = tls};
		const char *length;

		memcpy(line, head, strcspn(head, "\r"));
		line[strcspn(head, "\r")] = '\0';
		if (!split_request_line(line, &exchange))
			break;
		length = tiny_header(&exchange, "Content-Length");
		exchange.body_len = length ? strtoull(length, NULL, 10) : 0;
		exchange.number = atomic_fetch_add(&server->requests, 1) + 1;
		server->handler(&exchange, server->ctx);
		open = !exchange.is_closed;
		while (open && exchange.body_read < exchange.body_len)
			open = tiny_read_body(&exchange, NULL, SIZE_MAX) > 0;
	}
}

static void *connection_run(void *arg)
{
	struct connection *connection = arg;
	sigset_t pipe;
	int fd = connection->fd;
	SSL *tls = connection->server->tls ? SSL_new(connection->server->tls) : NULL;

	/* OpenSSL writes without MSG_NOSIGNAL. */
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	if (!tls || (SSL_set_fd(tls, fd) && SSL_accept(tls) == 1))
		serve(connection, fd, tls);
	SSL_free(tls);
	pthread_mutex_lock(&connection->server->lock);
	connection->fd = -1;
	pthread_mutex_unlock(&connection->server->lock);
	close(fd);
	return NULL;
}

/* With the lock held. */
static struct connection *free_connection(struct tiny_server *server)
{
	if (server->used < CONNECTIONS_MAX)
		return &server->connections[server->used++];
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		if (server->connections[i].fd >= 0)
			continue;
		pthread_join(server->connections[i].thread, NULL);
		return &server->connections[i];
	}
	fail("tiny_server: too many connections");
	return NULL;
}

static void *accept_run(void *arg)
{
	struct tiny_server *server = arg;

	for (;;) {
		int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
		struct connection *connection;
		int on = 1;

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return NULL;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		pthread_mutex_lock(&server->lock);
		connection = free_connection(server);
		*connection =
			(struct connection){.server = server, .number = ++server->count, .fd = fd};
		if (pthread_create(&connection->thread, NULL, connection_run, connection) != 0)
			fail("pthread_create");
		pthread_mutex_unlock(&server->lock);
	}
}

struct tiny_server *tiny_server_new(tiny_handler *handler, void *ctx)
{
	return tiny_server_new_tls(handler, ctx, NULL);
}

struct tiny_server *tiny_server_new_tls(tiny_handler *handler, void *ctx, SSL_CTX *tls)
{
	struct tiny_server *server = mem_new(1, sizeof(*server));
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	server->handler = handler;
	server->ctx = ctx;
	server->tls = tls;
	pthread_mutex_init(&server->lock, NULL);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->fd < 0 || bind(server->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(server->fd, 256) != 0 ||
		getsockname(server->fd, (struct sockaddr *)&address, &len) != 0)
		fail("tiny_server");
	server->port = ntohs(address.sin_port);
	snprintf(server->url, sizeof(server->url), "%s://127.0.0.1:%u", tls ? "https" : "http",
		(unsigned)server->port);
	if (pthread_create(&server->thread, NULL, accept_run, server) != 0)
		fail("pthread_create");
	return server;
}

void tiny_server_free(struct tiny_server *server)
{
	if (!server)
		return;
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
	pthread_mutex_lock(&server->lock);
	for (unsigned i = 0; i < server->used; i++) {
		if (server->connections[i].fd >= 0)
			shutdown(server->connections[i].fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&server->lock);
	for (unsigned i = 0; i < server->used; i++)
		pthread_join(server->connections[i].thread, NULL);
	pthread_mutex_destroy(&server->lock);
	mem_free(server);
}

const char *tiny_server_url(const struct tiny_server *server)
{
	return server->url;
}

uint16_t tiny_server_port(const struct tiny_server *server)
{
	return server->port;
}

unsigned tiny_server_connections(struct tiny_server *server)
{
	return server->count;
}

unsigned tiny_server_requests(struct tiny_server *server)
{
	return server->requests;
}

const char *tiny_header(const struct tiny_exchange *exchange, const char *name)
{
	static _Thread_local char value[HEAD_MAX];
	size_t name_len = strlen(name);

	for (const char *line = exchange->head; line; line = strstr(line, "\r\n")) {
		line += line == exchange->head ? 0 : 2;
		if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		line += name_len + 1;
		line += strspn(line, " ");
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\r"), line);
		return value;
	}
	return NULL;
}

static char *percent_decoded(const char *text, size_t len)
{
	char *value = mem_strndup(text, len);
	size_t out = 0;

	for (size_t i = 0; value[i]; i++) {
		char digits[3] = "";
		value[out] = value[i];
		if (value[i] == '%' && value[i + 1] && value[i + 2]) {
			memcpy(digits, value + i + 1, 2);
			value[out] = (char)strtoul(digits, NULL, 16);
			i += 2;
		}
		out++;
	}
	value[out] = '\0';
	return value;
}

char *tiny_parameter(const char *form, const char *name)
{
	size_t name_len = strlen(name);

	for (const char *at = form; *at;) {
		size_t len = strcspn(at, "&");
		if (len > name_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=')
			return percent_decoded(at + name_len + 1, len - name_len - 1);
		at += len + (at[len] == '&');
	}
	return mem_strdup("");
}

size_t tiny_read_body(struct tiny_exchange *exchange, void *bytes, size_t max)
{
	char dropped[64 * 1024];
	uint64_t left = exchange->body_len - exchange->body_read;
	ssize_t len;

	if (exchange->is_closed || left == 0)
		return 0;
	if (exchange->body_read == 0 && tiny_header(exchange, "Expect"))
		tiny_sendf(exchange, "HTTP/1.1 100 Continue\r\n\r\n");
	if (!bytes && max > sizeof(dropped))
		max = sizeof(dropped);
	if (max > left)
		max = (size_t)left;
	len = receive(exchange->fd, exchange->tls, bytes ? bytes : dropped, max, false);
	if (len <= 0)
		return 0;
	exchange->body_read += (uint64_t)len;
	return (size_t)len;
}

bool tiny_send(struct tiny_exchange *exchange, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len && !exchange->is_closed) {
		ssize_t sent = exchange->tls ? SSL_write(exchange->tls, from, (int)len)
					     : send(exchange->fd, from, len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		from += sent;
		len -= (size_t)sent;
	}
	return !exchange->is_closed;
}

bool tiny_sendf(struct tiny_exchange *exchange, const char *fmt, ...)
{
	va_list args;
	char *text;
	bool sent;

	va_start(args, fmt);
	text = mem_vprintf(fmt, args);
	va_end(args);
	sent = tiny_send(exchange, text, strlen(text));
	mem_free(text);
	return sent;
}

void tiny_reply(struct tiny_exchange *exchange, int status, const char *headers, const char *body)
{
	bool is_head = strcmp(exchange->method, "HEAD") == 0;

	tiny_sendf(exchange, "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n%s\r\n%s", status,
		strlen(body), headers, is_head ? "" : body);
}

void tiny_close(struct tiny_exchange *exchange)
{
	exchange->is_closed = true;
	shutdown(exchange->fd, SHUT_RDWR);
}

void tiny_reset(struct tiny_exchange *exchange)
{
	const struct linger hard = {.l_onoff = 1, .l_linger = 0};

	exchange->is_closed = true;
	setsockopt(exchange->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}
