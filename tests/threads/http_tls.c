/*
 * Trust: whose certificates are accepted, which connections are shared, and what a redirect may
 * take along, over real TLS on the loopback.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fakes/tiny_ca.h"
#include "tests/threads/http_fixture.h"

static char directory[] = "/tmp/cip-tls-XXXXXX";
static char ca_file[64], other_ca_file[64], no_ca_file[64], empty_directory[64];
static struct tiny_ca *ca, *other_ca;

static void prepare(void)
{
	FILE *file;

	CHECK(mkdtemp(directory));
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", directory);
	snprintf(other_ca_file, sizeof(other_ca_file), "%s/other.pem", directory);
	snprintf(no_ca_file, sizeof(no_ca_file), "%s/no.pem", directory);
	snprintf(empty_directory, sizeof(empty_directory), "%s/empty", directory);
	ca = tiny_ca_new();
	other_ca = tiny_ca_new();
	tiny_ca_write(ca, ca_file);
	tiny_ca_write(other_ca, other_ca_file);
	CHECK(mkdir(empty_directory, 0700) == 0);
	file = fopen(no_ca_file, "w");
	CHECK(file && fputs("nothing\n", file) >= 0 && fclose(file) == 0);
}

static void clean_up(void)
{
	unlink(ca_file);
	unlink(other_ca_file);
	unlink(no_ca_file);
	rmdir(empty_directory);
	rmdir(directory);
	tiny_ca_free(ca);
	tiny_ca_free(other_ca);
}

static struct http_tls *make_tls(const char *file, bool skip_verify)
{
	const struct http_tls_options options = {
		.ca_files = &file, .ca_count = file != NULL, .skip_verify = skip_verify};
	struct http_tls *tls = http_tls_new(&options, NULL);

	CHECK(tls);
	return tls;
}

/* A fixture whose server speaks TLS. */
struct secure {
	struct fixture f;
	SSL_CTX *ctx;
};

static void answer(struct tiny_exchange *x, void *ctx)
{
	const char *location = ctx;

	if (strcmp(x->target, "/away") == 0) {
		char *header = mem_printf("Location: %s\r\n", location);
		tiny_reply(x, 307, header, "");
		mem_free(header);
		return;
	}
	tiny_reply(x, 200, "", "fine");
}

static void secure_open(struct secure *s, void *location, const char *names, int max_version)
{
	fixture_open(&s->f, answer, location, fixture_options());
	tiny_server_free(s->f.server);
	s->ctx = tiny_ca_server(ca, names, max_version);
	s->f.server = tiny_server_new_tls(answer, location, s->ctx);
	mem_free(s->f.url);
	s->f.url = mem_printf("%s/x?sig=secret", tiny_server_url(s->f.server));
}

static void secure_close(struct secure *s)
{
	fixture_close(&s->f);
	SSL_CTX_free(s->ctx);
}

static void test_trust(void)
{
	struct http_tls *trusted = make_tls(ca_file, false),
			*wrong = make_tls(other_ca_file, false), *blind = make_tls(NULL, true);
	struct http_request request;
	struct secure s;

	secure_open(&s, NULL, "IP:127.0.0.1", 0);
	request = fixture_request(&s.f, "GET");
	request.repeatable = true;
	check_fails(&s.f, &request, ERR_TLS);
	request.tls = wrong;
	check_fails(&s.f, &request, ERR_TLS);
	CHECK(s.f.tally.requests == 0 && s.f.tally.retries == 0);
	request.tls = trusted;
	check_answers(&s.f, &request, 200, "fine");
	request.tls = blind;
	check_answers(&s.f, &request, 200, "fine");
	/* Connections that others opened are no way around one's own trust. */
	request.tls = wrong;
	check_fails(&s.f, &request, ERR_TLS);
	request.tls = NULL;
	check_fails(&s.f, &request, ERR_TLS);
	CHECK(s.f.tally.requests == 2);
	/* But one's own connections are used again. */
	for (int i = 0; i < 5; i++) {
		unsigned connections = tiny_server_connections(s.f.server);
		request.tls = i % 2 ? trusted : blind;
		check_answers(&s.f, &request, 200, "fine");
		CHECK(tiny_server_connections(s.f.server) == connections);
	}
	secure_close(&s);
	http_tls_free(trusted);
	http_tls_free(wrong);
	http_tls_free(blind);
}

static void test_refused_servers(void)
{
	struct http_tls *trusted = make_tls(ca_file, false);
	struct http_request request;
	struct secure s;

	secure_open(&s, NULL, "IP:127.0.0.2,DNS:localhost", 0);
	request = fixture_request(&s.f, "GET");
	request.tls = trusted;
	check_fails(&s.f, &request, ERR_TLS);
	secure_close(&s);
	secure_open(&s, NULL, "IP:127.0.0.1", TLS1_1_VERSION);
	request = fixture_request(&s.f, "GET");
	request.tls = trusted;
	check_fails(&s.f, &request, ERR_TLS);
	secure_close(&s);
	secure_open(&s, NULL, "IP:127.0.0.1", TLS1_2_VERSION);
	request = fixture_request(&s.f, "GET");
	request.tls = trusted;
	check_answers(&s.f, &request, 200, "fine");
	secure_close(&s);
	http_tls_free(trusted);
}

/* Accepts one connection and does something else than TLS with it. */
enum { CLOSE, RESET, ANSWER_PLAIN, RAW_WAYS };

struct raw {
	int fd;
	int way;
};

static void *raw_run(void *arg)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	const struct linger hard = {.l_onoff = 1, .l_linger = 0};
	struct raw *raw = arg;
	char hello[4096];
	int fd = accept(raw->fd, NULL, NULL);

	CHECK(fd >= 0 && recv(fd, hello, sizeof(hello), 0) > 0);
	if (raw->way == ANSWER_PLAIN)
		CHECK(send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) > 0);
	if (raw->way == RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	return NULL;
}

static void test_no_tls(int way)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct raw raw = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .way = way};
	socklen_t len = sizeof(address);
	struct http_request request;
	struct fixture f;
	pthread_t thread;

	CHECK(bind(raw.fd, (struct sockaddr *)&address, len) == 0 && listen(raw.fd, 1) == 0);
	CHECK(getsockname(raw.fd, (struct sockaddr *)&address, &len) == 0);
	CHECK(pthread_create(&thread, NULL, raw_run, &raw) == 0);
	fixture_open(&f, answer, NULL, fixture_options());
	mem_free(f.url);
	f.url = mem_printf("https://127.0.0.1:%u/", (unsigned)ntohs(address.sin_port));
	request = fixture_request(&f, "GET");
	check_fails(&f, &request, way == ANSWER_PLAIN ? ERR_TLS : ERR_TRANSIENT);
	pthread_join(thread, NULL);
	close(raw.fd);
	fixture_close(&f);
}

static void test_streamed(void)
{
	struct http_tls *trusted = make_tls(ca_file, false);
	struct http_request request;
	struct http_call *call;
	struct secure s;
	char bytes[16];
	size_t len;

	secure_open(&s, NULL, "IP:127.0.0.1", 0);
	request = fixture_request(&s.f, "GET");
	request.tls = trusted;
	request.response_streamed = true;
	call = http_start(s.f.http, &request);
	CHECK(http_call_read(call, bytes, sizeof(bytes), &len, NULL) && len == 4);
	CHECK(http_call_read(call, bytes, sizeof(bytes), &len, NULL) && len == 0);
	http_call_free(call);
	secure_close(&s);
	http_tls_free(trusted);
}

/* From a server that need not be verified to one that must be. */
static void test_redirects(void)
{
	struct http_tls *blind = make_tls(NULL, true), *trusted = make_tls(ca_file, false);
	struct http_request request;
	struct secure from, to;
	char *location;

	secure_open(&to, NULL, "IP:127.0.0.1", 0);
	location = mem_printf("%s/there", tiny_server_url(to.f.server));
	secure_open(&from, location, "IP:127.0.0.1", 0);
	mem_free(from.f.url);
	from.f.url = mem_printf("%s/away", tiny_server_url(from.f.server));
	request = fixture_request(&from.f, "GET");
	request.tls = blind;
	check_fails(&from.f, &request, ERR_TLS);
	CHECK(tiny_server_requests(to.f.server) == 0);
	request.tls = trusted;
	check_answers(&from.f, &request, 200, "fine");
	CHECK(tiny_server_requests(to.f.server) == 1);
	/* Back to plain http: never. */
	memmove(location, "http:", 5);
	memmove(location + 4, location + 5, strlen(location + 4));
	check_fails(&from.f, &request, ERR_INVALID);
	secure_close(&from);
	secure_close(&to);
	mem_free(location);
	http_tls_free(blind);
	http_tls_free(trusted);
}

/* A connection that a configured request opened is no way in for a URL that a server gave. */
static void test_given_url_on_open_connection(void)
{
	struct http_tls *blind = make_tls(NULL, true);
	struct http_request request;
	struct secure s;

	secure_open(&s, NULL, "IP:127.0.0.1", 0);
	mem_free(s.f.url);
	s.f.url = mem_printf("https://127.1:%u/", (unsigned)tiny_server_port(s.f.server));
	request = fixture_request(&s.f, "GET");
	request.tls = blind;
	check_answers(&s.f, &request, 200, "fine");
	request.source = HTTP_SOURCE_LOOPBACK;
	check_answers(&s.f, &request, 200, "fine");
	request.source = HTTP_SOURCE_PUBLIC;
	check_fails(&s.f, &request, ERR_INVALID);
	CHECK(tiny_server_requests(s.f.server) == 2 && tiny_server_connections(s.f.server) == 1);
	secure_close(&s);
	http_tls_free(blind);
}

static void check_environment(const char *file, const char *directories, bool trusts)
{
	struct http_request request;
	struct secure s;

	setenv("SSL_CERT_FILE", file, 1);
	setenv("SSL_CERT_DIR", directories, 1);
	secure_open(&s, NULL, "IP:127.0.0.1", 0);
	request = fixture_request(&s.f, "GET");
	if (trusts)
		check_answers(&s.f, &request, 200, "fine");
	else
		check_fails(&s.f, &request, ERR_TLS);
	secure_close(&s);
}

static void test_environment(void)
{
	const struct http_options options = fixture_options();
	const char *file = no_ca_file;
	const struct http_tls_options tls_options = {.ca_files = &file, .ca_count = 1};
	struct err *err = NULL;

	check_environment("", "", false);
	check_environment(ca_file, "", true);
	check_environment("", directory, true);
	check_environment(other_ca_file, empty_directory, false);
	check_environment(other_ca_file, "/nonexistent:/tmp/nonexistent", false);
	CHECK(!http_tls_new(&tls_options, &err));
	check_error(steal_ptr(&err), ERR_USAGE);
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	CHECK(!http_new(&options, &err));
	CHECK(strstr(err->msg, "SSL_CERT_FILE") && strstr(err->msg, "/nonexistent"));
	check_error(err, ERR_USAGE);
}

int main(void)
{
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	prepare();
	test_trust();
	test_refused_servers();
	for (int way = 0; way < RAW_WAYS; way++)
		test_no_tls(way);
	test_streamed();
	test_redirects();
	test_given_url_on_open_connection();
	test_environment();
	clean_up();
	return 0;
}
