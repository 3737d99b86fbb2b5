/*
 * registry/access.h: what is made of a registry's answers, and that nothing but two harmless requests
 * is sent. With real registries: tests/integration/login_check.sh.
 */
#include "registry/access.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/fakes/tiny_server.h"
#include "tests/threads/check.h"

#define ERROR(code) "{\"errors\":[{\"code\":\"" code "\",\"message\":\"so it is\"}]}"

struct scripted {
	int status;
	const char *body;
};

static struct {
	struct tiny_server *server;
	struct scripted to_get, to_put;
	atomic_uint gets, puts, others, bodies;
} world;

static void serve(struct tiny_exchange *exchange, void *ctx)
{
	bool is_get = strcmp(exchange->method, "GET") == 0;
	bool is_put = strcmp(exchange->method, "PUT") == 0;
	const struct scripted *answer = is_put ? &world.to_put : &world.to_get;

	(void)ctx;
	if (strcmp(exchange->target, "/v2/") == 0) {
		tiny_reply(exchange, 200, "", "");
		return;
	}
	if (is_get && strstr(exchange->target, "/v2/a/b/manifests/sha256:"))
		world.gets++;
	else if (is_put && strstr(exchange->target, "/v2/a/b/blobs/uploads/00000000-"))
		world.puts++;
	else
		world.others++;
	if (exchange->body_len)
		world.bodies++;
	tiny_reply(exchange, answer->status, "Content-Type: application/json\r\n", answer->body);
}

struct scene {
	struct http *http;
	struct registry *registry;
	char host[32];
};

static void scene_open(struct scene *scene)
{
	const struct http_options http = {.attempts = 1, .first_byte_timeout_ms = 5000};

	snprintf(scene->host, sizeof(scene->host), "127.0.0.1:%u", tiny_server_port(world.server));
	scene->http = http_new(&http, NULL);
	CHECK(scene->http);
	const struct registry_options options = {.http = scene->http};
	scene->registry = registry_new(&options, NULL);
	CHECK(scene->registry);
	world.gets = world.puts = world.others = world.bodies = 0;
}

static void scene_close(struct scene *scene)
{
	registry_free(scene->registry);
	http_free(scene->http);
}

static void expect_rights(struct scripted to_get, struct scripted to_put, enum access_right pull,
	enum access_right push)
{
	struct scene scene;
	struct access access;

	world.to_get = to_get;
	world.to_put = to_put;
	scene_open(&scene);
	const struct repository repository = {scene.host, "a/b"};
	registry_check_access(scene.registry, &repository, NULL, &access);
	if (access.pull.right != pull || access.push.right != push)
		fprintf(stderr, "%d %s, %d %s: pull %s, push %s\n", to_get.status, to_get.body,
			to_put.status, to_put.body, access_right_name(access.pull.right),
			access_right_name(access.push.right));
	CHECK(access.pull.right == pull && access.push.right == push);
	CHECK(access.is_reached && !access.err && !access.credential && !access.is_withheld);
	CHECK(access.pull.status == to_get.status && access.push.status == to_put.status);
	CHECK(world.gets == 1 && world.puts == 1 && !world.others && !world.bodies);
	access_release(&access);
	scene_close(&scene);
}

static void test_answers(void)
{
	const struct scripted none = {404, ERROR("MANIFEST_UNKNOWN")};
	const struct scripted no_name = {404, ERROR("NAME_UNKNOWN")};
	const struct scripted plain = {404, "404 page not found"};
	const struct scripted html = {200, "<html>welcome</html>"};
	const struct scripted denied = {403, ERROR("DENIED")};
	const struct scripted hidden = {404, ERROR("UNAUTHORIZED")};
	const struct scripted no_upload = {404, ERROR("BLOB_UPLOAD_UNKNOWN")};
	const struct scripted bad_upload = {400, ERROR("BLOB_UPLOAD_INVALID")};
	const struct scripted bad_digest = {400, ERROR("DIGEST_INVALID")};
	const struct scripted no_method = {405, ERROR("UNSUPPORTED")};
	const struct scripted broken = {500, ERROR("BLOB_UPLOAD_UNKNOWN")};

	expect_rights(none, no_upload, ACCESS_GRANTED, ACCESS_GRANTED);
	expect_rights(no_name, bad_upload, ACCESS_GRANTED, ACCESS_GRANTED);
	expect_rights(none, bad_digest, ACCESS_GRANTED, ACCESS_GRANTED);
	expect_rights(none, denied, ACCESS_GRANTED, ACCESS_REFUSED);
	expect_rights(denied, denied, ACCESS_REFUSED, ACCESS_REFUSED);
	expect_rights(hidden, hidden, ACCESS_REFUSED, ACCESS_REFUSED);
	expect_rights(none, no_method, ACCESS_GRANTED, ACCESS_REFUSED);
	/* A repository that has to be made first may not be ours to make. */
	expect_rights(none, no_name, ACCESS_GRANTED, ACCESS_UNKNOWN);
	expect_rights(plain, plain, ACCESS_UNKNOWN, ACCESS_UNKNOWN);
	expect_rights(html, html, ACCESS_UNKNOWN, ACCESS_UNKNOWN);
	expect_rights(broken, broken, ACCESS_UNKNOWN, ACCESS_UNKNOWN);
}

static void test_sources_are_not_asked_for_push(void)
{
	struct scene scene;
	struct access access;

	world.to_get = (struct scripted){404, ERROR("MANIFEST_UNKNOWN")};
	scene_open(&scene);
	const struct repository repository = {scene.host, "a/b"};
	registry_check_access(registry_for_sources(scene.registry), &repository, NULL, &access);
	CHECK(access.pull.right == ACCESS_GRANTED && access.push.right == ACCESS_UNKNOWN);
	CHECK(world.gets == 1 && !world.puts && !world.others);
	access_release(&access);
	scene_close(&scene);
}

static void test_nobody_there(void)
{
	struct scene scene;
	struct access access;

	scene_open(&scene);
	const struct repository repository = {"127.0.0.1:1", "a/b"};
	registry_check_access(scene.registry, &repository, NULL, &access);
	CHECK(!access.is_reached && err_is(access.err, ERR_TRANSIENT));
	CHECK(access.pull.right == ACCESS_UNKNOWN && access.push.right == ACCESS_UNKNOWN);
	access_release(&access);
	scene_close(&scene);
}

static void *check_one(void *arg)
{
	struct scene *scene = arg;
	const struct repository repository = {scene->host, "a/b"};
	struct access access;
	unsigned number = 1;

	registry_check_access(scene->registry, &repository, NULL, &access);
	CHECK(access.pull.right == ACCESS_GRANTED && access.push.right == ACCESS_GRANTED);
	access_release(&access);
	CHECK(registry_credential_number(scene->registry, &repository, &number, NULL));
	CHECK(number == 0);
	return NULL;
}

static void test_several_at_once(void)
{
	pthread_t threads[8];
	struct scene scene;

	world.to_get = (struct scripted){404, ERROR("MANIFEST_UNKNOWN")};
	world.to_put = (struct scripted){404, ERROR("BLOB_UPLOAD_UNKNOWN")};
	scene_open(&scene);
	for (size_t i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, check_one, &scene);
	for (size_t i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	CHECK(world.gets == 8 && world.puts == 8);
	scene_close(&scene);
}

int main(void)
{
	/* Nobody's own credentials take part. */
	setenv("HOME", "/nonexistent", 1);
	world.server = tiny_server_new(serve, NULL);
	test_answers();
	test_sources_are_not_asked_for_push();
	test_nobody_there();
	test_several_at_once();
	tiny_server_free(world.server);
	return 0;
}
