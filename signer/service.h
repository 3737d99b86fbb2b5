/*
 * What the clients of signing services (Fulcio, Rekor, timestamp authorities) have in common: which
 * URLs they may use, requests of the signing class that draw from the bucket of their host, and what
 * an unwanted status means. Knows none of their interfaces. Private to this room. Any thread.
 */
#ifndef CIP_SIGNER_SERVICE_H
#define CIP_SIGNER_SERVICE_H

#include "net/http.h"

struct service {
	struct http *http; /* borrowed */
	const char *name;  /* "Fulcio"; borrowed, for messages */
	char *url;	   /* without a slash at its end */
	char *bucket;
};

/* ERR_USAGE names the service: only https, or plain http on the loopback, and no query. */
bool service_init(struct service *service, struct http *http, const char *name, const char *url,
	struct err **err);
void service_release(struct service *service);

/* One request; everything borrowed. */
struct service_request {
	const char *method;
	const char *path;	  /* after the URL: "/api/v2/signingCert"; "" for the URL itself */
	const char *content_type; /* of the body; NULL: none */
	const char *accept;	  /* NULL: not said */
	const char *bearer;	  /* secret for Authorization; NULL: none */
	const void *body;
	size_t len;
	size_t response_max;
};

/*
 * Sends it, again if need be (all requests to these services may be repeated), never after a
 * redirect. Any status is a success. Errors of http_do, with the service's name.
 */
bool service_do(const struct service *service, const struct service_request *request,
	struct http_response *ret_response, struct err **err);

/*
 * An answer that is none of those wanted: ERR_AUTH for 401 and 403, ERR_NOT_FOUND for 404, ERR_CONFLICT for 409, ERR_THROTTLED for
 * 429, ERR_TRANSIENT for 408 and 5xx, else ERR_INVALID; with what the server said. Always false.
 */
bool service_refused(const struct service *service, const struct service_request *request,
	const struct http_response *response, struct err **err);

/* Puts "Fulcio: POST host/path: " before the message. Always false. */
bool service_failed(
	const struct service *service, const struct service_request *request, struct err **err);

#endif
