/*
 * Client certificates over real TLS: who gets to see them, and which of several.
 */
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fakes/tiny_ca.h"
#include "tests/threads/http_fixture.h"

static char directory[] = "/tmp/cip-cert-XXXXXX";
static char ca_file[64], mine[2][64], mine_key[2][64], other[64], other_key[64];
static struct tiny_ca *ca, *other_ca;

static void prepare(void)
{
	CHECK(mkdtemp(directory));
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", directory);
	ca = tiny_ca_new();
	other_ca = tiny_ca_new();
	tiny_ca_write(ca, ca_file);
	for (int i = 0; i < 2; i++) {
		snprintf(mine[i], sizeof(mine[i]), "%s/%d.cert", directory, i);
		snprintf(mine_key[i], sizeof(mine_key[i]), "%s/%d.key", directory, i);
		tiny_ca_write_client(ca, i ? "second" : "first", mine[i], mine_key[i]);
	}
	snprintf(other, sizeof(other), "%s/other.cert", directory);
	snprintf(other_key, sizeof(other_key), "%s/other.key", directory);
	tiny_ca_write_client(other_ca, "other", other, other_key);
}

static void clean_up(void)
{
	const char *const files[] = {
		ca_file, mine[0], mine[1], mine_key[0], mine_key[1], other, other_key};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	rmdir(directory);
	tiny_ca_free(ca);
	tiny_ca_free(other_ca);
}

static struct http_tls *make_tls(const struct http_tls_identity *identities, size_t count)
{
	const char *file = ca_file;
	const struct http_tls_options options = {.ca_files = &file,
		.ca_count = 1,
		.identities = identities,
		.identity_count = count};
	struct http_tls *tls = http_tls_new(&options, NULL);

	CHECK(tls);
	return tls;
}

/* A server that asks for a certificate; /away leads to the place of the context. */
struct secure {
	struct tiny_server *server;
	SSL_CTX *ctx;
	pthread_mutex_t lock;
	char shown[32]; /* by the last request; under the lock */
	char *location;
};

static void answer(struct tiny_exchange *x, void *ctx)
{
	struct secure *s = ctx;

	pthread_mutex_lock(&s->lock);
	tiny_ca_shown(x->tls, s->shown, sizeof(s->shown));
	pthread_mutex_unlock(&s->lock);
	if (strcmp(x->target, "/away") == 0) {
		char *header = mem_printf("Location: %s\r\n", s->location);
		tiny_reply(x, 307, header, "");
		mem_free(header);
		return;
	}
	tiny_reply(x, 200, "", "fine");
}

static void secure_open(struct secure *s, bool is_needed)
{
	*s = (struct secure){.ctx = tiny_ca_server(ca, "IP:127.0.0.1", 0)};
	pthread_mutex_init(&s->lock, NULL);
	tiny_ca_ask(ca, s->ctx, is_needed);
	s->server = tiny_server_new_tls(answer, s, s->ctx);
}

static void secure_close(struct secure *s)
{
	tiny_server_free(s->server);
	SSL_CTX_free(s->ctx);
	mem_free(s->location);
	pthread_mutex_destroy(&s->lock);
}

static void check_shown(struct secure *s, const char *name)
{
	pthread_mutex_lock(&s->lock);
	if (strcmp(s->shown, name) != 0)
		fprintf(stderr, "shown: '%s', not '%s'\n", s->shown, name);
	CHECK(strcmp(s->shown, name) == 0);
	pthread_mutex_unlock(&s->lock);
}

static void client_open(struct fixture *f)
{
	struct http_options options = fixture_options();

	*f = (struct fixture){.cancel = cancel_new()};
	options.cancel = f->cancel;
	f->http = http_new(&options, NULL);
	CHECK(f->http);
}

static void client_close(struct fixture *f)
{
	http_free(f->http);
	cancel_free(f->cancel);
	mem_free(f->url);
}

static struct http_request request_to(struct fixture *f, struct secure *s, const char *target)
{
	mem_free(f->url);
	f->url = mem_printf("%s%s", tiny_server_url(s->server), target);
	return fixture_request(f, "GET");
}

static void test_needed(void)
{
	const struct http_tls_identity first = {mine[0], mine_key[0]}, wrong = {other, other_key};
	struct http_tls *tls[] = {make_tls(NULL, 0), make_tls(&wrong, 1), make_tls(&first, 1)};
	struct http_request request;
	struct secure s;
	struct fixture f;

	secure_open(&s, true);
	client_open(&f);
	for (int i = 0; i < 3; i++) {
		struct err *err = NULL;
		request = request_to(&f, &s, "/");
		request.tls = tls[i];
		if (i == 2) {
			check_answers(&f, &request, 200, "fine");
			check_shown(&s, "first");
			continue;
		}
		CHECK(!http_do(f.http, &request, NULL, &err));
		err_free(err);
		CHECK(tiny_server_requests(s.server) == 0);
	}
	/* Connections with a certificate are no way in for those who have none. */
	request.tls = tls[0];
	CHECK(!http_do(f.http, &request, NULL, NULL));
	client_close(&f);
	for (int i = 0; i < 3; i++)
		http_tls_free(tls[i]);
	secure_close(&s);
}

static void test_choice(void)
{
	const struct http_tls_identity identities[] = {
		{other, other_key}, {mine[1], mine_key[1]}, {mine[0], mine_key[0]}};
	struct http_tls *tls = make_tls(identities, 3);
	struct http_request request;
	struct secure s;
	struct fixture f;

	secure_open(&s, true);
	client_open(&f);
	request = request_to(&f, &s, "/");
	request.tls = tls;
	check_answers(&f, &request, 200, "fine");
	check_shown(&s, "second");
	/* An idle connection may outlive the registry that its trust belongs to. */
	http_tls_free(tls);
	client_close(&f);
	secure_close(&s);
}

/* Another origin asks as well and gets nothing, nor does our own after the detour. */
static void test_redirects(void)
{
	const struct http_tls_identity identity = {mine[0], mine_key[0]};
	struct http_tls *tls = make_tls(&identity, 1);
	struct http_request request;
	struct secure from, to;
	struct fixture f;

	secure_open(&from, false);
	secure_open(&to, false);
	from.location = mem_printf("%s/there", tiny_server_url(to.server));
	client_open(&f);
	request = request_to(&f, &from, "/away");
	request.tls = tls;
	check_answers(&f, &request, 200, "fine");
	check_shown(&from, "first");
	check_shown(&to, "");
	mem_free(from.location);
	from.location = mem_printf("%s/away", tiny_server_url(to.server));
	to.location = mem_printf("%s/back", tiny_server_url(from.server));
	check_answers(&f, &request, 200, "fine");
	check_shown(&to, "");
	check_shown(&from, "");
	/* Within one origin it is still us. */
	mem_free(from.location);
	from.location = mem_strdup("/here");
	check_answers(&f, &request, 200, "fine");
	check_shown(&from, "first");
	client_close(&f);
	secure_close(&from);
	secure_close(&to);
	http_tls_free(tls);
}

static void test_unusable(void)
{
	const struct http_tls_identity identities[] = {
		{"/nonexistent", mine_key[0]},
		{mine[0], "/nonexistent"},
		{mine[0], mine[0]},
		{mine_key[0], mine_key[0]},
		{mine[0], mine_key[1]},
	};
	static const char *const texts[] = {"/nonexistent", "/nonexistent", "no key in it",
		"no certificate in it", "is not the key of"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct http_tls_options options = {
			.identities = &identities[i], .identity_count = 1};
		struct err *err = NULL;
		CHECK(!http_tls_new(&options, &err));
		if (!strstr(err->msg, texts[i]))
			fprintf(stderr, "%s\n", err->msg);
		CHECK(strstr(err->msg, texts[i]));
		check_error(err, ERR_USAGE);
	}
}

int main(void)
{
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	prepare();
	test_needed();
	test_choice();
	test_redirects();
	test_unusable();
	clean_up();
	return 0;
}
