/*
 * A certificate authority for tests, made anew by each program: keys never lie in the repository.
 */
#ifndef CIP_TESTS_FAKES_TINY_CA_H
#define CIP_TESTS_FAKES_TINY_CA_H

#include <stdbool.h>

struct ssl_ctx_st;
struct ssl_st;
struct tiny_ca;

/* Exits the process if anything fails, as all of these do. */
struct tiny_ca *tiny_ca_new(void);
void tiny_ca_free(struct tiny_ca *ca);

/* Writes the authority's certificate as PEM. */
void tiny_ca_write(const struct tiny_ca *ca, const char *path);

/*
 * A server context with a fresh certificate for `names` ("IP:127.0.0.1,DNS:localhost"), to be freed
 * with SSL_CTX_free. max_version is a TLS1_x_VERSION, 0 for the newest.
 */
struct ssl_ctx_st *tiny_ca_server(struct tiny_ca *ca, const char *names, int max_version);

/* Writes a client certificate and its key as PEM. */
void tiny_ca_write_client(
	struct tiny_ca *ca, const char *name, const char *certificate_path, const char *key_path);

/*
 * Makes a server context ask for a client certificate of this authority; without one it goes on
 * unless `is_needed`.
 */
void tiny_ca_ask(const struct tiny_ca *ca, struct ssl_ctx_st *server, bool is_needed);

/* The name in the certificate that a client showed, "" without one. Of `size` bytes at most. */
void tiny_ca_shown(struct ssl_st *tls, char *name, int size);

#endif
