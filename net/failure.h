/*
 * Private to net/: which of our errors a failure of libcurl is.
 */
#ifndef CIP_NET_FAILURE_H
#define CIP_NET_FAILURE_H

#include "base/err.h"
#include "net/proxy.h"

/* What is known about a transfer that failed. */
struct failure {
	int code;	    /* CURLcode, not 0 */
	const char *detail; /* libcurl's words, may be empty */
	int os_errno;
	const struct proxy *proxy; /* NULL: none */
	int proxy_status;	   /* of the CONNECT, 0 if there was none */
	int status;		   /* of an answer that began, 0 if there was none */
};

/* Stores the error; returns false. */
bool failure_set(const struct failure *failure, struct err **err);

/* ERR_AUTH for a 407 of the proxy; returns false. */
bool failure_set_proxy_auth(const struct proxy *proxy, struct err **err);

#endif
