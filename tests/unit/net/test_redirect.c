/* net/redirect.h. */
#include <criterion/criterion.h>

#include "net/redirect.h"

enum { REFUSED, TAKES_ALL, DROPS_PRIVATE };

struct redirect_case {
	const char *from;
	enum http_source from_source;
	enum http_source server;
	const char *location;
	int expected;
	enum http_source source; /* of the next hop */
};

static void check(const struct redirect_case *c)
{
	struct url from;
	struct redirect to = {0};
	struct err *err = NULL;
	bool allowed;

	cr_assert(url_parse(c->from, &from, NULL));
	allowed = redirect_decide(&from, c->from_source, c->server, c->location, &to, &err);
	cr_expect_eq(allowed, c->expected != REFUSED, "%s to %s: %s", c->from, c->location,
		err ? err->msg : "allowed");
	if (allowed) {
		cr_expect_eq(to.keeps_private, c->expected == TAKES_ALL, "%s to %s", c->from,
			c->location);
		cr_expect_eq(to.source, c->source, "%s to %s", c->from, c->location);
	} else {
		cr_expect(err_is(err, ERR_INVALID));
	}
	err_free(err);
	url_release(&to.url);
	url_release(&from);
}

Test(redirect, rules)
{
	const enum http_source configured = HTTP_SOURCE_CONFIGURED, public = HTTP_SOURCE_PUBLIC,
			       private = HTTP_SOURCE_PRIVATE, loopback = HTTP_SOURCE_LOOPBACK;
	const struct redirect_case cases[] = {
		{"https://r/a", configured, public, "/b", TAKES_ALL, configured},
		{"https://r/a", configured, public, "https://r:443/b", TAKES_ALL, configured},
		{"https://r/a", configured, public, "https://s/b", DROPS_PRIVATE, public},
		{"https://r/a", configured, public, "https://r:444/b", DROPS_PRIVATE, public},
		{"https://r/a", configured, public, "http://r/b", REFUSED, public},
		{"https://r/a", configured, public, "http://s/b", REFUSED, public},
		{"https://r/a", configured, public, "https://10.0.0.1/", REFUSED, public},
		{"https://r/a", configured, public, "https://127.0.0.1/", REFUSED, public},
		{"https://r/a", configured, public, "https://localhost/", REFUSED, public},
		{"https://r/a", configured, public, "https://x.localhost/", REFUSED, public},
		{"https://r/a", configured, public, "https://[::ffff:10.0.0.1]/", REFUSED, public},
		{"https://r/a", configured, private, "https://10.0.0.1/", DROPS_PRIVATE, private},
		{"https://r/a", configured, private, "https://127.0.0.1/", REFUSED, private},
		{"https://r/a", configured, private, "https://169.254.169.254/", REFUSED, private},
		/* A plain-http registry on a private address, because somebody said so. */
		{"http://r:5000/a", configured, private, "http://r:5000/b", TAKES_ALL, configured},
		{"http://r:5000/a", configured, private, "/b", TAKES_ALL, configured},
		{"http://r:5000/a", configured, private, "http://s:5000/b", REFUSED, private},
		{"http://r:5000/a", configured, private, "https://r:5000/b", DROPS_PRIVATE,
			private},
		{"http://r:5000/a", public, public, "/b", TAKES_ALL, public},
		{"http://127.0.0.1:1/a", configured, loopback, "http://127.0.0.1:2/", DROPS_PRIVATE,
			loopback},
		{"http://127.0.0.1:1/a", configured, loopback, "http://[::1]:2/", DROPS_PRIVATE,
			loopback},
		{"http://127.0.0.1:1/a", configured, loopback, "https://s/", DROPS_PRIVATE,
			loopback},
		{"http://127.0.0.1:1/a", configured, loopback, "http://10.0.0.1/", REFUSED,
			loopback},
		{"http://127.0.0.1:1/a", configured, loopback, "http://169.254.169.254/", REFUSED,
			loopback},
		{"https://localhost/a", configured, loopback, "http://localhost/", REFUSED,
			loopback},
		{"https://r/a", configured, public, "ftp://s/", REFUSED, public},
		{"https://r/a", configured, public, "https://u@s/", REFUSED, public},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&cases[i]);
}

Test(redirect, statuses)
{
	static const int followed[] = {301, 302, 303, 307, 308};
	static const int others[] = {200, 300, 304, 305, 306, 309, 404};

	for (size_t i = 0; i < sizeof(followed) / sizeof(followed[0]); i++)
		cr_expect(redirect_is_status(followed[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_expect_not(redirect_is_status(others[i]));
}

Test(redirect, configured_urls_may_be_anything)
{
	struct url url;

	cr_assert(url_parse("http://169.254.169.254/computeMetadata/v1/", &url, NULL));
	cr_expect(redirect_check_url(HTTP_SOURCE_CONFIGURED, &url, NULL));
	cr_expect_not(redirect_check_url(HTTP_SOURCE_LOOPBACK, &url, NULL));
	url_release(&url);
}
