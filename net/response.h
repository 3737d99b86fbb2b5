/*
 * Private to net/: what comes back for one hop, on the I/O thread.
 */
#ifndef CIP_NET_RESPONSE_H
#define CIP_NET_RESPONSE_H

#include "net/call_private.h"

/* CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION; `ctx` is the call. */
size_t response_on_header(char *line, size_t size, size_t count, void *ctx);
size_t response_on_body(char *bytes, size_t size, size_t count, void *ctx);

/* Hands status and head to the caller. */
void response_publish_head(struct http_call *call);

/* All of the request's body has been given to libcurl. */
bool response_request_sent(const struct http_call *call);

#endif
