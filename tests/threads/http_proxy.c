/*
 * Requests through a proxy: what it gets to see, what its refusals mean, and whom we trust when it
 * is reached over TLS itself.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fakes/tiny_ca.h"
#include "tests/threads/http_fixture.h"

struct proxy {
	int connect_status;
	int plain_status;
	uint16_t target; /* where tunnels lead, whatever was asked for; 0: nowhere */
	char line[256];	 /* method and target of the last request */
	char authorization[64];
	char shown[32]; /* name in a client certificate */
};

/* ---- A tunnel ---- */

static int connect_to(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static ssize_t receive(struct tiny_exchange *x, char *bytes, size_t max)
{
	return x->tls ? SSL_read(x->tls, bytes, (int)max) : recv(x->fd, bytes, max, 0);
}

static void carry(struct tiny_exchange *x, int to)
{
	char bytes[16 * 1024];
	bool open = true;

	while (open) {
		struct pollfd fds[] = {
			{.fd = x->fd, .events = POLLIN}, {.fd = to, .events = POLLIN}};
		ssize_t len = 0;
		if (!x->tls || !SSL_pending(x->tls))
			poll(fds, 2, -1);
		else
			fds[0].revents = POLLIN;
		if (fds[1].revents) {
			len = recv(to, bytes, sizeof(bytes), 0);
			open = len > 0 && tiny_send(x, bytes, (size_t)len);
		}
		if (fds[0].revents && open) {
			len = receive(x, bytes, sizeof(bytes));
			open = len > 0 && send(to, bytes, (size_t)len, MSG_NOSIGNAL) == len;
		}
	}
}

static void tunnel(struct tiny_exchange *x, uint16_t port)
{
	tiny_sendf(x, "HTTP/1.1 200 Connected\r\n\r\n");
	if (port) {
		int to = connect_to(port);
		carry(x, to);
		close(to);
	}
	tiny_close(x);
}

static void proxy_handler(struct tiny_exchange *x, void *ctx)
{
	struct proxy *proxy = ctx;
	const char *authorization = tiny_header(x, "Proxy-Authorization");

	snprintf(proxy->line, sizeof(proxy->line), "%s %s", x->method, x->target);
	snprintf(proxy->authorization, sizeof(proxy->authorization), "%s",
		authorization ? authorization : "");
	if (x->tls)
		tiny_ca_shown(x->tls, proxy->shown, sizeof(proxy->shown));
	if (strcmp(x->method, "CONNECT") != 0)
		tiny_reply(x, proxy->plain_status, "", "through");
	else if (proxy->connect_status == 200)
		tunnel(x, proxy->target);
	else
		tiny_reply(x, proxy->connect_status, "", "");
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
	/* us@er:se/cret */
	CHECK(strcmp(proxy->authorization, "Basic dXNAZXI6c2UvY3JldA==") == 0);
	/* The proxy's own address says nothing about the server. */
	CHECK(response.server == HTTP_SOURCE_PUBLIC);
	http_response_release(&response);
	request.url = f->url;
	check_answers(f, &request, 200, "through");
	CHECK(strcmp(proxy->line, "GET /v2/?sig=secret") == 0);
	CHECK(!*proxy->authorization);
}

/* A refusal of the proxy is none of the registry, and says whose it is. */
static void check_refused(
	struct fixture *f, const struct http_request *request, enum err_kind kind, const char *text)
{
	struct err *err = NULL;

	CHECK(!http_do(f->http, request, NULL, &err));
	if (!strstr(err->msg, text))
		fprintf(stderr, "%s\n", err->msg);
	CHECK(strstr(err->msg, text) && !strstr(err->msg, "us@er") && !strstr(err->msg, "us%40er"));
	check_error(err, kind);
}

static void test_plain_refused(struct fixture *f, struct proxy *proxy)
{
	struct http_request request = proxy_request(f, "http://registry.test/");
	char text[80];

	snprintf(text, sizeof(text), "the proxy 127.0.0.1:%u refused the user and password",
		(unsigned)tiny_server_port(f->server));
	proxy->plain_status = 407;
	check_refused(f, &request, ERR_AUTH, text);
	proxy->plain_status = 200;
	check_answers(f, &request, 200, "through");
}

static void test_tunnel(struct fixture *f, struct proxy *proxy)
{
	struct http_request request = proxy_request(f, "https://registry.test/v2/?sig=secret");

	proxy->connect_status = 407;
	check_refused(f, &request, ERR_AUTH, "refused the user and password in https_proxy");
	CHECK(strcmp(proxy->line, "CONNECT registry.test:443") == 0);
	CHECK(strcmp(proxy->authorization, "Basic dXNAZXI6c2UvY3JldA==") == 0);
	proxy->connect_status = 503;
	check_refused(f, &request, ERR_TRANSIENT, "answered 503 to CONNECT");
	proxy->connect_status = 200;
	check_refused(f, &request, ERR_TRANSIENT, "(through the proxy 127.0.0.1:");
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

/* ---- A proxy over TLS ---- */

static char directory[] = "/tmp/cip-proxy-XXXXXX";
static char proxy_ca_file[64], ca_file[64], certificate[64], key[64];

struct secure {
	struct tiny_ca *proxy_ca, *ca;
	SSL_CTX *proxy_ctx, *ctx;
	struct tiny_server *proxy, *server;
	struct proxy state;
	char shown[32]; /* to the server */
};

static void answer(struct tiny_exchange *x, void *ctx)
{
	struct secure *s = ctx;

	tiny_ca_shown(x->tls, s->shown, sizeof(s->shown));
	tiny_reply(x, 200, "", tiny_header(x, "Proxy-Authorization") ? "leaked" : "fine");
}

static void secure_open(struct secure *s)
{
	*s = (struct secure){.proxy_ca = tiny_ca_new(), .ca = tiny_ca_new()};
	CHECK(mkdtemp(directory));
	snprintf(proxy_ca_file, sizeof(proxy_ca_file), "%s/proxy.pem", directory);
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", directory);
	snprintf(certificate, sizeof(certificate), "%s/me.cert", directory);
	snprintf(key, sizeof(key), "%s/me.key", directory);
	tiny_ca_write(s->proxy_ca, proxy_ca_file);
	tiny_ca_write(s->ca, ca_file);
	tiny_ca_write_client(s->ca, "me", certificate, key);
	s->proxy_ctx = tiny_ca_server(s->proxy_ca, "IP:127.0.0.1", 0);
	s->ctx = tiny_ca_server(s->ca, "DNS:registry.test", 0);
	/* Both ask; only the server may be shown something. */
	tiny_ca_ask(s->ca, s->proxy_ctx, false);
	tiny_ca_ask(s->ca, s->ctx, false);
	s->server = tiny_server_new_tls(answer, s, s->ctx);
	s->state = (struct proxy){
		.connect_status = 200, .plain_status = 200, .target = tiny_server_port(s->server)};
	s->proxy = tiny_server_new_tls(proxy_handler, &s->state, s->proxy_ctx);
}

static void secure_close(struct secure *s)
{
	const char *const files[] = {proxy_ca_file, ca_file, certificate, key};

	tiny_server_free(s->proxy);
	tiny_server_free(s->server);
	SSL_CTX_free(s->proxy_ctx);
	SSL_CTX_free(s->ctx);
	tiny_ca_free(s->proxy_ca);
	tiny_ca_free(s->ca);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	rmdir(directory);
}

static struct http_tls *make_tls(void)
{
	const char *file = ca_file;
	const struct http_tls_identity identity = {certificate, key};
	const struct http_tls_options options = {
		.ca_files = &file, .ca_count = 1, .identities = &identity, .identity_count = 1};
	struct http_tls *tls = http_tls_new(&options, NULL);

	CHECK(tls);
	return tls;
}

/* `trusts_proxy`: its authority is among the system's. */
static void test_secure(struct secure *s, bool trusts_proxy)
{
	struct http_tls *tls = make_tls();
	struct http_request request;
	struct fixture f;

	setenv("SSL_CERT_FILE", trusts_proxy ? proxy_ca_file : ca_file, 1);
	fixture_open(&f, proxy_handler, &s->state, fixture_options());
	request = proxy_request(&f, "https://registry.test/x");
	request.tls = tls;
	if (trusts_proxy) {
		check_answers(&f, &request, 200, "fine");
		CHECK(strcmp(s->shown, "me") == 0 && !*s->state.shown);
		CHECK(strcmp(s->state.authorization, "Basic dXNAZXI6c2UvY3JldA==") == 0);
		/*
		 * The server's trust is not the proxy's, nor the other way round. libcurl forgets
		 * the reason when TLS runs inside of TLS, so any error will do.
		 */
		request.tls = NULL;
		CHECK(!http_do(f.http, &request, NULL, NULL));
		CHECK(tiny_server_requests(s->server) == 1);
		request = proxy_request(&f, "http://registry.test/x");
		check_answers(&f, &request, 200, "through");
		CHECK(!*s->state.shown);
	} else {
		check_fails(&f, &request, ERR_TLS);
		CHECK(tiny_server_requests(s->proxy) == 0);
	}
	fixture_close(&f);
	http_tls_free(tls);
}

static void test_proxy_over_tls(void)
{
	struct secure s;
	char *url;

	secure_open(&s);
	url = mem_printf(
		"https://us%%40er:se%%2Fcret@127.0.0.1:%u", (unsigned)tiny_server_port(s.proxy));
	CHECK(setenv("http_proxy", url, 1) == 0 && setenv("https_proxy", url, 1) == 0);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	test_secure(&s, false);
	test_secure(&s, true);
	secure_close(&s);
	mem_free(url);
}

int main(void)
{
	struct proxy proxy = {.plain_status = 200};
	struct tiny_server *server = tiny_server_new(proxy_handler, &proxy);
	char *url = mem_printf(
		"http://us%%40er:se%%2Fcret@127.0.0.1:%u", (unsigned)tiny_server_port(server));
	struct fixture f;

	CHECK(setenv("http_proxy", url, 1) == 0 && setenv("https_proxy", url, 1) == 0);
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	fixture_open(&f, proxy_handler, &proxy, fixture_options());
	test_plain(&f, &proxy);
	tiny_server_free(f.server);
	f.server = server;
	test_plain_refused(&f, &proxy);
	test_tunnel(&f, &proxy);
	test_given(&f, &proxy);
	fixture_close(&f);
	mem_free(url);
	test_proxy_over_tls();
	return 0;
}
