/*
 * Private to net/: what net/transfer.c needs of a trust configuration. The rest is in net/http.h.
 */
#ifndef CIP_NET_TLS_H
#define CIP_NET_TLS_H

#include "net/http.h"

/*
 * Gives the store to a fresh SSL_CTX, passed as a plain pointer so that OpenSSL's types stay in
 * tls.c. Any thread.
 */
void tls_apply(const struct http_tls *tls, void *ssl_ctx);

bool tls_skips_verify(const struct http_tls *tls);

/*
 * A text that differs between any two configurations of the process: connections are shared by
 * it.
 */
const char *tls_id(const struct http_tls *tls);

#endif
