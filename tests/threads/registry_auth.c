/*
 * Authorisation with many threads: a registry and a token server in this process that count what
 * they are asked and look at what they are shown. With a real registry: tests/integration/auth.sh.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/enc.h"
#include "registry/blob.h"
#include "registry/request.h"
#include "tests/fakes/tiny_server.h"
#include "tests/threads/check.h"
#include "tests/threads/registry_fixture.h"
#include "tests/threads/shifted_clock.h"

#define THREADS 8

static struct {
	struct tiny_server *registry, *tokens, *elsewhere;
	char realm[80];
	atomic_uint challenges, fetches, accepted;
	atomic_uint oldest_valid; /* tokens have numbers */
	atomic_uint expires_in;
	atomic_int token_status;
	atomic_bool wants_password, saw_secret, saw_stray_secret;
} world;

/* ---- Servers ---- */

static void serve_registry(struct tiny_exchange *exchange, void *ctx)
{
	const char *shown = tiny_header(exchange, "Authorization");
	uint64_t number = 0;
	char challenge[300];
	(void)ctx;
	if (shown && strncmp(shown, "Bearer token-", 13) == 0 &&
		number_parse(shown + 13, UINT32_MAX, &number) && number >= world.oldest_valid) {
		world.accepted++;
		tiny_reply(exchange, 200,
			"Docker-Content-Digest: sha256:"
			"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\r\n",
			"");
		return;
	}
	if (!shown)
		world.challenges++;
	snprintf(challenge, sizeof(challenge),
		"WWW-Authenticate: Bearer realm=\"%s\",service=\"test\"%s\r\n", world.realm,
		shown ? ",error=\"invalid_token\"" : "");
	tiny_reply(exchange, 401, challenge, "");
}

static void serve_tokens(struct tiny_exchange *exchange, void *ctx)
{
	const char *shown = tiny_header(exchange, "Authorization");
	char body[100];
	(void)ctx;
	unsigned number = ++world.fetches;
	if (shown)
		world.saw_secret = true;
	usleep(20000);
	if (world.token_status != 200) {
		tiny_reply(exchange, world.token_status, "", "{\"token\":\"hidden\"}");
		return;
	}
	/* user:password */
	if (world.wants_password && (!shown || strcmp(shown, "Basic dXNlcjpwYXNzd29yZA==") != 0)) {
		tiny_reply(exchange, 401, "", "");
		return;
	}
	snprintf(body, sizeof(body), "{\"token\":\"token-%u\",\"expires_in\":%u}", number,
		world.expires_in);
	tiny_reply(exchange, 200, "", body);
}

static void serve_elsewhere(struct tiny_exchange *exchange, void *ctx)
{
	(void)ctx;
	if (tiny_header(exchange, "Authorization"))
		world.saw_stray_secret = true;
	tiny_reply(exchange, 201, "", "");
}

/* ---- A client of its own for each case ---- */

struct scene {
	struct http *http;
	struct registry *registry;
	char host[32];
};

static void set_realm(const char *host)
{
	snprintf(world.realm, sizeof(world.realm), "http://%s:%u/token", host,
		tiny_server_port(world.tokens));
}

static void scene_open_with(struct scene *scene, const struct registry_host_options *host)
{
	const struct http_options http = {.clock = &test_clock, .attempts = 1};
	set_realm("127.0.0.1");
	world.challenges = world.fetches = world.accepted = 0;
	world.oldest_valid = 0;
	world.expires_in = 300;
	world.token_status = 200;
	world.wants_password = true;
	world.saw_secret = world.saw_stray_secret = false;
	snprintf(
		scene->host, sizeof(scene->host), "127.0.0.1:%u", tiny_server_port(world.registry));
	scene->http = http_new(&http, NULL);
	CHECK(scene->http);
	const struct registry_options options = {
		.http = scene->http, .hosts = host, .host_count = host != NULL};
	scene->registry = registry_new(&options, NULL);
	CHECK(scene->registry);
}

static void scene_open(struct scene *scene)
{
	scene_open_with(scene, NULL);
}

static void scene_close(struct scene *scene)
{
	registry_free(scene->registry);
	http_free(scene->http);
}

static struct err *head(struct scene *scene, const char *path)
{
	const struct repository repository = {scene->host, path};
	struct digest digest;
	struct err *err = NULL;
	if (registry_manifest_head(scene->registry, &repository, "v1", NULL, &digest, &err))
		return NULL;
	CHECK(err);
	return err;
}

static void expect_ok(struct scene *scene, const char *path)
{
	struct err *err = head(scene, path);
	if (err)
		fprintf(stderr, "%s\n", err->msg);
	CHECK(!err);
}

static void expect_auth_error(struct scene *scene, const char *path, const char *says)
{
	struct err *err = head(scene, path);
	CHECK(err);
	if (!err_is(err, ERR_AUTH) || !strstr(err->msg, says) || strstr(err->msg, "hidden") ||
		strstr(err->msg, "password"))
		fprintf(stderr, "%s\n", err->msg);
	CHECK(err_is(err, ERR_AUTH) && strstr(err->msg, says));
	CHECK(!strstr(err->msg, "hidden") && !strstr(err->msg, "password"));
	err_free(err);
}

struct worker {
	pthread_t thread;
	struct scene *scene;
	char path[8];
	struct err *err;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	worker->err = head(worker->scene, worker->path);
	return NULL;
}

/* All at once, each for its own repository or all for one. Returns how many failed. */
static unsigned work_together(struct scene *scene, bool apart)
{
	struct worker workers[THREADS] = {0};
	unsigned failed = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].scene = scene;
		snprintf(workers[i].path, sizeof(workers[i].path), "r%u", apart ? i % 10 : 0);
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		failed += workers[i].err != NULL;
		err_free(workers[i].err);
	}
	return failed;
}

/* ---- Cases ---- */

static void test_one_challenge_and_one_token(void)
{
	struct scene scene;
	scene_open(&scene);
	CHECK(work_together(&scene, false) == 0);
	CHECK(world.challenges == 1 && world.fetches == 1 && world.accepted == THREADS);
	CHECK(work_together(&scene, true) == 0);
	CHECK(world.challenges == 1 && world.fetches == THREADS);
	scene_close(&scene);
}

static void test_tokens_that_are_not_taken_any_more(void)
{
	struct scene scene;
	scene_open(&scene);
	expect_ok(&scene, "r0");
	world.oldest_valid = world.fetches + 1;
	CHECK(work_together(&scene, false) == 0);
	CHECK(world.fetches == 2);
	world.oldest_valid = 1000000;
	expect_auth_error(&scene, "r0", "refused the credentials of DOCKER_AUTH_CONFIG");
	CHECK(world.fetches == 3);
	scene_close(&scene);
}

static void test_renewed_before_the_end(void)
{
	struct scene scene;
	scene_open(&scene);
	world.expires_in = 1000;
	expect_ok(&scene, "r0");
	time_offset_ms += 799 * 1000;
	expect_ok(&scene, "r0");
	CHECK(world.fetches == 1);
	time_offset_ms += 2 * 1000;
	CHECK(work_together(&scene, false) == 0);
	CHECK(world.fetches == 2);
	/* A renewal that fails is no failure while the token lives. */
	time_offset_ms += 801 * 1000;
	world.token_status = 500;
	expect_ok(&scene, "r0");
	CHECK(world.fetches == 3);
	time_offset_ms += 200 * 1000;
	struct err *err = head(&scene, "r0");
	CHECK(err_is(err, ERR_TRANSIENT) && !strstr(err->msg, "hidden"));
	err_free(err);
	world.token_status = 200;
	time_offset_ms += 10 * 1000;
	expect_ok(&scene, "r0");
	scene_close(&scene);
}

static void test_a_failure_is_shared(void)
{
	struct scene scene;
	scene_open(&scene);
	world.token_status = 500;
	CHECK(work_together(&scene, false) == THREADS);
	CHECK(world.fetches == 1);
	/* And remembered for a moment, not longer. */
	world.token_status = 200;
	time_offset_ms += 4000;
	CHECK(work_together(&scene, false) == THREADS);
	CHECK(world.fetches == 1);
	time_offset_ms += 2000;
	expect_ok(&scene, "r0");
	scene_close(&scene);
}

static void test_a_wrong_password_is_not_tried_for_ever(void)
{
	struct scene scene;
	char path[8];
	scene_open(&scene);
	world.token_status = 401;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(path, sizeof(path), "r%u", i);
		expect_auth_error(&scene, path, "it refused the credentials of DOCKER_AUTH_CONFIG");
	}
	CHECK(world.fetches == 3);
	scene_close(&scene);
}

/* Another name is another host, whoever it is. */
static void test_secrets_stay_with_their_host(void)
{
	struct scene scene;
	scene_open(&scene);
	set_realm("localhost");
	world.wants_password = false;
	expect_ok(&scene, "r0");
	CHECK(world.fetches == 1 && !world.saw_secret);
	world.oldest_valid = 1000000;
	expect_auth_error(&scene, "r0", "the credentials of DOCKER_AUTH_CONFIG were not sent");
	CHECK(!world.saw_secret);
	scene_close(&scene);
}

/* Unless cip.yaml says that its token server is there. */
static void test_a_configured_token_server_gets_secrets(void)
{
	struct scene scene;
	char name[32];
	snprintf(name, sizeof(name), "127.0.0.1:%u", tiny_server_port(world.registry));
	const struct registry_host_options host = {.host = name, .token_server = "localhost"};
	scene_open_with(&scene, &host);
	set_realm("localhost");
	expect_ok(&scene, "r0");
	CHECK(world.fetches == 1 && world.saw_secret);
	scene_close(&scene);
}

static void test_an_endpoint_gets_secrets_only_if_told(void)
{
	struct scene scene;
	char endpoint[32];
	snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%u", tiny_server_port(world.registry));
	for (int told = 0; told < 2; told++) {
		const struct registry_host_options host = {.host = "r.example",
			.endpoint = endpoint,
			.endpoint_gets_credentials = told};
		scene_open_with(&scene, &host);
		world.wants_password = told;
		snprintf(scene.host, sizeof(scene.host), "r.example");
		expect_ok(&scene, "r0");
		CHECK(world.saw_secret == told);
		scene_close(&scene);
	}
}

static void test_the_token_server_stays(void)
{
	struct scene scene;
	scene_open(&scene);
	expect_ok(&scene, "r0");
	CHECK(world.saw_secret);
	snprintf(world.realm, sizeof(world.realm), "http://127.0.0.1:%u/token",
		tiny_server_port(world.elsewhere));
	world.oldest_valid = 1000000;
	expect_auth_error(&scene, "r0", "another token server");
	CHECK(!world.saw_stray_secret && world.fetches == 1);
	scene_close(&scene);
}

static void test_uploads_elsewhere_carry_nothing(void)
{
	struct scene scene;
	struct err *err = NULL;
	CLEANUP(blob_upload_release) struct blob_upload upload = {0};
	CLEANUP(request_release) struct request put;
	struct digest digest = digest_of(DIGEST_SHA256, "x", 1);
	scene_open(&scene);
	expect_ok(&scene, "r0");
	const struct repository repository = {scene.host, "r0"};
	upload.url = mem_printf("%s/upload", tiny_server_url(world.elsewhere));
	upload.source = HTTP_SOURCE_LOOPBACK;
	blob_put_init(&put, scene.registry, &repository, &digest, 1, &upload, NULL);
	put.http.body = "x";
	put.http.body_streamed = false;
	CHECK(request_do(&put, &err) && request_status(&put) == 201);
	CHECK(!world.saw_stray_secret);
	scene_close(&scene);
}

/*
 * A token that runs out between the request that opens an upload and the upload itself: the blob is
 * sent again with another one.
 */
static void test_a_token_runs_out_during_an_upload(void)
{
	struct client client;
	struct fake source, destination;
	struct copy_tag tag = {.name = "v1"};
	struct err *err = NULL;
	CLEANUP(mem_freep) char *rules = NULL;
	set_realm("127.0.0.1");
	world.fetches = 0;
	world.token_status = 200;
	world.wants_password = false;
	rules = mem_printf("HEAD * 1 status 401 WWW-Authenticate: Bearer realm=\"%s\"\n"
			   "PUT */blobs/uploads/* 1 status 401 WWW-Authenticate: "
			   "Bearer realm=\"%s\",error=\"invalid_token\"\n",
		world.realm, world.realm);
	client_open(&client);
	fake_open(&source, NULL, NULL);
	fake_open(&destination, rules, NULL);
	const struct repository from = {source.host, "staging/app"};
	struct digest found, digest = push_image(&client, &from, NULL, "a", 1, 1000);
	struct copy_destination to = {.repository = {destination.host, "prod/app"},
		.tags = &tag,
		.tag_count = 1,
		.observed_ms = now_ms()};
	CHECK(!registry_manifest_head(client.registry, &to.repository, "v1", NULL, &found, NULL));
	CHECK(world.fetches == 1);
	must(copy_group(client.copier, &from, &digest, NULL, &to, 1, &err), &err);
	must(!to.err, &to.err);
	CHECK(tag.state == COPY_TAG_WRITTEN && world.fetches == 2);
	CHECK_COUNT(&destination, "PUT */blobs/* 201 0", 2);
	fake_close(&source);
	fake_close(&destination);
	client_close(&client);
}

int main(void)
{
	char config[200];
	world.registry = tiny_server_new(serve_registry, NULL);
	world.tokens = tiny_server_new(serve_tokens, NULL);
	world.elsewhere = tiny_server_new(serve_elsewhere, NULL);
	snprintf(config, sizeof(config),
		"{\"auths\":{\"127.0.0.1:%u\":{\"username\":\"user\",\"password\":\"password\"},"
		"\"r.example\":{\"username\":\"user\",\"password\":\"password\"}}}",
		tiny_server_port(world.registry));
	setenv("DOCKER_AUTH_CONFIG", config, 1);

	test_one_challenge_and_one_token();
	test_tokens_that_are_not_taken_any_more();
	test_renewed_before_the_end();
	test_a_failure_is_shared();
	test_a_wrong_password_is_not_tried_for_ever();
	test_secrets_stay_with_their_host();
	test_a_configured_token_server_gets_secrets();
	test_an_endpoint_gets_secrets_only_if_told();
	test_the_token_server_stays();
	test_uploads_elsewhere_carry_nothing();
	test_a_token_runs_out_during_an_upload();
	tiny_server_free(world.registry);
	tiny_server_free(world.tokens);
	tiny_server_free(world.elsewhere);
	return 0;
}
