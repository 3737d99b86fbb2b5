/* Identity tokens of Google's service accounts: each kind of credentials, impersonation, the machine. */
#include <string.h>

#include "tests/threads/id_token_fixture.h"

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

int main(void)
{
	fixture_open();
	test_credentials_of_google();
	test_impersonation();
	test_the_metadata_server();
	test_bad_answers_of_google();
	fixture_close();
	return 0;
}
