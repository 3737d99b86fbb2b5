/* net/proxy.h. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

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
	struct proxy_rules *rules = proxy_rules_new(NULL);
	const struct proxy *proxy;
	struct url url;

	cr_assert(rules && url_parse(text, &url, NULL));
	proxy = proxy_for(rules, &url);
	cr_expect_str_eq(proxy ? proxy->url : "", expected, "%s", text);
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

Test(proxy, no_proxy_with_ports)
{
	setenv("all_proxy", "http://p:1", 1);
	setenv("NO_PROXY",
		"one.example:5000,*.two.example,10.0.0.1:80,[fd00::1]:5000,[fd00::2],fd00::3,"
		"bad:port,:443",
		1);
	check_proxy("https://one.example:5000/", "");
	check_proxy("https://a.one.example:5000/", "");
	check_proxy("https://one.example/", "http://p:1");
	check_proxy("https://b.two.example:7/", "");
	check_proxy("http://10.0.0.1/", "");
	check_proxy("https://10.0.0.1/", "http://p:1");
	check_proxy("https://[fd00::1]:5000/", "");
	check_proxy("https://[fd00::1]/", "http://p:1");
	check_proxy("https://[fd00::2]:9/", "");
	check_proxy("https://[fd00::3]:9/", "");
	check_proxy("https://bad/", "http://p:1");
	check_proxy("https://other/", "http://p:1");
}

static struct proxy_rules *rules_for(const char *text, struct err **err)
{
	setenv("https_proxy", text, 1);
	return proxy_rules_new(err);
}

static void check_parts(
	const char *text, const char *url, const char *username, const char *password)
{
	struct proxy_rules *rules = rules_for(text, NULL);
	const struct url target = {.is_https = true, .host = (char[]){"r.example"}, .port = 443};
	const struct proxy *proxy;

	cr_assert(rules, "%s", text);
	proxy = proxy_for(rules, &target);
	cr_expect_str_eq(proxy->url, url);
	cr_expect_str_eq(strstr(proxy->url, "://") + 3, proxy->name);
	cr_expect_str_eq(proxy->variable, "https_proxy");
	cr_expect_str_eq(proxy->username ? proxy->username : "none", username);
	cr_expect_str_eq(proxy->password ? proxy->password : "none", password);
	proxy_rules_free(rules);
}

Test(proxy, parts_of_its_url)
{
	check_parts("p.example", "http://p.example:80", "none", "none");
	check_parts("p.example:3128/", "http://p.example:3128", "none", "none");
	check_parts("https://p.example", "https://p.example:443", "none", "none");
	check_parts("SOCKS5h://p.example", "socks5h://p.example:1080", "none", "none");
	check_parts("http://[fd00::1]", "http://[fd00::1]:80", "none", "none");
	check_parts("http://[fd00::1]:8/", "http://[fd00::1]:8", "none", "none");
	check_parts("http://me@p:1", "http://p:1", "me", "");
	check_parts("http://me:pass@p:1", "http://p:1", "me", "pass");
	check_parts("me:p%40s%3as%2F@p:1", "http://p:1", "me", "p@s:s/");
	check_parts("http://a@b:c:d@p:1", "http://p:1", "a@b", "c:d");
}

Test(proxy, malformed_urls_show_nothing)
{
	static const char *const texts[] = {"ftp://u:secret@p:1", "http://u:secret@",
		"http://u:secret@p:99999", "http://u:secret%2@p", "http://u:secret%zz@p",
		"http://u:secret%0a@p", "http://u:secret@p q", "http://u:secret@[::1"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP(err_freep) struct err *err = NULL;
		cr_expect_null(rules_for(texts[i], &err), "%s", texts[i]);
		cr_assert(err_is(err, ERR_USAGE));
		cr_expect(strstr(err->msg, "https_proxy"), "%s", err->msg);
		cr_expect_not(strstr(err->msg, "secret"), "%s", err->msg);
	}
}
