/*
 * The rules for URLs that a server gave, before a connection is made; what can only be seen on the
 * connection is in net/address.h. Pure functions, any thread.
 */
#ifndef CIP_NET_REDIRECT_H
#define CIP_NET_REDIRECT_H

#include "net/address.h"
#include "net/http.h"
#include "net/url.h"

enum { REDIRECT_MAX = 5 };

/* 301, 302, 303, 307, 308. */
bool redirect_is_status(int status);

/*
 * May a URL of this source be asked for at all? ERR_INVALID: plain http unless the server that gave
 * it is on the loopback; a literal address its server may not name.
 */
bool redirect_check_url(enum http_source source, const struct url *url, struct err **err);

/* One hop of a redirect chain. */
struct redirect {
	struct url url;		 /* owned */
	enum http_source source; /* by which its address will be judged */
	bool keeps_private;	 /* private headers may be sent along: same origin */
};

/*
 * Decides on `location`, answered by `from`, which was itself asked under `from_source` and whose
 * URLs have the source `server`. A hop to the same origin keeps from_source: a plain-http
 * registry that somebody configured may send us around inside itself. ERR_INVALID otherwise as
 * above, and for https to http.
 */
bool redirect_decide(const struct url *from, enum http_source from_source, enum http_source server,
	const char *location, struct redirect *ret_redirect, struct err **err);

#endif
