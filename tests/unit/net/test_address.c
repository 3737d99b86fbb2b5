/* net/address.h. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

#include "net/address.h"

Test(address, classes)
{
	static const struct {
		const char *text;
		enum address_class class;
	} cases[] = {
		{"8.8.8.8", ADDRESS_PUBLIC},
		{"172.15.255.255", ADDRESS_PUBLIC},
		{"172.32.0.0", ADDRESS_PUBLIC},
		{"100.63.255.255", ADDRESS_PUBLIC},
		{"223.255.255.255", ADDRESS_PUBLIC},
		{"10.0.0.1", ADDRESS_PRIVATE},
		{"172.16.0.0", ADDRESS_PRIVATE},
		{"172.31.255.255", ADDRESS_PRIVATE},
		{"192.168.1.1", ADDRESS_PRIVATE},
		{"100.64.0.1", ADDRESS_PRIVATE},
		{"198.19.255.255", ADDRESS_PRIVATE},
		{"127.0.0.1", ADDRESS_LOOPBACK},
		{"127.255.255.255", ADDRESS_LOOPBACK},
		{"0.0.0.0", ADDRESS_LOOPBACK},
		{"169.254.169.254", ADDRESS_FORBIDDEN},
		{"169.254.0.0", ADDRESS_FORBIDDEN},
		{"100.100.100.200", ADDRESS_FORBIDDEN},
		{"168.63.129.16", ADDRESS_FORBIDDEN},
		{"192.0.0.192", ADDRESS_FORBIDDEN},
		{"224.0.0.1", ADDRESS_FORBIDDEN},
		{"255.255.255.255", ADDRESS_FORBIDDEN},
		{"2606:4700::1", ADDRESS_PUBLIC},
		{"::1", ADDRESS_LOOPBACK},
		{"::", ADDRESS_LOOPBACK},
		{"fe80::1", ADDRESS_FORBIDDEN},
		{"febf::1", ADDRESS_FORBIDDEN},
		{"fec0::1", ADDRESS_PRIVATE},
		{"fc00::1", ADDRESS_PRIVATE},
		{"fdff::1", ADDRESS_PRIVATE},
		{"fe00::1", ADDRESS_PUBLIC},
		{"fd00:ec2::254", ADDRESS_FORBIDDEN},
		{"fd20:ce::254", ADDRESS_FORBIDDEN},
		{"ff02::1", ADDRESS_FORBIDDEN},
		{"2001:0:1::1", ADDRESS_FORBIDDEN},
		{"2001:1::1", ADDRESS_PUBLIC},
		{"::ffff:8.8.8.8", ADDRESS_PUBLIC},
		{"::ffff:127.0.0.1", ADDRESS_LOOPBACK},
		{"::ffff:169.254.169.254", ADDRESS_FORBIDDEN},
		{"::ffff:0:10.0.0.1", ADDRESS_PRIVATE},
		{"::10.0.0.1", ADDRESS_PRIVATE},
		{"64:ff9b::a9fe:a9fe", ADDRESS_FORBIDDEN},
		{"64:ff9b::808:808", ADDRESS_PUBLIC},
		{"64:ff9b:1::808:808", ADDRESS_PRIVATE},
		{"2002:7f00:1::", ADDRESS_LOOPBACK},
		{"2002:808:808::", ADDRESS_PUBLIC},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum address_class class;
		cr_assert(address_classify_text(cases[i].text, &class), "%s", cases[i].text);
		cr_expect_eq(class, cases[i].class, "%s is %s", cases[i].text,
			address_class_name(class));
	}
}

Test(address, sockaddr_and_text_agree)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr other = {.sa_family = AF_UNIX};

	in4.sin_addr.s_addr = htonl(0xa9fea9fe);
	cr_expect_eq(address_classify((struct sockaddr *)&in4), ADDRESS_FORBIDDEN);
	in4.sin_addr.s_addr = htonl(0x0a000001);
	cr_expect_eq(address_classify((struct sockaddr *)&in4), ADDRESS_PRIVATE);
	inet_pton(AF_INET6, "::ffff:10.0.0.1", &in6.sin6_addr);
	cr_expect_eq(address_classify((struct sockaddr *)&in6), ADDRESS_PRIVATE);
	cr_expect_eq(address_classify(&other), ADDRESS_FORBIDDEN);
}

Test(address, names_are_no_addresses)
{
	static const char *const names[] = {"localhost", "127.1", "0x7f000001", "2130706433", ""};
	enum address_class class;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_not(address_classify_text(names[i], &class), "%s", names[i]);
}

/* Rows: who named the URL; columns: public, private, loopback, forbidden. */
Test(address, who_may_name_what)
{
	static const bool https[][4] = {
		[HTTP_SOURCE_CONFIGURED] = {true, true, true, true},
		[HTTP_SOURCE_PUBLIC] = {true, false, false, false},
		[HTTP_SOURCE_PRIVATE] = {true, true, false, false},
		[HTTP_SOURCE_LOOPBACK] = {true, true, true, false},
	};
	static const bool http[][4] = {
		[HTTP_SOURCE_CONFIGURED] = {true, true, true, true},
		[HTTP_SOURCE_PUBLIC] = {false, false, false, false},
		[HTTP_SOURCE_PRIVATE] = {false, false, false, false},
		[HTTP_SOURCE_LOOPBACK] = {false, false, true, false},
	};

	for (int source = HTTP_SOURCE_CONFIGURED; source <= HTTP_SOURCE_LOOPBACK; source++) {
		for (int class = ADDRESS_PUBLIC; class <= ADDRESS_FORBIDDEN; class ++) {
			cr_expect_eq(address_is_allowed(source, true, class), https[source][class],
				"https, %d to %d", source, class);
			cr_expect_eq(address_is_allowed(source, false, class), http[source][class],
				"http, %d to %d", source, class);
		}
	}
	cr_expect_eq(address_source(ADDRESS_FORBIDDEN), HTTP_SOURCE_PUBLIC);
	cr_expect_eq(address_source(ADDRESS_PRIVATE), HTTP_SOURCE_PRIVATE);
}
