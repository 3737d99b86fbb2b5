/* Servers, variables and threads for tests of identity tokens. What is asked of them is the tests'. */
#include "tests/threads/id_token_fixture.h"

#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "tests/fakes/jwt_text.h"
#include "tests/threads/shifted_clock.h"

struct google_api api;
struct tiny_server *google, *service, *stranger;
struct world world = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct http *http;
static char directory[] = "/tmp/cip-id-token.XXXXXX";

void forget_world(void)
{
	pthread_mutex_lock(&world.lock);
	world.status = 0;
	world.headers = "";
	world.body = NULL;
	world.life_s = 600;
	pthread_mutex_unlock(&world.lock);
	world.requests = world.strangers = world.wrong = 0;
	world.waits = false;
}

void answer(int status, const char *headers, const char *body)
{
	pthread_mutex_lock(&world.lock);
	world.status = status;
	world.headers = headers;
	world.body = body;
	pthread_mutex_unlock(&world.lock);
}

static bool asks_rightly(struct tiny_exchange *exchange)
{
	char body[100] = "";
	const char *shown = tiny_header(exchange, "Authorization");
	CLEANUP(mem_freep) char *authorization = mem_strdup(shown ? shown : "");
	if (strcmp(exchange->target, "/idtoken?a=b&audience=sigstore") == 0)
		return strcmp(exchange->method, "GET") == 0 &&
			strcmp(authorization, "bearer " JOB_SECRET) == 0;
	tiny_read_body(exchange, body, sizeof(body) - 1);
	return strcmp(exchange->target, "/v3/jobs/job-1/oidc/tokens") == 0 &&
		strcmp(exchange->method, "POST") == 0 &&
		strcmp(authorization, "Token " JOB_SECRET) == 0 &&
		strcmp(body, "{\"audience\":\"sigstore\"}") == 0;
}

void answer_life(int64_t seconds)
{
	pthread_mutex_lock(&world.lock);
	world.life_s = seconds;
	pthread_mutex_unlock(&world.lock);
}

void move_clock(int64_t seconds)
{
	time_offset_ms += seconds * 1000;
}

char *token_for(const char *subject, int64_t life_s)
{
	CLEANUP(mem_freep)
	char *claims = mem_printf("{\"iss\":\"https://ci.example\",\"sub\":\"%s\","
				  "\"aud\":\"sigstore\",\"exp\":%jd}",
		subject, (intmax_t)(clock_unix_ms(&test_clock) / 1000 + life_s));
	return jwt_text(JWT_TEXT_HEADER, claims);
}

static void serve(struct tiny_exchange *exchange, void *ctx)
{
	(void)ctx;
	unsigned number = ++world.requests;
	if (!asks_rightly(exchange))
		world.wrong++;
	while (world.stalls)
		usleep(1000);
	while (world.waits && world.asking < THREADS)
		usleep(1000);
	/* From there to the lock of the source is a step. */
	usleep(world.waits ? 100 * 1000 : 0);
	pthread_mutex_lock(&world.lock);
	int status = world.status ? world.status : 200;
	CLEANUP(mem_freep) char *subject = mem_printf("job-%u", number);
	CLEANUP(mem_freep) char *token = token_for(subject, world.life_s);
	CLEANUP(mem_freep)
	char *body = world.body
		? mem_strdup(world.body)
		: mem_printf("{\"%s\":\"%s\"}",
			  strcmp(exchange->method, "GET") == 0 ? "value" : "token", token);
	const char *headers = world.headers;
	pthread_mutex_unlock(&world.lock);
	tiny_reply(exchange, status, headers, body);
}

static void serve_stranger(struct tiny_exchange *exchange, void *ctx)
{
	CLEANUP(mem_freep) char *token = token_for("stranger", 600);
	CLEANUP(mem_freep) char *body = mem_printf("{\"value\":\"%s\"}", token);
	(void)ctx;
	world.strangers++;
	world.wrong += tiny_header(exchange, "Authorization") != NULL;
	tiny_reply(exchange, 200, "", body);
}

/* ---- What must not be seen ---- */

static void expect_no_secret(const char *text)
{
	static const char *const secrets[] = {JOB_SECRET, JWT_TEXT_SIGNATURE, "hidden", "ya29.",
		GOOGLE_API_REFRESH_TOKEN, GOOGLE_API_CLIENT_SECRET, GOOGLE_API_SUBJECT_TOKEN,
		GOOGLE_API_HEADER_SECRET, "BEGIN", "eyJ"};
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		if (strstr(text, secrets[i]))
			fprintf(stderr, "shown: %s\n", text);
		CHECK(!strstr(text, secrets[i]));
	}
}

static void look_at_log(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	expect_no_secret(text);
}

/* ---- Asking ---- */

struct id_token_source *source_of(struct id_token_options options)
{
	struct err *err = NULL;
	if (!options.http)
		options.http = http;
	options.clock = &test_clock;
	if (!options.iam_endpoint)
		options.iam_endpoint = tiny_server_url(google);
	struct id_token_source *source = id_token_source_new(&options, &err);
	if (!source)
		fprintf(stderr, "%s\n", err->msg);
	CHECK(source);
	return source;
}

void expect_subject(struct id_token_source *source, const char *provider, const char *subject)
{
	struct id_token *token = NULL;
	struct err *err = NULL;
	bool ok = id_token_source_get(source, 60, &token, &err);
	if (!ok || strcmp(token->subject, subject) != 0)
		fprintf(stderr, "%s: %s\n", subject, ok ? token->subject : err->msg);
	CHECK(ok && strcmp(token->subject, subject) == 0);
	CHECK(strcmp(id_token_source_provider(source), provider) == 0);
	id_token_free(token);
}

void expect_error(struct id_token_source *source, enum err_kind kind, const char *says)
{
	struct id_token *token = NULL;
	struct err *err = NULL;
	CHECK(!id_token_source_get(source, 60, &token, &err));
	if (err->kind != kind || !strstr(err->msg, says))
		fprintf(stderr, "%s: %s\n", err_kind_name(err->kind), err->msg);
	CHECK(err->kind == kind && strstr(err->msg, says));
	expect_no_secret(err->msg);
	err_free(err);
}

void expect_once(struct id_token_options options, enum err_kind kind, const char *says)
{
	struct id_token_source *source = source_of(options);
	expect_error(source, kind, says);
	id_token_source_free(source);
}

void use_github(void)
{
	CLEANUP(mem_freep) char *url = mem_printf("%s/idtoken?a=b", tiny_server_url(service));
	setenv("ACTIONS_ID_TOKEN_REQUEST_URL", url, 1);
	setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", JOB_SECRET, 1);
}

void leave_github(void)
{
	unsetenv("ACTIONS_ID_TOKEN_REQUEST_URL");
	unsetenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
}

void use_buildkite(void)
{
	CLEANUP(mem_freep) char *url = mem_printf("%s/v3/", tiny_server_url(service));
	setenv("BUILDKITE_AGENT_ENDPOINT", url, 1);
	setenv("BUILDKITE_AGENT_ACCESS_TOKEN", JOB_SECRET, 1);
	setenv("BUILDKITE_JOB_ID", "job-1", 1);
}

void leave_buildkite(void)
{
	unsetenv("BUILDKITE_AGENT_ENDPOINT");
	unsetenv("BUILDKITE_AGENT_ACCESS_TOKEN");
	unsetenv("BUILDKITE_JOB_ID");
}

/* ---- One request for all, and the next in time ---- */

static void *work(void *arg)
{
	struct worker *worker = arg;
	world.asking++;
	id_token_source_get(worker->source, 60, &worker->token, &worker->err);
	return NULL;
}

void workers_start(struct worker *workers, struct id_token_source *source)
{
	world.asking = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].source = source;
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
}

unsigned work_together(struct id_token_source *source, const char *subject)
{
	struct worker workers[THREADS] = {0};
	unsigned failed = 0;
	workers_start(workers, source);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		failed += workers[i].err != NULL;
		CHECK(workers[i].err || strcmp(workers[i].token->subject, subject) == 0);
		id_token_free(workers[i].token);
		err_free(workers[i].err);
	}
	return failed;
}

char *save(const char *name, const char *text)
{
	char *path = fs_join(directory, name);
	CHECK(fs_write_atomic(path, text, strlen(text), 0600, NULL));
	return path;
}

/* ---- The whole ---- */

void fixture_open(void)
{
	static const char *const unwanted[] = {"SIGSTORE_ID_TOKEN", "GITLAB_CI", "CLOUDSDK_CONFIG",
		"GCE_METADATA_HOST", "GOOGLE_APPLICATION_CREDENTIALS",
		"GOOGLE_SERVICE_ACCOUNT_NAME", "SPIFFE_JWT_SVID_FILE", "SPIFFE_ENDPOINT_SOCKET"};
	const struct http_options options = {
		.clock = &test_clock, .attempts = 1, .retry_base_ms = 1};
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		unsetenv(unwanted[i]);
	leave_github();
	leave_buildkite();
	CHECK(mkdtemp(directory));
	setenv("HOME", directory, 1);
	setenv("NO_GCE_CHECK", "true", 1);
	log_set_level(LOG_TRACE);
	log_set_sink(look_at_log, NULL);
	google_api_init(&api);
	google = tiny_server_new(google_api_handle, &api);
	service = tiny_server_new(serve, NULL);
	stranger = tiny_server_new(serve_stranger, NULL);
	http = http_new(&options, NULL);
	CHECK(http);
}

void fixture_close(void)
{
	http_free(http);
	tiny_server_free(google);
	tiny_server_free(service);
	tiny_server_free(stranger);
	google_api_release(&api);
	log_set_sink(NULL, NULL);
	fs_remove_tree(directory, NULL);
}
