/*
 * Private to net/: what net/transfer.c needs of a trust configuration. The rest is in net/http.h.
 */
#ifndef CIP_NET_TLS_H
#define CIP_NET_TLS_H

#include "net/http.h"

/*
 * Gives the store to a fresh SSL_CTX, passed as a plain pointer so that OpenSSL's types stay in
 * tls.c, and the client certificates if it may show them. Any thread.
 */
void tls_apply(const struct http_tls *tls, bool shows_identities, void *ssl_ctx);

/*
 * libcurl asks for proxies with the same callback and does not say so. It is told to go up to TLS
 * 1.3 with proxies and as high as it can with servers, which is the same and can be seen.
 */
bool tls_is_of_proxy(void *ssl_ctx);

bool tls_skips_verify(const struct http_tls *tls);

/*
 * A text that differs between any two configurations of the process, and between the same with and
 * without its client certificates: connections are shared by it.
 */
const char *tls_id(const struct http_tls *tls, bool shows_identities);

#endif
