/*
 * What kind of place an IP address is, and who may send us there. Trust rule: a URL that a server
 * gave (redirect, token realm, Location, Link) never leads to a link-local or metadata address,
 * to a private one only if the server's own is private, to the loopback only if it is loopback
 * itself. The check is made on the connected address, after DNS. Pure functions, any thread.
 */
#ifndef CIP_NET_ADDRESS_H
#define CIP_NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "net/http.h"

enum address_class {
	ADDRESS_PUBLIC,
	ADDRESS_PRIVATE,   /* RFC 1918, RFC 6598, unique local, site-local, benchmark nets */
	ADDRESS_LOOPBACK,  /* 127/8, ::1, and the unspecified addresses, which lead there */
	ADDRESS_FORBIDDEN, /* link-local, metadata services, multicast, reserved */
};

/* IPv4 inside IPv6 (mapped, compatible, NAT64, 6to4) is unfolded. Other families are forbidden. */
enum address_class address_classify(const struct sockaddr *address);

/* An IP address as text, IPv6 without brackets. False if it is a name. */
bool address_classify_text(const char *text, enum address_class *ret_class);

/* May a URL of this source lead to an address of this class? Plain http needs more than https. */
bool address_is_allowed(enum http_source source, bool is_https, enum address_class target);

/* The source that URLs have which a server at such an address gives. */
enum http_source address_source(enum address_class server);

const char *address_class_name(enum address_class class);

#endif
