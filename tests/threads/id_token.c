/*
 * Identity tokens with many threads, and the services that give them to jobs: which answer well,
 * badly, or for another.
 */
#include <string.h>
#include <unistd.h>

#include "tests/fakes/jwt_text.h"
#include "tests/threads/id_token_fixture.h"

/* ---- One request for all, and the next in time ---- */

static void test_one_request_in_flight(void)
{
	forget_world();
	use_github();
	struct id_token_source *source = source_of((struct id_token_options){0});
	CHECK(work_together(source, "job-1") == 0);
	CHECK(world.requests == 1);
	move_clock(539);
	CHECK(work_together(source, "job-1") == 0);
	CHECK(world.requests == 1);
	/* Less than what is wanted is left: one of them fetches the next. */
	move_clock(2);
	CHECK(work_together(source, "job-2") == 0);
	CHECK(world.requests == 2);
	/* While none can be had the last one does, as long as it lives. */
	move_clock(580);
	answer(403, "", "{\"message\":\"hidden\"}");
	CHECK(work_together(source, "job-2") == 0);
	CHECK(world.requests > 2);
	move_clock(20);
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
	CLEANUP(cancel_freep) struct cancel *cancel = cancel_new();
	const struct http_options options = {.cancel = cancel, .attempts = 1};
	struct worker workers[THREADS] = {0};
	forget_world();
	use_github();
	world.stalls = true;
	struct http *http = http_new(&options, NULL);
	struct id_token_source *source = source_of((struct id_token_options){.http = http});
	workers_start(workers, source);
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
	answer_life(-5);
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

int main(void)
{
	fixture_open();
	test_one_request_in_flight();
	test_stopping();
	test_buildkite();
	test_order();
	test_bad_answers();
	test_secrets_go_where_they_belong();
	fixture_close();
	return 0;
}
