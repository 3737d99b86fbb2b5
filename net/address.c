/*
 * The tables of special addresses: IANA's special-purpose registries as far as they matter to a
 * client, and the places where clouds keep their metadata. Knows neither sockets nor URLs.
 */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct net4 {
	uint32_t address; /* host byte order */
	unsigned bits;
	enum address_class class;
};

#define IP4(a, b, c, d)                                                                            \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* The first that matches counts. */
static const struct net4 nets4[] = {
	{IP4(100, 100, 100, 200), 32, ADDRESS_FORBIDDEN}, /* Alibaba Cloud metadata */
	{IP4(168, 63, 129, 16), 32, ADDRESS_FORBIDDEN},	  /* Azure's WireServer */
	{IP4(192, 0, 0, 192), 32, ADDRESS_FORBIDDEN},	  /* Oracle Cloud metadata */
	{IP4(169, 254, 0, 0), 16, ADDRESS_FORBIDDEN},	  /* link-local, most metadata services */
	{IP4(127, 0, 0, 0), 8, ADDRESS_LOOPBACK}, {IP4(0, 0, 0, 0), 8, ADDRESS_LOOPBACK},
	{IP4(10, 0, 0, 0), 8, ADDRESS_PRIVATE}, {IP4(172, 16, 0, 0), 12, ADDRESS_PRIVATE},
	{IP4(192, 168, 0, 0), 16, ADDRESS_PRIVATE}, {IP4(100, 64, 0, 0), 10, ADDRESS_PRIVATE},
	{IP4(192, 0, 0, 0), 24, ADDRESS_PRIVATE}, {IP4(198, 18, 0, 0), 15, ADDRESS_PRIVATE},
	{IP4(224, 0, 0, 0), 3, ADDRESS_FORBIDDEN}, /* multicast, reserved, broadcast */
};

struct net6 {
	const char *address;
	unsigned bits;
	enum address_class class;
};

static const struct net6 nets6[] = {
	{"fd00:ec2::", 32, ADDRESS_FORBIDDEN},	  /* AWS: metadata, DNS, time */
	{"fd20:ce::254", 128, ADDRESS_FORBIDDEN}, /* Google Cloud metadata */
	{"fd00:42::42", 128, ADDRESS_FORBIDDEN},  /* Scaleway metadata */
	{"::1", 128, ADDRESS_LOOPBACK}, {"::", 128, ADDRESS_LOOPBACK},
	{"fe80::", 10, ADDRESS_FORBIDDEN}, {"ff00::", 8, ADDRESS_FORBIDDEN},
	{"fec0::", 10, ADDRESS_PRIVATE}, {"fc00::", 7, ADDRESS_PRIVATE},
	{"64:ff9b:1::", 48, ADDRESS_PRIVATE}, /* NAT64 for local use, RFC 8215 */
	{"2001::", 32, ADDRESS_FORBIDDEN},    /* Teredo: leads wherever its relay likes */
};

/* Where an IPv4 address sits inside an IPv6 address. */
static const struct {
	const char *prefix;
	unsigned bits;
	size_t offset;
} embedded4[] = {
	{"::ffff:0:0", 96, 12},	  /* mapped */
	{"::ffff:0:0:0", 96, 12}, /* translated, RFC 2765 */
	{"64:ff9b::", 96, 12},	  /* NAT64, RFC 6052 */
	{"2002::", 16, 2},	  /* 6to4 */
	{"::", 96, 12},		  /* compatible; after ::1 and :: */
};

static enum address_class classify4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(nets4) / sizeof(nets4[0]); i++) {
		uint32_t mask = UINT32_MAX << (32 - nets4[i].bits);
		if ((address & mask) == nets4[i].address)
			return nets4[i].class;
	}
	return ADDRESS_PUBLIC;
}

static bool has_prefix(const uint8_t address[16], const char *prefix, unsigned bits)
{
	uint8_t net[16];
	unsigned whole = bits / 8, rest = bits % 8;

	if (inet_pton(AF_INET6, prefix, net) != 1 || memcmp(address, net, whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ net[whole]) >> (8 - rest) == 0;
}

static enum address_class classify6(const uint8_t address[16])
{
	for (size_t i = 0; i < sizeof(nets6) / sizeof(nets6[0]); i++) {
		if (has_prefix(address, nets6[i].address, nets6[i].bits))
			return nets6[i].class;
	}
	for (size_t i = 0; i < sizeof(embedded4) / sizeof(embedded4[0]); i++) {
		const uint8_t *inner = address + embedded4[i].offset;
		if (has_prefix(address, embedded4[i].prefix, embedded4[i].bits))
			return classify4(IP4(inner[0], inner[1], inner[2], inner[3]));
	}
	return ADDRESS_PUBLIC;
}

enum address_class address_classify(const struct sockaddr *address)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(&in4, address, sizeof(in4));
		return classify4(ntohl(in4.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&in6, address, sizeof(in6));
		return classify6(in6.sin6_addr.s6_addr);
	default:
		return ADDRESS_FORBIDDEN;
	}
}

bool address_classify_text(const char *text, enum address_class *ret_class)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*ret_class = classify4(IP4(bytes[0], bytes[1], bytes[2], bytes[3]));
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*ret_class = classify6(bytes);
	else
		return false;
	return true;
}

bool address_is_allowed(enum http_source source, bool is_https, enum address_class target)
{
	if (source != HTTP_SOURCE_CONFIGURED && !is_https)
		return source == HTTP_SOURCE_LOOPBACK && target == ADDRESS_LOOPBACK;
	switch (source) {
	case HTTP_SOURCE_CONFIGURED:
		return true;
	case HTTP_SOURCE_LOOPBACK:
		return target != ADDRESS_FORBIDDEN;
	case HTTP_SOURCE_PRIVATE:
		return target == ADDRESS_PRIVATE || target == ADDRESS_PUBLIC;
	case HTTP_SOURCE_PUBLIC:
		break;
	}
	return target == ADDRESS_PUBLIC;
}

enum http_source address_source(enum address_class server)
{
	switch (server) {
	case ADDRESS_LOOPBACK:
		return HTTP_SOURCE_LOOPBACK;
	case ADDRESS_PRIVATE:
		return HTTP_SOURCE_PRIVATE;
	case ADDRESS_PUBLIC:
	case ADDRESS_FORBIDDEN:
		break;
	}
	return HTTP_SOURCE_PUBLIC;
}

const char *address_class_name(enum address_class class)
{
	switch (class) {
	case ADDRESS_PUBLIC:
		return "public";
	case ADDRESS_PRIVATE:
		return "private";
	case ADDRESS_LOOPBACK:
		return "loopback";
	case ADDRESS_FORBIDDEN:
		break;
	}
	return "link-local, metadata or reserved";
}
