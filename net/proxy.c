/*
 * The decision for or against a proxy, and the reading of its URL, so that libcurl never has to
 * complain about one that holds a password. How to talk to a proxy is libcurl's.
 */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/enc.h"
#include "net/address.h"

struct proxy_rules {
	struct proxy *for_https;
	struct proxy *for_http;
	char *exceptions;
};

/* ---- The proxy's URL ---- */

static const struct {
	const char *name;
	uint16_t port;
} schemes[] = {
	{"http", 80},
	{"https", 443},
	{"socks4", 1080},
	{"socks4a", 1080},
	{"socks5", 1080},
	{"socks5h", 1080},
};

static void proxy_free(struct proxy *proxy)
{
	if (!proxy)
		return;
	mem_free(proxy->variable);
	mem_free(proxy->name);
	mem_free(proxy->url);
	mem_free_secret_string(proxy->username);
	mem_free_secret_string(proxy->password);
	mem_free(proxy);
}
DEFINE_CLEANUP(struct proxy, proxy_freep, proxy_free)

static bool hex_value(char c, unsigned *ret_value)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	if (!at)
		return false;
	*ret_value = (unsigned)(at - digits);
	return true;
}

/* %-decoded in fresh memory; NULL if it is malformed or has a control character. */
static char *decode(const char *text, size_t len)
{
	char *decoded = mem_new(len + 1, 1);
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned high = 0, low = 0;
		char c = text[i];
		if (c == '%') {
			if (len - i < 3 || !hex_value(text[i + 1], &high) ||
				!hex_value(text[i + 2], &low)) {
				mem_free_secret_string(decoded);
				return NULL;
			}
			c = (char)(high << 4 | low);
			i += 2;
		}
		if ((unsigned char)c < 0x20 || c == 0x7f) {
			mem_free_secret_string(decoded);
			return NULL;
		}
		decoded[out++] = c;
	}
	return decoded;
}

/* Takes "USER[:PASSWORD]@" away from *text. */
static bool take_user(struct proxy *proxy, const char **text)
{
	const char *start = *text, *at = memrchr(start, '@', strcspn(start, "/?#"));
	size_t all = at ? (size_t)(at - start) : 0, len = strcspn(start, ":");

	if (!at)
		return true;
	*text = at + 1;
	if (len < all)
		proxy->password = decode(start + len + 1, all - len - 1);
	else
		proxy->password = mem_strdup("");
	proxy->username = decode(start, len < all ? len : all);
	return proxy->username && proxy->password;
}

/* Takes "SCHEME://" away from *text; its place in the table, -1 if it is not there. */
static int take_scheme(const char **text)
{
	const char *end = strstr(*text, "://");
	size_t len = end ? (size_t)(end - *text) : 0;

	if (!end)
		return 0;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strlen(schemes[i].name) == len &&
			strncasecmp(schemes[i].name, *text, len) == 0) {
			*text = end + 3;
			return (int)i;
		}
	}
	return -1;
}

static bool parse_place(struct proxy *proxy, int scheme, const char *text)
{
	CLEANUP(url_release) struct url url = {0};
	size_t len = strcspn(text, "/?#");
	const char *bracket = memrchr(text, ']', len);
	const char *from = bracket ? bracket : text;
	bool has_port = memchr(from, ':', len - (size_t)(from - text)) != NULL;
	CLEANUP(mem_freep) char *plain = mem_printf("http://%.*s", (int)len, text);

	if (!url_parse(plain, &url, NULL))
		return false;
	proxy->name = mem_printf(strchr(url.host, ':') ? "[%s]:%u" : "%s:%u", url.host,
		has_port ? (unsigned)url.port : (unsigned)schemes[scheme].port);
	proxy->url = mem_printf("%s://%s", schemes[scheme].name, proxy->name);
	return true;
}

static bool parse_proxy(
	const char *variable, const char *text, struct proxy **ret_proxy, struct err **err)
{
	CLEANUP(proxy_freep) struct proxy *proxy = mem_new(1, sizeof(*proxy));
	int scheme = take_scheme(&text);

	proxy->variable = mem_strdup(variable);
	if (scheme < 0)
		return err_set(err, ERR_USAGE,
			"%s: expected a proxy whose URL begins with http://, https://, socks4://, "
			"socks4a://, socks5:// or socks5h://",
			variable);
	if (!take_user(proxy, &text) || !parse_place(proxy, scheme, text))
		return err_set(err, ERR_USAGE,
			"%s: expected [SCHEME://][USER[:PASSWORD]@]HOST[:PORT], with special "
			"characters of user and password as %%XX",
			variable);
	*ret_proxy = steal_ptr(&proxy);
	return true;
}

/* ---- The environment ---- */

/* The first that is set; its value is *ret_value, "" if none is. */
static const char *first_set(const char *const *names, const char **ret_value)
{
	for (; *names; names++) {
		const char *value = getenv(*names);
		if (value && *value) {
			*ret_value = value;
			return *names;
		}
	}
	*ret_value = "";
	return NULL;
}

static bool read_proxy(const char *const *names, struct proxy **ret_proxy, struct err **err)
{
	const char *value, *name = first_set(names, &value);

	return !name || parse_proxy(name, value, ret_proxy, err);
}

struct proxy_rules *proxy_rules_new(struct err **err)
{
	static const char *const https[] = {
		"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
	static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
	static const char *const no[] = {"no_proxy", "NO_PROXY", NULL};
	CLEANUP(proxy_rules_freep) struct proxy_rules *rules = mem_new(1, sizeof(*rules));
	const char *exceptions;

	first_set(no, &exceptions);
	rules->exceptions = mem_strdup(exceptions);
	if (!read_proxy(https, &rules->for_https, err) || !read_proxy(http, &rules->for_http, err))
		return NULL;
	return steal_ptr(&rules);
}

void proxy_rules_free(struct proxy_rules *rules)
{
	if (!rules)
		return;
	proxy_free(rules->for_https);
	proxy_free(rules->for_http);
	mem_free(rules->exceptions);
	mem_free(rules);
}

/* ---- Exceptions ---- */

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

static bool in_either_network(const char *host, const char *network, const char *bits)
{
	return in_network(host, network, bits, 32, AF_INET) ||
		in_network(host, network, bits, 128, AF_INET6);
}

/* Cuts ":PORT" and the brackets of an IPv6 address off; the port's text, NULL if there is none. */
static char *cut_port(char **item)
{
	char *end = *item + strlen(*item), *colon;

	if (**item == '[') {
		char *bracket = strchr(*item, ']');
		if (!bracket || (bracket[1] && bracket[1] != ':'))
			return NULL;
		*bracket = '\0';
		++*item;
		return bracket[1] ? bracket + 2 : NULL;
	}
	colon = strchr(*item, ':');
	if (!colon || memchr(colon + 1, ':', (size_t)(end - colon - 1)))
		return NULL; /* none, or an IPv6 address without brackets */
	*colon = '\0';
	return colon + 1;
}

static bool is_at_or_below(const char *host, const char *domain)
{
	size_t host_len = strlen(host), len;

	if (strncmp(domain, "*.", 2) == 0)
		domain++;
	if (domain[0] == '.')
		domain++;
	len = strlen(domain);
	if (len == 0 || len > host_len || strcasecmp(host + host_len - len, domain) != 0)
		return false;
	return len == host_len || host[host_len - len - 1] == '.';
}

/* One element of NO_PROXY; it is cut into pieces. */
static bool is_exception(const struct url *url, char *item)
{
	char *slash = strchr(item, '/'), *port;
	uint64_t number = 0;

	if (strcmp(item, "*") == 0)
		return true;
	if (slash) {
		*slash = '\0';
		return in_either_network(url->host, item, slash + 1);
	}
	port = cut_port(&item);
	if (port && (!number_parse(port, UINT16_MAX, &number) || number != url->port))
		return false;
	return in_either_network(url->host, item, NULL) || is_at_or_below(url->host, item);
}

static bool never_proxied(const char *host)
{
	enum address_class class;

	if (address_classify_text(host, &class))
		return class == ADDRESS_LOOPBACK || class == ADDRESS_FORBIDDEN;
	return is_at_or_below(host, "localhost") || strcmp(host, "metadata.google.internal") == 0;
}

const struct proxy *proxy_for(const struct proxy_rules *rules, const struct url *url)
{
	const struct proxy *proxy = url->is_https ? rules->for_https : rules->for_http;
	CLEANUP(mem_freep) char *list = NULL;
	char *rest = NULL;

	if (!proxy || never_proxied(url->host))
		return NULL;
	list = mem_strdup(rules->exceptions);
	for (char *item = strtok_r(list, ", \t", &rest); item;
		item = strtok_r(NULL, ", \t", &rest)) {
		if (is_exception(url, item))
			return NULL;
	}
	return proxy;
}
