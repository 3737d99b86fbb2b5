/*
 * Identity tokens with many threads: the services that hand them out in this process, which look at
 * what they are shown and answer well, badly, or for another.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/fs.h"
#include "base/log.h"
#include "signer/id_token.h"
#include "tests/fakes/google_api.h"
#include "tests/fakes/jwt_text.h"
#include "tests/threads/check.h"
#include "tests/threads/shifted_clock.h"

#define THREADS 8
#define JOB_SECRET "job-secret"

static struct google_api api;
static struct tiny_server *google, *service, *stranger;
static struct http *http;
static char directory[] = "/tmp/cip-id-token.XXXXXX";

/* What the service answers: a token, or what the test wants instead. */
static struct {
	pthread_mutex_t lock;
	int status;	     /* 0: 200 */
	const char *headers; /* "": none */
	const char *body;    /* NULL: a token */
	int64_t life_s;
	atomic_uint requests, strangers, wrong;
	atomic_uint asking; /* threads that are about to */
	atomic_bool waits;  /* the answer comes when all threads have asked */
	atomic_bool stalls; /* it does not come */
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void forget_world(void)
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

static void answer(int status, const char *headers, const char *body)
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

static char *token_for(const char *subject, int64_t life_s)
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

static struct id_token_source *source_of(struct id_token_options options)
{
	struct err *err = NULL;
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

static void expect_subject(
	struct id_token_source *source, const char *provider, const char *subject)
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

static void expect_error(struct id_token_source *source, enum err_kind kind, const char *says)
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

static void expect_once(struct id_token_options options, enum err_kind kind, const char *says)
{
	struct id_token_source *source = source_of(options);
	expect_error(source, kind, says);
	id_token_source_free(source);
}

static void use_github(void)
{
	CLEANUP(mem_freep) char *url = mem_printf("%s/idtoken?a=b", tiny_server_url(service));
	setenv("ACTIONS_ID_TOKEN_REQUEST_URL", url, 1);
	setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", JOB_SECRET, 1);
}

static void leave_github(void)
{
	unsetenv("ACTIONS_ID_TOKEN_REQUEST_URL");
	unsetenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
}

static void use_buildkite(void)
{
	CLEANUP(mem_freep) char *url = mem_printf("%s/v3/", tiny_server_url(service));
	setenv("BUILDKITE_AGENT_ENDPOINT", url, 1);
	setenv("BUILDKITE_AGENT_ACCESS_TOKEN", JOB_SECRET, 1);
	setenv("BUILDKITE_JOB_ID", "job-1", 1);
}

static void leave_buildkite(void)
{
	unsetenv("BUILDKITE_AGENT_ENDPOINT");
	unsetenv("BUILDKITE_AGENT_ACCESS_TOKEN");
	unsetenv("BUILDKITE_JOB_ID");
}

/* ---- One request for all, and the next in time ---- */

struct worker {
	pthread_t thread;
	struct id_token_source *source;
	struct id_token *token;
	struct err *err;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	world.asking++;
	id_token_source_get(worker->source, 60, &worker->token, &worker->err);
	return NULL;
}

/* How many failed; all others must have got the subject. */
static unsigned work_together(struct id_token_source *source, const char *subject)
{
	struct worker workers[THREADS] = {0};
	unsigned failed = 0;
	world.asking = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].source = source;
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		failed += workers[i].err != NULL;
		CHECK(workers[i].err || strcmp(workers[i].token->subject, subject) == 0);
		id_token_free(workers[i].token);
		err_free(workers[i].err);
	}
	return failed;
}

static void test_one_request_in_flight(void)
{
	forget_world();
	use_github();
	struct id_token_source *source = source_of((struct id_token_options){0});
	CHECK(work_together(source, "job-1") == 0);
	CHECK(world.requests == 1);
	time_offset_ms += 539 * 1000;
	CHECK(work_together(source, "job-1") == 0);
	CHECK(world.requests == 1);
	/* Less than what is wanted is left: one of them fetches the next. */
	time_offset_ms += 2 * 1000;
	CHECK(work_together(source, "job-2") == 0);
	CHECK(world.requests == 2);
	/* While none can be had the last one does, as long as it lives. */
	time_offset_ms += 580 * 1000;
	answer(403, "", "{\"message\":\"hidden\"}");
	CHECK(work_together(source, "job-2") == 0);
	CHECK(world.requests > 2);
	time_offset_ms += 20 * 1000;
	/* Who waited for a refusal has been refused. */
	unsigned refused = world.requests;
	world.waits = true;
	CHECK(work_together(source, "") == THREADS);
	CHECK(world.requests - refused < THREADS);
	world.waits = false;
	answer(0, "", NULL);
	unsigned before = world.requests;
	CLEANUP(mem_freep) char *next = mem_printf("job-%u", before + 1);
	CHECK(work_together(source, next) == 0);
	CHECK(world.requests == before + 1 && world.wrong == 0);
	id_token_source_free(source);
	leave_github();
}

/* Whoever waits for a server that says nothing is let go when the run is stopped. */
static void test_stopping(void)
{
	struct http *usual = http;
	CLEANUP(cancel_freep) struct cancel *cancel = cancel_new();
	const struct http_options options = {.clock = &test_clock, .cancel = cancel, .attempts = 1};
	struct worker workers[THREADS] = {0};
	forget_world();
	use_github();
	world.asking = 0;
	world.stalls = true;
	http = http_new(&options, NULL);
	struct id_token_source *source = source_of((struct id_token_options){0});
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].source = source;
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	while (world.asking < THREADS || world.requests == 0)
		usleep(1000);
	cancel_raise(cancel, CANCEL_NOW);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		CHECK(err_is(workers[i].err, ERR_CANCELLED));
		err_free(workers[i].err);
	}
	CHECK(world.requests == 1);
	world.stalls = false;
	id_token_source_free(source);
	http_free(http);
	http = usual;
	leave_github();
}

/* ---- Services that run jobs ---- */

static void test_buildkite(void)
{
	forget_world();
	use_buildkite();
	struct id_token_source *source = source_of((struct id_token_options){0});
	expect_subject(source, "buildkite-agent", "job-1");
	CHECK(world.requests == 1 && world.wrong == 0);
	id_token_source_free(source);
	setenv("BUILDKITE_JOB_ID", "../job", 1);
	expect_once((struct id_token_options){0}, ERR_USAGE, "names no job");
	setenv("BUILDKITE_JOB_ID", "job-1", 1);
	setenv("BUILDKITE_AGENT_ENDPOINT", "http://agent.example/v3", 1);
	expect_once(
		(struct id_token_options){0}, ERR_USAGE, "BUILDKITE_AGENT_ENDPOINT is no https");
	setenv("BUILDKITE_AGENT_ENDPOINT", "https://agent.example/v3?x", 1);
	expect_once((struct id_token_options){0}, ERR_USAGE, "query");
	CHECK(world.requests == 1);
	leave_buildkite();
}

/* Of several that are there the first in the order counts, unless one is named. */
static void test_order(void)
{
	forget_world();
	use_github();
	use_buildkite();
	struct id_token_source *source = source_of((struct id_token_options){0});
	expect_subject(source, "github-actions", "job-1");
	id_token_source_free(source);
	source = source_of((struct id_token_options){.provider = "buildkite-agent"});
	expect_subject(source, "buildkite-agent", "job-2");
	id_token_source_free(source);
	CLEANUP(mem_freep) char *jwt = token_for("variable", 600);
	setenv("SIGSTORE_ID_TOKEN", jwt, 1);
	source = source_of((struct id_token_options){0});
	expect_subject(source, "envvar", "variable");
	id_token_source_free(source);
	unsetenv("SIGSTORE_ID_TOKEN");
	/* One that is there and fails is no reason to sign in another name. */
	answer(403, "", "");
	expect_once((struct id_token_options){0}, ERR_AUTH, "identity token by github-actions");
	CHECK(world.wrong == 0);
	leave_github();
	leave_buildkite();
}

static void test_bad_answers(void)
{
	CLEANUP(mem_freep) char *huge = mem_new(70 * 1024 + 1, 1);
	CLEANUP(mem_freep) char *long_one = mem_new(66 * 1024 + 1, 1);
	memset(huge, '{', 70 * 1024);
	memset(long_one, 'a', 66 * 1024);
	memcpy(long_one, "{\"value\":\"", strlen("{\"value\":\""));
	memcpy(long_one + 65 * 1024, "\"}", 3);
	CLEANUP(mem_freep)
	char *other_audience = jwt_text(JWT_TEXT_HEADER,
		"{\"iss\":\"https://ci.example\",\"sub\":\"me\",\"aud\":\"vault\",\"exp\":9e9}");
	CLEANUP(mem_freep) char *for_another = mem_printf("{\"value\":\"%s\"}", other_audience);
	const struct {
		int status;
		const char *body;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{401, "{\"message\":\"hidden\"}", ERR_AUTH, "/idtoken: status 401: the job's"},
		{400, "hidden", ERR_AUTH, "status 400"},
		{500, "hidden", ERR_TRANSIENT, "status 500"},
		{429, "hidden", ERR_THROTTLED, "status 429"},
		{200, "hidden", ERR_INVALID, "the answer holds no token"},
		{200, "", ERR_INVALID, "the answer holds no token"},
		{200, "{}", ERR_INVALID, "the answer holds no token"},
		{200, "{\"value\":[\"hidden\"]}", ERR_INVALID, "the answer holds no token"},
		{200, "{\"value\":\"\"}", ERR_INVALID, "the answer holds no token"},
		{200, "{\"value\":\"a\",\"value\":\"b\"}", ERR_INVALID, "holds no token"},
		{200, "{\"token\":\"eyJ.eyJ.hidden\"}", ERR_INVALID, "holds no token"},
		{200, "{\"value\":\"hidden\"}", ERR_INVALID, "not an identity token"},
		{200, for_another, ERR_INVALID, "for the audience \"vault\""},
		{200, long_one, ERR_TOO_LARGE, ""},
		{200, huge, ERR_TOO_LARGE, ""},
		{204, "", ERR_AUTH, "status 204"},
	};
	use_github();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget_world();
		answer(cases[i].status, "", cases[i].body);
		expect_once((struct id_token_options){0}, cases[i].kind, cases[i].says);
		CHECK(world.wrong == 0);
	}
	forget_world();
	pthread_mutex_lock(&world.lock);
	world.life_s = -5;
	pthread_mutex_unlock(&world.lock);
	expect_once((struct id_token_options){0}, ERR_AUTH, "it expired at");
	leave_github();
}

static void test_secrets_go_where_they_belong(void)
{
	CLEANUP(mem_freep)
	char *away = mem_printf("Location: %s/idtoken\r\n", tiny_server_url(stranger));
	forget_world();
	use_github();
	answer(302, away, "");
	expect_once((struct id_token_options){0}, ERR_INVALID, "led to another host");
	CHECK(world.strangers == 1 && world.wrong == 0);
	setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "http://ci.example/idtoken?a=b", 1);
	expect_once((struct id_token_options){0}, ERR_USAGE, "is no https URL: the job's secret");
	setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "file:///etc/passwd", 1);
	expect_once((struct id_token_options){0}, ERR_INVALID, "ACTIONS_ID_TOKEN_REQUEST_URL");
	use_github();
	setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", JOB_SECRET "\r\nHost: x", 1);
	expect_once((struct id_token_options){0}, ERR_USAGE, "what no secret can");
	CHECK(world.requests == 1);
	leave_github();
}

/* ---- Google ---- */

static char *save(const char *name, const char *text)
{
	char *path = fs_join(directory, name);
	CHECK(fs_write_atomic(path, text, strlen(text), 0600, NULL));
	return path;
}

static void forget_google(void)
{
	api.assertions = api.refreshes = api.exchanges = api.impersonations = 0;
	api.metadata = api.subjects = api.identities = 0;
	api.expires_in = 3600;
	api.status = 0;
	api.without_flavor = api.without_account = false;
}

/* Takes the text. */
static void use_credentials(char *text)
{
	CLEANUP(mem_freep) char *path = save("adc.json", text);
	mem_free(text);
	setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1);
	forget_google();
}

static void test_credentials_of_google(void)
{
	const char *server = tiny_server_url(google);
	CLEANUP(mem_freep) char *subject = save("subject", GOOGLE_API_SUBJECT_TOKEN "\n");
	CLEANUP(mem_freep) char *file = mem_printf("\"file\":\"%s\"", subject);
	CLEANUP(mem_freep) char *user = google_api_authorized_user(server);
	static const char machine[] = "google-workload-identity";

	use_credentials(google_api_service_account(&api, server));
	struct id_token_source *source = source_of((struct id_token_options){0});
	expect_subject(source, machine, "robot@p");
	CHECK(api.assertions == 1 && api.identities == 1);
	expect_subject(source, machine, "robot@p");
	CHECK(api.assertions == 1);
	id_token_source_free(source);

	use_credentials(google_api_external_account(server, file, "signer@p"));
	source = source_of((struct id_token_options){0});
	expect_subject(source, machine, "signer@p");
	CHECK(api.exchanges == 1 && api.impersonations == 1 && api.identities == 1);
	id_token_source_free(source);

	use_credentials(google_api_impersonated(server, user, "signer@p"));
	source = source_of((struct id_token_options){0});
	expect_subject(source, machine, "signer@p");
	CHECK(api.refreshes == 1 && api.impersonations == 1 && api.identities == 1);
	id_token_source_free(source);

	use_credentials(google_api_external_account(server, file, NULL));
	expect_once((struct id_token_options){0}, ERR_AUTH, "name a service account that it may");
	use_credentials(mem_strdup(user));
	expect_once((struct id_token_options){0}, ERR_AUTH, "a person's login");
	CHECK(api.refreshes == 0);
	setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json", 1);
	expect_once((struct id_token_options){0}, ERR_AUTH, "/nonexistent/key.json: no such file");
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	CHECK(!api.complaint[0]);
}

static void test_impersonation(void)
{
	static const struct id_token_options as_signer = {.signer_account = "signer@p"};
	const char *server = tiny_server_url(google);

	use_credentials(google_api_authorized_user(server));
	struct id_token_source *source = source_of(as_signer);
	CHECK(work_together(source, "signer@p") == 0);
	CHECK(api.refreshes == 1 && api.impersonations == 1 && api.identities == 1);
	expect_subject(source, "google-impersonate", "signer@p");
	id_token_source_free(source);

	use_credentials(google_api_service_account(&api, server));
	setenv("GOOGLE_SERVICE_ACCOUNT_NAME", "other@p", 1);
	source = source_of((struct id_token_options){0});
	expect_subject(source, "google-impersonate", "other@p");
	id_token_source_free(source);
	/* The flag is meant more than what is in the environment. */
	CLEANUP(mem_freep) char *jwt = token_for("variable", 600);
	setenv("SIGSTORE_ID_TOKEN", jwt, 1);
	source = source_of(as_signer);
	expect_subject(source, "google-impersonate", "signer@p");
	id_token_source_free(source);
	unsetenv("SIGSTORE_ID_TOKEN");
	unsetenv("GOOGLE_SERVICE_ACCOUNT_NAME");

	expect_once((struct id_token_options){.signer_account = "forbidden@p"}, ERR_AUTH,
		"forbidden@p:generateIdToken: status 403 (PERMISSION_DENIED)");
	expect_once((struct id_token_options){.signer_account = "a/b@p"}, ERR_USAGE,
		"a/b@p is no name of a service account");
	api.status = 503;
	expect_once(as_signer, ERR_TRANSIENT, "status 503");
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	CHECK(!api.complaint[0]);
}

static void test_the_metadata_server(void)
{
	char host[32];
	snprintf(host, sizeof(host), "127.0.0.1:%u", tiny_server_port(google));
	unsetenv("NO_GCE_CHECK");
	setenv("GCE_METADATA_HOST", host, 1);
	forget_google();
	struct id_token_source *source = source_of((struct id_token_options){0});
	CHECK(work_together(source, "machine@p") == 0);
	CHECK(api.metadata == 1 && api.identities == 1);
	expect_subject(source, "google-workload-identity", "machine@p");
	id_token_source_free(source);
	source = source_of((struct id_token_options){.signer_account = "signer@p"});
	expect_subject(source, "google-impersonate", "signer@p");
	id_token_source_free(source);
	api.without_flavor = true;
	expect_once((struct id_token_options){0}, ERR_AUTH, "does not name itself Google's");
	api.without_flavor = false;
	api.without_account = true;
	expect_once((struct id_token_options){0}, ERR_AUTH, "has no service account");
	unsetenv("GCE_METADATA_HOST");
	setenv("NO_GCE_CHECK", "true", 1);
	CHECK(!api.complaint[0]);
}

static void test_bad_answers_of_google(void)
{
	static const char flavor[] = "Metadata-Flavor: Google\r\n";
	static const struct {
		const char *body;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{"", ERR_AUTH, "the answer is no token"},
		{"two words-hidden", ERR_AUTH, "the answer is no token"},
		{"\xc3\xa4hidden", ERR_AUTH, "the answer is no token"},
		{"hidden", ERR_INVALID, "not an identity token"},
		{"{\"token\":\"hidden\"}", ERR_INVALID, "not an identity token"},
	};
	static const char *const answers[] = {"", "{", "[]", "{\"id_token\":7}",
		"{\"id_token\":\"\"}", "{\"id_token\":\"a\\r\\nhidden\"}",
		"{\"access_token\":\"hidden\"}", "{\"id_token\":null}"};
	char host[32];
	/* What an earlier 429 of the same server asked for is over. */
	time_offset_ms += 60 * 1000;
	snprintf(host, sizeof(host), "127.0.0.1:%u", tiny_server_port(service));
	unsetenv("NO_GCE_CHECK");
	setenv("GCE_METADATA_HOST", host, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget_world();
		answer(200, flavor, cases[i].body);
		expect_once((struct id_token_options){0}, cases[i].kind, cases[i].says);
	}
	/* Only what names itself Google's is read. */
	CLEANUP(mem_freep) char *jwt = token_for("stranger", 600);
	answer(200, "", jwt);
	expect_once((struct id_token_options){0}, ERR_AUTH, "does not name itself Google's");
	unsetenv("GCE_METADATA_HOST");
	setenv("NO_GCE_CHECK", "true", 1);

	use_credentials(google_api_service_account(&api, tiny_server_url(service)));
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		forget_world();
		answer(200, "", answers[i]);
		expect_once((struct id_token_options){0}, ERR_AUTH, "the answer holds no token");
	}
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
}

/* ---- The whole ---- */

static void prepare(void)
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

int main(void)
{
	prepare();
	test_one_request_in_flight();
	test_stopping();
	test_buildkite();
	test_order();
	test_bad_answers();
	test_secrets_go_where_they_belong();
	test_credentials_of_google();
	test_impersonation();
	test_the_metadata_server();
	test_bad_answers_of_google();
	http_free(http);
	tiny_server_free(google);
	tiny_server_free(service);
	tiny_server_free(stranger);
	google_api_release(&api);
	log_set_sink(NULL, NULL);
	fs_remove_tree(directory, NULL);
	return 0;
}
