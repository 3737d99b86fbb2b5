/*
 * The decision for or against a proxy. How to talk to one, and its credentials inside the URL, is
 * libcurl's.
 */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/enc.h"
#include "net/address.h"

struct proxy_rules {
	char *for_https;
	char *for_http;
	char *exceptions;
};

static char *environment(const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);
		if (value && *value)
			return mem_strdup(value);
	}
	return mem_strdup("");
}

struct proxy_rules *proxy_rules_new(void)
{
	struct proxy_rules *rules = mem_new(1, sizeof(*rules));

	rules->for_https = environment((const char *const[]){
		"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL});
	rules->for_http =
		environment((const char *const[]){"http_proxy", "all_proxy", "ALL_PROXY", NULL});
	rules->exceptions = environment((const char *const[]){"no_proxy", "NO_PROXY", NULL});
	return rules;
}

void proxy_rules_free(struct proxy_rules *rules)
{
	if (!rules)
		return;
	mem_free_secret_string(rules->for_https);
	mem_free_secret_string(rules->for_http);
	mem_free(rules->exceptions);
	mem_free(rules);
}

static bool in_network(
	const char *host, const char *network, const char *bits_text, size_t total, int family)
{
	uint8_t address[16], net[16];
	uint64_t bits = total;

	if (inet_pton(family, host, address) != 1 || inet_pton(family, network, net) != 1)
		return false;
	if (bits_text && !number_parse(bits_text, total, &bits))
		return false;
	if (memcmp(address, net, (size_t)bits / 8) != 0)
		return false;
	return bits % 8 == 0 || (address[bits / 8] ^ net[bits / 8]) >> (8 - bits % 8) == 0;
}

/* One element of NO_PROXY. */
static bool is_exception(const char *host, char *item)
{
	size_t host_len = strlen(host), len;
	char *slash = strchr(item, '/');

	if (slash)
		*slash = '\0';
	if (in_network(host, item, slash ? slash + 1 : NULL, 32, AF_INET) ||
		in_network(host, item, slash ? slash + 1 : NULL, 128, AF_INET6))
		return true;
	if (slash)
		return false;
	if (strcmp(item, "*") == 0)
		return true;
	if (item[0] == '.')
		item++;
	len = strlen(item);
	if (len == 0 || len > host_len || strcasecmp(host + host_len - len, item) != 0)
		return false;
	return len == host_len || host[host_len - len - 1] == '.';
}

static bool never_proxied(const char *host)
{
	enum address_class class;

	if (address_classify_text(host, &class))
		return class == ADDRESS_LOOPBACK || class == ADDRESS_FORBIDDEN;
	return is_exception(host, (char[]){"localhost"}) ||
		strcmp(host, "metadata.google.internal") == 0;
}

const char *proxy_for(const struct proxy_rules *rules, const struct url *url)
{
	const char *proxy = url->is_https ? rules->for_https : rules->for_http;
	CLEANUP(mem_freep) char *list = NULL;
	char *rest = NULL;

	if (!*proxy || never_proxied(url->host))
		return "";
	list = mem_strdup(rules->exceptions);
	for (char *item = strtok_r(list, ", \t", &rest); item;
		item = strtok_r(NULL, ", \t", &rest)) {
		if (is_exception(url->host, item))
			return "";
	}
	return proxy;
}
