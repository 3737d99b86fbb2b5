/*
 * Which proxy a host is reached through: the environment variables libcurl and Go programs know,
 * read once, so that what was decided is also known here: an address behind a proxy is the proxy's
 * to judge. Immutable after proxy_rules_new, any thread.
 */
#ifndef CIP_NET_PROXY_H
#define CIP_NET_PROXY_H

#include "net/url.h"

struct proxy_rules;

/*
 * https_proxy, HTTPS_PROXY, http_proxy (lower case only: a CGI request sets HTTP_PROXY), all_proxy,
 * ALL_PROXY, no_proxy, NO_PROXY (names, ".suffix", addresses, CIDR, "*").
 */
struct proxy_rules *proxy_rules_new(void);
void proxy_rules_free(struct proxy_rules *rules);

/*
 * Borrowed URL of the proxy, which may hold its password; "" for none. The loopback and metadata
 * services never have one.
 */
const char *proxy_for(const struct proxy_rules *rules, const struct url *url);

#endif
