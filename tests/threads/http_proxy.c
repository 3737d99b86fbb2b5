/*
 * Requests through a proxy: what it gets to see, and what its refusals mean.
 */
#include <stdlib.h>

#include "tests/threads/http_fixture.h"

struct proxy {
	int connect_status;
	char line[256]; /* method and target of the last request */
	char authorization[64];
};

static void proxy_handler(struct tiny_exchange *x, void *ctx)
{
	struct proxy *proxy = ctx;
	const char *authorization = tiny_header(x, "Proxy-Authorization");

	snprintf(proxy->line, sizeof(proxy->line), "%s %s", x->method, x->target);
	snprintf(proxy->authorization, sizeof(proxy->authorization), "%s",
		authorization ? authorization : "");
	if (strcmp(x->method, "CONNECT") != 0) {
		tiny_reply(x, 200, "", "through");
	} else if (proxy->connect_status == 200) {
		tiny_sendf(x, "HTTP/1.1 200 Connected\r\n\r\n");
		tiny_close(x);
	} else {
		tiny_reply(x, proxy->connect_status, "", "");
	}
}

static struct http_request proxy_request(struct fixture *f, const char *url)
{
	struct http_request request = fixture_request(f, "GET");

	request.url = url;
	return request;
}

static void test_plain(struct fixture *f, struct proxy *proxy)
{
	struct http_request request = proxy_request(f, "http://registry.test/v2/?n=1");
	struct http_response response = {0};

	CHECK(http_do(f->http, &request, &response, NULL));
	CHECK(strcmp(str_text(&response.body), "through") == 0);
	CHECK(strcmp(proxy->line, "GET http://registry.test/v2/?n=1") == 0);
	CHECK(strcmp(proxy->authorization, "Basic dXNlcjpzZWNyZXQ=") == 0);
	/* The proxy's own address says nothing about the server. */
	CHECK(response.server == HTTP_SOURCE_PUBLIC);
	http_response_release(&response);
	request.url = f->url;
	check_answers(f, &request, 200, "through");
	CHECK(strcmp(proxy->line, "GET /v2/?sig=secret") == 0);
}

static void test_tunnel(struct fixture *f, struct proxy *proxy)
{
	struct http_request request = proxy_request(f, "https://registry.test/v2/?sig=secret");

	proxy->connect_status = 407;
	check_fails(f, &request, ERR_AUTH);
	CHECK(strcmp(proxy->line, "CONNECT registry.test:443") == 0);
	proxy->connect_status = 503;
	check_fails(f, &request, ERR_TRANSIENT);
	proxy->connect_status = 200;
	check_fails(f, &request, ERR_TRANSIENT);
}

/* URLs that a server gave: the proxy connects, so only what is written in them can be judged. */
static void test_given(struct fixture *f, struct proxy *proxy)
{
	static const char *const refused[] = {"http://storage.test/", "https://10.0.0.1/",
		"https://127.0.0.1/", "https://169.254.169.254/"};
	struct http_request request;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		unsigned before = tiny_server_requests(f->server);
		request = proxy_request(f, refused[i]);
		request.source = HTTP_SOURCE_PUBLIC;
		check_fails(f, &request, ERR_INVALID);
		CHECK(tiny_server_requests(f->server) == before);
	}
	request = proxy_request(f, "https://storage.test/");
	request.source = HTTP_SOURCE_PUBLIC;
	proxy->connect_status = 503;
	check_fails(f, &request, ERR_TRANSIENT);
	CHECK(strcmp(proxy->line, "CONNECT storage.test:443") == 0);
}

int main(void)
{
	struct proxy proxy = {0};
	struct tiny_server *server = tiny_server_new(proxy_handler, &proxy);
	char *url =
		mem_printf("http://user:secret@127.0.0.1:%u", (unsigned)tiny_server_port(server));
	struct fixture f;

	CHECK(setenv("http_proxy", url, 1) == 0 && setenv("https_proxy", url, 1) == 0);
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	fixture_open(&f, proxy_handler, &proxy, fixture_options());
	test_plain(&f, &proxy);
	tiny_server_free(f.server);
	f.server = server;
	test_tunnel(&f, &proxy);
	test_given(&f, &proxy);
	fixture_close(&f);
	mem_free(url);
	return 0;
}
