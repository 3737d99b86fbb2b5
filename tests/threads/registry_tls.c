/*
 * A registry that only talks to holders of a client certificate, found in a directory such as
 * docker's certs.d; its token server and its storage, on another host, ask for certificates too and
 * must not see ours.
 */
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "registry/registry.h"
#include "tests/fakes/tiny_ca.h"
#include "tests/fakes/tiny_server.h"
#include "tests/threads/check.h"

/* of "{}" */
#define DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

static struct {
	char root[32];
	struct tiny_ca *own_ca, *public_ca;
	SSL_CTX *own_ctx, *public_ctx;
	struct tiny_server *registry, *elsewhere;
	pthread_mutex_t lock;
	char registry_saw[32], elsewhere_saw[32]; /* under the lock */
	bool stray_token;
} world = {.root = "/tmp/cip-rtls-XXXXXX", .lock = PTHREAD_MUTEX_INITIALIZER};

static void note(struct tiny_exchange *x, char *saw)
{
	pthread_mutex_lock(&world.lock);
	tiny_ca_shown(x->tls, saw, sizeof(world.registry_saw));
	pthread_mutex_unlock(&world.lock);
}

static void serve_registry(struct tiny_exchange *x, void *ctx)
{
	char header[200];
	(void)ctx;
	note(x, world.registry_saw);
	if (!tiny_header(x, "Authorization")) {
		snprintf(header, sizeof(header),
			"WWW-Authenticate: Bearer realm=\"https://localhost:%u/token\"\r\n",
			(unsigned)tiny_server_port(world.elsewhere));
		tiny_reply(x, 401, header, "");
		return;
	}
	snprintf(header, sizeof(header), "Location: https://localhost:%u/blob\r\n",
		(unsigned)tiny_server_port(world.elsewhere));
	tiny_reply(x, 307, header, "");
}

static void serve_elsewhere(struct tiny_exchange *x, void *ctx)
{
	(void)ctx;
	note(x, world.elsewhere_saw);
	if (strncmp(x->target, "/token", 6) == 0) {
		tiny_reply(x, 200, "", "{\"token\":\"t\"}");
		return;
	}
	if (tiny_header(x, "Authorization"))
		world.stray_token = true;
	tiny_reply(x, 200, "", "{}");
}

static void world_open(void)
{
	CHECK(mkdtemp(world.root));
	world.own_ca = tiny_ca_new();
	world.public_ca = tiny_ca_new();
	world.own_ctx = tiny_ca_server(world.own_ca, "IP:127.0.0.1", 0);
	world.public_ctx = tiny_ca_server(world.public_ca, "DNS:localhost", 0);
	tiny_ca_ask(world.own_ca, world.own_ctx, true);
	tiny_ca_ask(world.own_ca, world.public_ctx, false);
	world.registry = tiny_server_new_tls(serve_registry, NULL, world.own_ctx);
	world.elsewhere = tiny_server_new_tls(serve_elsewhere, NULL, world.public_ctx);
	CLEANUP(mem_freep) char *system = fs_join(world.root, "system.pem");
	tiny_ca_write(world.public_ca, system);
	setenv("SSL_CERT_FILE", system, 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
}

static void world_close(void)
{
	tiny_server_free(world.registry);
	tiny_server_free(world.elsewhere);
	SSL_CTX_free(world.own_ctx);
	SSL_CTX_free(world.public_ctx);
	tiny_ca_free(world.own_ca);
	tiny_ca_free(world.public_ca);
	fs_remove_tree(world.root, NULL);
}

/* `is_whole`: the key is there too. Fresh memory. */
static char *make_place(const char *name, bool is_whole)
{
	CLEANUP(mem_freep)
	char *directory = mem_printf(
		"%s/%s/127.0.0.1:%u", world.root, name, (unsigned)tiny_server_port(world.registry));
	CHECK(fs_make_directories(directory, NULL));
	CLEANUP(mem_freep) char *ca = fs_join(directory, "ca.crt");
	CLEANUP(mem_freep) char *certificate = fs_join(directory, "client.cert");
	CLEANUP(mem_freep) char *key = fs_join(directory, "client.key");
	tiny_ca_write(world.own_ca, ca);
	tiny_ca_write_client(world.own_ca, "us", certificate, key);
	CHECK(is_whole || unlink(key) == 0);
	return fs_join(world.root, name);
}

static bool get(const char *place, struct err **err)
{
	const struct http_options http_options = {.attempts = 1};
	struct http *http = http_new(&http_options, NULL);
	const struct registry_options options = {.http = http, .cert_dir = place};
	struct registry *registry = registry_new(&options, NULL);
	char host[32];
	struct repository repository = {.host = host, .path = "a/b"};
	struct document document = {0};
	struct digest digest;

	CHECK(http && registry && digest_parse(DIGEST, &digest, NULL));
	snprintf(host, sizeof(host), "127.0.0.1:%u", (unsigned)tiny_server_port(world.registry));
	bool ok = registry_manifest_get(registry, &repository, &digest, NULL, &document, err);
	document_release(&document);
	registry_free(registry);
	http_free(http);
	return ok;
}

static void test_certificate_of_directory(void)
{
	CLEANUP(mem_freep) char *place = make_place("good", true);
	struct err *err = NULL;
	if (!get(place, &err))
		fprintf(stderr, "%s\n", err->msg);
	CHECK(!err);
	CHECK(strcmp(world.registry_saw, "us") == 0);
	/* A token and the bytes. */
	CHECK(tiny_server_requests(world.elsewhere) == 2);
	CHECK(!*world.elsewhere_saw && !world.stray_token);
}

/* Nothing is sent as long as what was set up for a registry cannot be used. */
static void test_half_a_certificate(void)
{
	CLEANUP(mem_freep) char *place = make_place("half", false);
	unsigned connections = tiny_server_connections(world.registry);
	CLEANUP(err_freep) struct err *err = NULL;
	CHECK(!get(place, &err));
	CHECK(err_is(err, ERR_USAGE) && strstr(err->msg, "lacks its key, client.key"));
	CHECK(strstr(err->msg, "GET 127.0.0.1:") && strstr(err->msg, "registry 127.0.0.1:"));
	CHECK(tiny_server_connections(world.registry) == connections);
}

int main(void)
{
	/* Nobody's own settings and credentials take part. */
	setenv("HOME", "/nonexistent", 1);
	world_open();
	test_certificate_of_directory();
	test_half_a_certificate();
	world_close();
	return 0;
}
