/*
 * Private to net/: one request as libcurl sees it. Everything here runs on the I/O thread. Handles
 * of libcurl pass as plain pointers so that its header stays in the .c files that use it.
 */
#ifndef CIP_NET_TRANSFER_H
#define CIP_NET_TRANSFER_H

#include "net/call_private.h"

struct transfer;

/* Makes the easy handle for the call's present hop. */
struct transfer *transfer_new(struct http_call *call, bool wants_http2);
void transfer_free(struct transfer *transfer);

/* The CURL handle; its private pointer is the call. */
void *transfer_handle(struct transfer *transfer);

bool transfer_wants_http2(const struct transfer *transfer);

/* Unpauses what can go on. False: the transfer has failed and must be ended. */
bool transfer_resume(struct http_call *call);

/* Bytes of request body that have reached the socket. */
uint64_t transfer_uploaded(const struct transfer *transfer);

/*
 * What became of the hop: true for a complete answer (to be followed if hop.is_redirect), false
 * with the error. `code` is libcurl's CURLcode.
 */
bool transfer_result(struct http_call *call, int code, struct err **err);

#endif
