/*
 * A little HTTP/1.1 server on 127.0.0.1 for tests: a thread for each connection, and a handler of
 * the test that answers each request byte by byte if it likes, so that it can also answer
 * wrongly. It keeps a connection open until the handler closes it.
 */
#ifndef CIP_TESTS_FAKES_TINY_SERVER_H
#define CIP_TESTS_FAKES_TINY_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssl_ctx_st;
struct ssl_st;

struct tiny_server;

/* One request whose head has been read; the body has not. Valid during the handler's call. */
struct tiny_exchange {
	struct tiny_server *server;
	const char *method;
	const char *target;
	const char *head;    /* request line and headers */
	unsigned number;     /* of the request, over all connections, from 1 */
	unsigned connection; /* from 1 */
	uint64_t body_len;   /* Content-Length, 0 without */
	int fd;
	struct ssl_st *tls; /* NULL: plain */
	uint64_t body_read;
	bool is_closed;
};

/* Called on the connection's thread. */
typedef void tiny_handler(struct tiny_exchange *exchange, void *ctx);

/* Listens on a free port. Exits the process if that fails. */
struct tiny_server *tiny_server_new(tiny_handler *handler, void *ctx);
/* The same over TLS; `tls` (tests/fakes/tiny_ca.h) is borrowed. */
struct tiny_server *tiny_server_new_tls(tiny_handler *handler, void *ctx, struct ssl_ctx_st *tls);
/* Closes all connections and waits for their handlers. */
void tiny_server_free(struct tiny_server *server);

/* "http://127.0.0.1:PORT", https with TLS */
const char *tiny_server_url(const struct tiny_server *server);
uint16_t tiny_server_port(const struct tiny_server *server);
unsigned tiny_server_connections(struct tiny_server *server);
unsigned tiny_server_requests(struct tiny_server *server);

/* Value of a request header, in static memory of the thread; NULL if absent. */
const char *tiny_header(const struct tiny_exchange *exchange, const char *name);

/*
 * A parameter of a form or query, percent-decoded, in fresh memory; "" if absent.
 */
char *tiny_parameter(const char *form, const char *name);

/*
 * Reads up to `max` further bytes of the body into `bytes` (NULL: drops them). Sends 100 Continue
 * if asked.
 */
size_t tiny_read_body(struct tiny_exchange *exchange, void *bytes, size_t max);

/* False once the client is gone. */
bool tiny_send(struct tiny_exchange *exchange, const void *bytes, size_t len);
bool tiny_sendf(struct tiny_exchange *exchange, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A whole answer with Content-Length; `headers` are lines ending in \r\n, may be "". No body for
 * HEAD.
 */
void tiny_reply(struct tiny_exchange *exchange, int status, const char *headers, const char *body);

/* End of this connection, in the ordinary way or with a reset. */
void tiny_close(struct tiny_exchange *exchange);
void tiny_reset(struct tiny_exchange *exchange);

#endif
