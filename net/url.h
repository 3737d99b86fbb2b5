/*
 * URLs of http and https, as narrow as registries need them (RFC 3986): no user info, no zone
 * identifiers, nothing that two parsers could read in two ways. Path and query are kept byte for
 * byte, they may be signed. Pure functions, any thread. Errors are ERR_INVALID and never show a
 * query.
 */
#ifndef CIP_NET_URL_H
#define CIP_NET_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Longer URLs are refused. Signed storage URLs have 2 to 4 KiB. */
#define URL_MAX_BYTES ((size_t)16 * 1024)

struct url {
	bool is_https;
	char *host; /* lower case, an IPv6 address without its brackets; owned */
	uint16_t port;
	char *target; /* path and query as written, without fragment, starts with '/'; owned */
};

/* `text` must be absolute. */
bool url_parse(const char *text, struct url *ret_url, struct err **err);
void url_release(struct url *url);
void url_copy(struct url *copy, const struct url *url);

/* Fresh text; the port is written unless it is the scheme's own. */
char *url_format(const struct url *url);

/* Fresh "host/path" or "host:port/path" without scheme and query: for logs and errors. */
char *url_label(const struct url *url);

/* Same scheme, host and port. */
bool url_same_origin(const struct url *a, const struct url *b);

/*
 * What `reference` (of a Location or Link header) means in a response from `base`: RFC 3986
 * section 5.2, except that dot segments are removed only from a merged relative path; what the
 * server wrote in full is sent as it is.
 */
bool url_resolve(
	const struct url *base, const char *reference, struct url *ret_url, struct err **err);

#endif
