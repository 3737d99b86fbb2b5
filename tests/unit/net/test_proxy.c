/* net/proxy.h. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "net/proxy.h"

static void no_proxies(void)
{
	static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "http_proxy",
		"HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

static void check_proxy(const char *text, const char *expected)
{
	struct proxy_rules *rules = proxy_rules_new();
	struct url url;

	cr_assert(url_parse(text, &url, NULL));
	cr_expect_str_eq(proxy_for(rules, &url), expected, "%s", text);
	url_release(&url);
	proxy_rules_free(rules);
}

TestSuite(proxy, .init = no_proxies);

Test(proxy, none_without_variables)
{
	check_proxy("https://r/", "");
}

Test(proxy, is_chosen_by_scheme)
{
	setenv("HTTPS_PROXY", "http://p:1", 1);
	setenv("HTTP_PROXY", "http://cgi:1", 1);
	check_proxy("https://r/", "http://p:1");
	check_proxy("http://r/", "");
	setenv("https_proxy", "http://q:1", 1);
	setenv("http_proxy", "http://h:1", 1);
	check_proxy("https://r/", "http://q:1");
	check_proxy("http://r/", "http://h:1");
}

Test(proxy, all_proxy_is_the_last_resort)
{
	setenv("ALL_PROXY", "socks5h://p:1", 1);
	setenv("https_proxy", "", 1);
	check_proxy("https://r/", "socks5h://p:1");
	check_proxy("http://r/", "socks5h://p:1");
}

Test(proxy, loopback_and_metadata_never)
{
	setenv("all_proxy", "http://p:1", 1);
	check_proxy("http://127.0.0.1/", "");
	check_proxy("http://127.9.9.9:80/", "");
	check_proxy("http://[::1]/", "");
	check_proxy("http://localhost/", "");
	check_proxy("http://r.localhost/", "");
	check_proxy("http://169.254.169.254/", "");
	check_proxy("http://metadata.google.internal/", "");
	check_proxy("http://notlocalhost/", "http://p:1");
}

Test(proxy, no_proxy)
{
	setenv("all_proxy", "http://p:1", 1);
	setenv("NO_PROXY", "one.example, .two.example,10.0.0.0/9  ,192.168.1.1,fd00::/8 bad/1", 1);
	check_proxy("https://one.example/", "");
	check_proxy("https://ONE.example/", "");
	check_proxy("https://a.one.example/", "");
	check_proxy("https://aone.example/", "http://p:1");
	check_proxy("https://two.example/", "");
	check_proxy("https://b.two.example/", "");
	check_proxy("https://10.127.0.1/", "");
	check_proxy("https://10.128.0.1/", "http://p:1");
	check_proxy("https://192.168.1.1/", "");
	check_proxy("https://192.168.1.2/", "http://p:1");
	check_proxy("https://[fd12::1]/", "");
	check_proxy("https://[fc12::1]/", "http://p:1");
	check_proxy("https://bad/", "http://p:1");
	setenv("no_proxy", "*", 1);
	check_proxy("https://three.example/", "");
}
