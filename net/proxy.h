/*
 * Which proxy a host is reached through: the environment variables libcurl and Go programs know,
 * read once, so that what was decided is also known here: an address behind a proxy is the proxy's
 * to judge. Immutable after proxy_rules_new, any thread.
 */
#ifndef CIP_NET_PROXY_H
#define CIP_NET_PROXY_H

#include "net/url.h"

struct proxy_rules;

/* The only fields that may be said are `name` and `variable`. */
struct proxy {
	char *variable; /* that named it: "HTTPS_PROXY" */
	char *name;	/* "proxy.example:3128" */
	char *url;	/* with scheme and port, without user and password */
	char *username; /* %-decoded; NULL: none */
	char *password; /* %-decoded; NULL: none */
};

/*
 * https_proxy, HTTPS_PROXY, http_proxy (lower case only: a CGI request sets HTTP_PROXY), all_proxy,
 * ALL_PROXY: [SCHEME://][USER[:PASSWORD]@]HOST[:PORT], where SCHEME is http (the default), https,
 * socks4, socks4a, socks5 or socks5h, and PORT is the scheme's: 80, 443, 1080. ERR_USAGE names the
 * variable and shows nothing of a malformed value, which may hold a password.
 *
 * no_proxy, NO_PROXY, separated by commas or spaces: a name, for itself and what is below it; the
 * same with "." or "*." in front; an address; both with ":PORT" for this port only; a network
 * ("10.0.0.0/8"); "*".
 */
struct proxy_rules *proxy_rules_new(struct err **err);
void proxy_rules_free(struct proxy_rules *rules);
DEFINE_CLEANUP(struct proxy_rules, proxy_rules_freep, proxy_rules_free)

/* Borrowed; NULL for none. The loopback and metadata services never have one. */
const struct proxy *proxy_for(const struct proxy_rules *rules, const struct url *url);

#endif
