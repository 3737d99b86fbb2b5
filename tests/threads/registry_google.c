/*
 * Google's access tokens with many threads: Google's endpoints and a registry in this process,
 * which look at what they are shown.
 */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "registry/auth_google.h"
#include "registry/registry.h"
#include "tests/fakes/google_api.h"
#include "tests/threads/check.h"
#include "tests/threads/shifted_clock.h"

#define THREADS 8

static struct google_api api;
static struct tiny_server *google, *registry_server;
static char directory[] = "/tmp/cip-google.XXXXXX";
static char endpoint[32];

static struct {
	pthread_mutex_t lock;
	char shown[200]; /* the last Authorization */
	atomic_uint requests, anonymous;
	atomic_uint oldest_valid;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- The registry ---- */

static void serve_registry(struct tiny_exchange *exchange, void *ctx)
{
	const char *shown = tiny_header(exchange, "Authorization");
	const char *number = shown ? strrchr(shown, '-') : NULL;
	(void)ctx;
	world.requests++;
	world.anonymous += shown == NULL;
	pthread_mutex_lock(&world.lock);
	snprintf(world.shown, sizeof(world.shown), "%s", shown ? shown : "");
	pthread_mutex_unlock(&world.lock);
	if (number && (unsigned)strtoul(number + 1, NULL, 10) >= world.oldest_valid)
		tiny_reply(exchange, 200,
			"Docker-Content-Digest: sha256:"
			"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\r\n",
			"");
	else
		tiny_reply(exchange, 401, "", "");
}

/* ---- A client of its own for each case ---- */

struct scene {
	struct http *http;
	struct registry *registry;
};

static void forget_world(void)
{
	world.requests = world.anonymous = world.oldest_valid = 0;
	world.shown[0] = '\0';
	api.assertions = api.refreshes = api.exchanges = api.impersonations = 0;
	api.metadata = api.subjects = 0;
	api.expires_in = 3600;
	api.status = 0;
	api.without_flavor = api.without_account = false;
}

static void scene_open(struct scene *scene, const struct registry_options *more, bool told)
{
	const struct http_options http = {.clock = &test_clock, .attempts = 1, .retry_base_ms = 1};
	const struct registry_host_options host = {
		.host = "gcr.io", .endpoint = endpoint, .endpoint_gets_credentials = told};
	struct registry_options options = more ? *more : (struct registry_options){0};
	struct err *err = NULL;
	forget_world();
	scene->http = http_new(&http, NULL);
	CHECK(scene->http);
	options.http = scene->http;
	if (!options.hosts) {
		options.hosts = &host;
		options.host_count = 1;
	}
	scene->registry = registry_new(&options, &err);
	if (!scene->registry)
		fprintf(stderr, "%s\n", err->msg);
	CHECK(scene->registry);
}

static void scene_close(struct scene *scene)
{
	registry_free(scene->registry);
	http_free(scene->http);
	CHECK(!api.complaint[0]);
}

static struct err *head(struct registry *registry, const char *host, const char *path)
{
	const struct repository repository = {host, path};
	struct digest digest;
	struct err *err = NULL;
	if (registry_manifest_head(registry, &repository, "v1", NULL, &digest, &err))
		return NULL;
	CHECK(err);
	return err;
}

static void expect_ok(struct scene *scene, const char *path)
{
	struct err *err = head(scene->registry, "gcr.io", path);
	if (err)
		fprintf(stderr, "%s\n", err->msg);
	CHECK(!err);
}

static void expect_error(struct scene *scene, enum err_kind kind, const char *says)
{
	static const char *const secrets[] = {"hidden", GOOGLE_API_REFRESH_TOKEN,
		GOOGLE_API_CLIENT_SECRET, GOOGLE_API_SUBJECT_TOKEN, GOOGLE_API_HEADER_SECRET,
		"ya29.", "BEGIN"};
	struct err *err = head(scene->registry, "gcr.io", "r");
	CHECK(err);
	if (err->kind != kind || !strstr(err->msg, says))
		fprintf(stderr, "%s\n", err->msg);
	CHECK(err->kind == kind && strstr(err->msg, says));
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		CHECK(!strstr(err->msg, secrets[i]));
	err_free(err);
}

static void expect_shown(const char *owner)
{
	CLEANUP(mem_freep) char *start = mem_printf("Bearer ya29.%s-", owner);
	if (strncmp(world.shown, start, strlen(start)) != 0)
		fprintf(stderr, "shown: %s, wanted: %s\n", world.shown, start);
	CHECK(strncmp(world.shown, start, strlen(start)) == 0);
}

/* Takes the text. */
static char *save(const char *name, char *text)
{
	char *path = fs_join(directory, name);
	CHECK(fs_write_atomic(path, text, strlen(text), 0600, NULL));
	mem_free(text);
	return path;
}

static void use_file(const char *path)
{
	setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1);
}

/* What was asked of Google's endpoints. */
static struct http_quota google_quota(const struct scene *scene)
{
	struct http_quota quota;
	char name[32];
	snprintf(name, sizeof(name), "127.0.0.1 %u", tiny_server_port(google));
	for (size_t i = 0; http_quota_at(scene->http, i, &quota); i++)
		if (strcmp(quota.name, name) == 0)
			return quota;
	return (struct http_quota){0};
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
	worker->err = head(worker->scene->registry, "gcr.io", worker->path);
	return NULL;
}

static unsigned work_together(struct scene *scene)
{
	struct worker workers[THREADS] = {0};
	unsigned failed = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].scene = scene;
		snprintf(workers[i].path, sizeof(workers[i].path), "r%u", i % 10);
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		failed += workers[i].err != NULL;
		err_free(workers[i].err);
	}
	return failed;
}

/* ---- Where tokens come from ---- */

static void test_one_token_and_no_challenge(void)
{
	struct scene scene;
	CLEANUP(mem_freep)
	char *path = save("key.json", google_api_service_account(&api, tiny_server_url(google)));
	use_file(path);
	scene_open(&scene, NULL, true);
	CHECK(work_together(&scene) == 0);
	CHECK(api.assertions == 1 && world.requests == THREADS && world.anonymous == 0);
	expect_shown("robot");
	/* Renewed before the end, by one of those who need it. */
	time_offset_ms += 2881 * 1000;
	CHECK(work_together(&scene) == 0);
	CHECK(api.assertions == 2);
	/* And when it is refused, once. */
	world.oldest_valid = api.tokens + 1;
	CHECK(work_together(&scene) == 0);
	CHECK(api.assertions == 3);
	world.oldest_valid = 1000000;
	expect_error(&scene, ERR_AUTH, "refused the credentials of Google's ");
	CHECK(api.assertions == 4);
	scene_close(&scene);
}

static void expect_owner(char *file, const char *owner)
{
	struct scene scene;
	CLEANUP(mem_freep) char *path = save("adc.json", file);
	use_file(path);
	scene_open(&scene, NULL, true);
	expect_ok(&scene, "r");
	expect_shown(owner);
	CHECK(google_quota(&scene).requests ==
		api.assertions + api.refreshes + api.subjects + api.exchanges + api.impersonations);
	scene_close(&scene);
}

static void test_every_type(void)
{
	const char *server = tiny_server_url(google);
	CLEANUP(mem_freep) char *token = save("subject", mem_strdup(GOOGLE_API_SUBJECT_TOKEN "\n"));
	CLEANUP(mem_freep) char *file = mem_printf("\"file\":\"%s\"", token);
	CLEANUP(mem_freep)
	char *url = mem_printf("\"url\":\"%s/subject\",\"headers\":{\"Authorization\":"
			       "\"bearer " GOOGLE_API_HEADER_SECRET "\"},\"format\":{\"type\":"
			       "\"json\",\"subject_token_field_name\":\"value\"}",
		server);
	CLEANUP(mem_freep) char *user = google_api_authorized_user(server);
	CLEANUP(mem_freep)
	char *federated = google_api_external_account(server, file, "middle@p");
	expect_owner(mem_strdup(user), "person");
	CHECK(api.refreshes == 1);
	expect_owner(google_api_external_account(server, file, NULL), "federated");
	CHECK(api.exchanges == 1 && api.impersonations == 0);
	expect_owner(google_api_external_account(server, url, "deploy@p"), "deploy@p");
	CHECK(api.subjects == 1 && api.exchanges == 1 && api.impersonations == 1);
	expect_owner(google_api_impersonated(server, user, "deploy@p"), "deploy@p");
	CHECK(api.refreshes == 1 && api.impersonations == 1);
	expect_owner(google_api_impersonated(server, federated, "deploy@p"), "deploy@p");
	CHECK(api.exchanges == 1 && api.impersonations == 2);
}

static void test_failures_say_what_and_where(void)
{
	struct scene scene;
	CLEANUP(mem_freep)
	char *path = save("user.json", google_api_authorized_user(tiny_server_url(google)));
	use_file(path);
	scene_open(&scene, NULL, true);
	api.status = 400;
	expect_error(&scene, ERR_AUTH, "user.json: 127.0.0.1:");
	expect_error(&scene, ERR_AUTH, "/token: status 400 (invalid_grant): the credentials were");
	/* Remembered for a moment. */
	CHECK(api.refreshes == 0 && world.requests == 0);
	time_offset_ms += 6000;
	api.status = 503;
	expect_error(&scene, ERR_TRANSIENT, "status 503");
	time_offset_ms += 6000;
	api.status = 429;
	expect_error(&scene, ERR_THROTTLED, "status 429");
	CHECK(google_quota(&scene).throttled == 1);
	time_offset_ms += 6000;
	api.status = 0;
	expect_ok(&scene, "r");
	scene_close(&scene);

	use_file("/nonexistent/key.json");
	scene_open(&scene, NULL, true);
	expect_error(&scene, ERR_AUTH, "/nonexistent/key.json: no such file");
	CHECK(world.requests == 0);
	scene_close(&scene);
}

static void test_the_metadata_server(void)
{
	struct scene scene;
	char host[32];
	snprintf(host, sizeof(host), "127.0.0.1:%u", tiny_server_port(google));
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	setenv("GCE_METADATA_HOST", host, 1);
	scene_open(&scene, NULL, true);
	CHECK(work_together(&scene) == 0);
	CHECK(api.metadata == 1 && world.anonymous == 0);
	CHECK(google_quota(&scene).requests == 1);
	expect_shown("machine");
	scene_close(&scene);
	/* Something else that answers there is not believed. */
	scene_open(&scene, NULL, true);
	api.without_flavor = true;
	expect_error(&scene, ERR_AUTH, "does not name itself Google's metadata server");
	scene_close(&scene);
	scene_open(&scene, NULL, true);
	api.without_account = true;
	expect_error(&scene, ERR_AUTH, "this machine has no service account");
	CHECK(world.requests == 0);
	scene_close(&scene);
	unsetenv("GCE_METADATA_HOST");
}

/* ---- Looking whether there is a metadata server ---- */

/* Until the client has enough. */
static void serve_never(struct tiny_exchange *exchange, void *ctx)
{
	char byte;
	(void)ctx;
	CHECK(recv(exchange->fd, &byte, 1, 0) <= 0);
	tiny_close(exchange);
}

/* Returns whether something was found at the address. */
static bool probe(const char *where, unsigned times)
{
	const struct http_options http = {.clock = &test_clock};
	struct http *client = http_new(&http, NULL);
	const struct google_options options = {.http = client,
		.clock = &test_clock,
		.metadata_probe = where,
		.probe_timeout_ms = 100};
	struct google *source = google_new(&options, NULL);
	char *origin = NULL;
	while (times-- > 0) {
		mem_free(origin);
		CHECK(google_find(source, &origin, NULL));
	}
	bool found = origin && strcmp(origin, "Google's metadata server") == 0;
	CHECK(found || !origin);
	mem_free(origin);
	google_free(source);
	http_free(client);
	return found;
}

static void test_the_probe(void)
{
	struct tiny_server *silent = tiny_server_new(serve_never, NULL);
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	forget_world();
	CHECK(probe(tiny_server_url(google), 3));
	CHECK(api.metadata == 1);
	/* Another cloud's, one without an account, one that is busy, none. */
	api.without_flavor = true;
	CHECK(!probe(tiny_server_url(google), 3));
	CHECK(api.metadata == 2);
	api.without_flavor = false;
	api.without_account = true;
	CHECK(!probe(tiny_server_url(google), 1));
	api.without_account = false;
	int64_t before = clock_monotonic_ms(&clock_system);
	CHECK(!probe(tiny_server_url(silent), 3));
	CHECK(!probe("http://127.0.0.1:1", 3));
	CHECK(clock_monotonic_ms(&clock_system) - before < 30000);
	setenv("NO_GCE_CHECK", "true", 1);
	CHECK(!probe(tiny_server_url(google), 1));
	unsetenv("NO_GCE_CHECK");
	tiny_server_free(silent);
}

/* ---- Who gets to see them ---- */

static void test_tokens_stay_with_google(void)
{
	struct scene scene;
	CLEANUP(mem_freep)
	char *path = save("key.json", google_api_service_account(&api, tiny_server_url(google)));
	use_file(path);
	/* Neither a machine that stands in for a registry nor other registries. */
	scene_open(&scene, NULL, false);
	expect_error(&scene, ERR_AUTH, "refused anonymous access");
	CHECK(world.requests == world.anonymous && api.assertions == 0);
	scene_close(&scene);
	const struct registry_host_options given = {.host = "gcr.io",
		.endpoint = endpoint,
		.credentials = {{.way = CREDENTIAL_WAY_GOOGLE, .file = path}}};
	const struct registry_options with_given = {.hosts = &given, .host_count = 1};
	scene_open(&scene, &with_given, false);
	expect_error(&scene, ERR_AUTH, "were not sent, since another host would have received");
	CHECK(world.requests == world.anonymous && api.assertions == 0);
	scene_close(&scene);
	const struct registry_host_options hosts[] = {
		{.host = "r.example", .endpoint = endpoint, .endpoint_gets_credentials = true},
		{.host = "gcr.io.example", .endpoint = endpoint, .endpoint_gets_credentials = true},
		{.host = "evilgcr.io", .endpoint = endpoint, .endpoint_gets_credentials = true}};
	const struct registry_options options = {.hosts = hosts, .host_count = 3};
	scene_open(&scene, &options, true);
	for (size_t i = 0; i < 3; i++)
		err_free(head(scene.registry, hosts[i].host, "r"));
	err_free(head(scene.registry, endpoint, "r"));
	CHECK(world.requests >= 4 && world.requests == world.anonymous && api.assertions == 0);
	scene_close(&scene);
	/* Nor a file that leads elsewhere. */
	CLEANUP(mem_freep)
	char *stray = save(
		"stray.json", google_api_authorized_user("https://oauth2.googleapis.com.example"));
	use_file(stray);
	scene_open(&scene, NULL, true);
	expect_error(&scene, ERR_AUTH, "is no https URL of one of Google's hosts");
	scene_close(&scene);
}

/* ---- Impersonation ---- */

static const struct credential_account accounts[] = {
	{"gcr.io/prod", CREDENTIAL_DESTINATION, "writer@p.iam.gserviceaccount.com"},
	{"gcr.io/prod/deep", CREDENTIAL_DESTINATION, "deep@p.iam.gserviceaccount.com"},
	{"gcr.io/free", CREDENTIAL_DESTINATION, "unlisted@p.iam.gserviceaccount.com"},
	{"gcr.io/torn", CREDENTIAL_DESTINATION, "writer@p.iam.gserviceaccount.com"},
	{"gcr.io/torn", CREDENTIAL_DESTINATION, "deep@p.iam.gserviceaccount.com"},
	{"gcr.io/locked", CREDENTIAL_DESTINATION, "forbidden@p"},
};
static const char *const listed[] = {
	"writer@p.iam.gserviceaccount.com", "deep@p.iam.gserviceaccount.com", "forbidden@p"};

static void test_only_listed_accounts_and_only_to_write(void)
{
	struct scene scene;
	struct registry_options options = {
		.accounts = accounts,
		.account_count = sizeof(accounts) / sizeof(accounts[0]),
		.google = {.impersonate = listed,
			.impersonate_count = 3,
			.iam_endpoint = tiny_server_url(google)},
	};
	CLEANUP(mem_freep)
	char *path = save("key.json", google_api_service_account(&api, tiny_server_url(google)));
	use_file(path);
	scene_open(&scene, &options, true);
	expect_ok(&scene, "prod/a");
	expect_shown("writer@p.iam.gserviceaccount.com");
	expect_ok(&scene, "prod/b");
	CHECK(api.assertions == 1 && api.impersonations == 1);
	expect_ok(&scene, "prod/deep/a");
	expect_shown("deep@p.iam.gserviceaccount.com");
	expect_ok(&scene, "production/a");
	expect_shown("robot");
	expect_ok(&scene, "free/a");
	expect_shown("robot");
	CHECK(api.impersonations == 2);
	/* The source side is not the destination's account. */
	CHECK(!head(registry_for_sources(scene.registry), "gcr.io", "prod/a"));
	expect_shown("robot");
	struct err *err = head(scene.registry, "gcr.io", "torn/a");
	CHECK(err_is(err, ERR_AUTH) && strstr(err->msg, "one registry has one account"));
	err_free(err);
	err = head(scene.registry, "gcr.io", "locked/a");
	CHECK(err_is(err, ERR_AUTH) && strstr(err->msg, "forbidden@p") &&
		strstr(err->msg, "PERMISSION_DENIED") && !strstr(err->msg, "hidden"));
	err_free(err);
	scene_close(&scene);

	/* A run that only reads impersonates nobody. */
	options.read_only = true;
	scene_open(&scene, &options, true);
	expect_ok(&scene, "prod/a");
	expect_shown("robot");
	CHECK(api.impersonations == 0);
	scene_close(&scene);
	/* And nobody is impersonated whom cip.yaml does not list. */
	options.read_only = false;
	options.google.impersonate_count = 0;
	scene_open(&scene, &options, true);
	expect_ok(&scene, "prod/a");
	expect_shown("robot");
	CHECK(api.impersonations == 0);
	scene_close(&scene);
}

int main(void)
{
	static const char *const unwanted[] = {"DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE",
		"XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG", "CLOUDSDK_CONFIG",
		"GCE_METADATA_HOST", "NO_GCE_CHECK"};
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		unsetenv(unwanted[i]);
	CHECK(mkdtemp(directory));
	setenv("HOME", directory, 1);
	google_api_init(&api);
	google = tiny_server_new(google_api_handle, &api);
	registry_server = tiny_server_new(serve_registry, NULL);
	snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%u", tiny_server_port(registry_server));

	test_one_token_and_no_challenge();
	test_every_type();
	test_failures_say_what_and_where();
	test_the_metadata_server();
	test_the_probe();
	test_tokens_stay_with_google();
	test_only_listed_accounts_and_only_to_write();
	tiny_server_free(google);
	tiny_server_free(registry_server);
	google_api_release(&api);
	fs_remove_tree(directory, NULL);
	return 0;
}
