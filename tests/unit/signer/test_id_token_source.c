#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "signer/id_token.h"
#include "tests/fakes/jwt_text.h"

static int64_t unix_ms_now(void *ctx)
{
	(void)ctx;
	return (int64_t)1800000000 * 1000;
}
static struct clock fixed;
static struct http *http;
static char directory[] = "/tmp/cip-id-token.XXXXXX";

/* Without anything that the machine which runs the tests may have. */
static void set_up(void)
{
	static const char *const variables[] = {"SIGSTORE_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITLAB_CI", "BUILDKITE_AGENT_ACCESS_TOKEN",
		"BUILDKITE_JOB_ID", "GOOGLE_SERVICE_ACCOUNT_NAME", "GCE_METADATA_HOST",
		"GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "SPIFFE_JWT_SVID_FILE",
		"SPIFFE_ENDPOINT_SOCKET"};
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	setenv("NO_GCE_CHECK", "true", 1);
	fixed = clock_system;
	fixed.unix_ms = unix_ms_now;
	cr_assert(mkdtemp(directory));
	setenv("HOME", directory, 1);
	http = http_new(&(struct http_options){0}, NULL);
	cr_assert(http);
}

static void tear_down(void)
{
	http_free(http);
	fs_remove_tree(directory, NULL);
}

TestSuite(id_token_source, .init = set_up, .fini = tear_down);

static char *token_of(const char *subject, int64_t expires)
{
	CLEANUP(mem_freep)
	char *claims = mem_printf("{\"iss\":\"https://i.example\",\"sub\":\"%s\","
				  "\"aud\":\"sigstore\",\"nbf\":1000,\"exp\":%jd}",
		subject, (intmax_t)expires);
	return jwt_text(JWT_TEXT_HEADER, claims);
}

static char *save(const char *name, const char *text)
{
	char *path = fs_join(directory, name);
	cr_assert(fs_write_atomic(path, text, strlen(text), 0600, NULL));
	return path;
}

static struct id_token_source *source_of(struct id_token_options options)
{
	struct err *err = NULL;
	options.http = http;
	options.clock = &fixed;
	struct id_token_source *source = id_token_source_new(&options, &err);
	cr_assert(source, "%s", err->msg);
	return source;
}

static void expect_subject(struct id_token_source *source, const char *subject)
{
	CLEANUP(id_token_freep) struct id_token *token = NULL;
	struct err *err = NULL;
	cr_assert(id_token_source_get(source, 60, &token, &err), "%s", err->msg);
	cr_expect_str_eq(token->subject, subject);
}

static void expect_error(struct id_token_source *source, enum err_kind kind, const char *says)
{
	struct id_token *token = NULL;
	struct err *err = NULL;
	cr_assert(!id_token_source_get(source, 60, &token, &err));
	cr_expect_eq(err->kind, kind, "%s: %s", err_kind_name(err->kind), err->msg);
	cr_expect(strstr(err->msg, says), "%s", err->msg);
	cr_expect(!strstr(err->msg, "secret"), "%s", err->msg);
	err_free(err);
}

static void expect_usage(struct id_token_options options, const char *says)
{
	struct err *err = NULL;
	cr_assert_null(id_token_source_new(&options, &err));
	cr_expect_eq(err->kind, ERR_USAGE);
	cr_expect(strstr(err->msg, says), "%s", err->msg);
	err_free(err);
}

Test(id_token_source, a_token_or_a_file_by_name)
{
	CLEANUP(mem_freep) char *jwt = token_of("literal", 1800000600);
	CLEANUP(mem_freep) char *other = token_of("rotated", 1800009000);
	CLEANUP(mem_freep) char *path = save("token.v1.jwt", jwt);
	struct id_token_source *source = source_of((struct id_token_options){.token = jwt});
	cr_expect_null(id_token_source_provider(source));
	expect_subject(source, "literal");
	cr_expect_str_eq(id_token_source_provider(source), "identity-token");
	id_token_source_free(source);

	source = source_of((struct id_token_options){.token = path});
	expect_subject(source, "literal");
	mem_free(save("token.v1.jwt", other));
	expect_subject(source, "rotated");
	/* While it is being replaced, or gone, the last one does. */
	mem_free(save("token.v1.jwt", ""));
	expect_subject(source, "rotated");
	unlink(path);
	expect_subject(source, "rotated");
	id_token_source_free(source);
	source = source_of((struct id_token_options){.token = directory});
	expect_error(source, ERR_IO, directory);
	id_token_source_free(source);
}

/* Who mistypes a token must not find it in a log. */
Test(id_token_source, what_is_neither_is_not_shown)
{
	struct id_token_source *source =
		source_of((struct id_token_options){.token = "secret.token"});
	expect_error(source, ERR_USAGE, "neither a token");
	id_token_source_free(source);
	/* Pasted with the word before it: no file may have so long a name, which is another error. */
	CLEANUP(str_release) struct str pasted = STR_INIT(4096);
	str_add_text(&pasted, "Bearer ");
	while (pasted.len < 1000)
		str_add_text(&pasted, "secret.");
	source = source_of((struct id_token_options){.token = str_text(&pasted)});
	expect_error(source, ERR_USAGE, "neither a token");
	id_token_source_free(source);
}

Test(id_token_source, a_token_that_ends_soon_is_better_than_none)
{
	CLEANUP(mem_freep) char *soon = token_of("soon", 1800000005);
	CLEANUP(mem_freep) char *past = token_of("past", 1800000000);
	struct id_token_source *source = source_of((struct id_token_options){.token = soon});
	expect_subject(source, "soon");
	id_token_source_free(source);
	source = source_of((struct id_token_options){.token = past});
	expect_error(source, ERR_AUTH,
		"identity token by identity-token: identity token of "
		"https://i.example: it expired at");
	id_token_source_free(source);
}

Test(id_token_source, a_variable)
{
	CLEANUP(mem_freep) char *jwt = token_of("variable", 1800000600);
	CLEANUP(mem_freep) char *given = token_of("given", 1800000600);
	setenv("SIGSTORE_ID_TOKEN", jwt, 1);
	struct id_token_source *source = source_of((struct id_token_options){0});
	expect_subject(source, "variable");
	cr_expect_str_eq(id_token_source_provider(source), "envvar");
	id_token_source_free(source);
	source = source_of((struct id_token_options){.provider = "envvar"});
	expect_subject(source, "variable");
	id_token_source_free(source);
	/* What is given goes first, and what is excluded is not looked at. */
	source = source_of((struct id_token_options){.token = given, .no_ambient = true});
	expect_subject(source, "given");
	id_token_source_free(source);
	source = source_of((struct id_token_options){.no_ambient = true});
	expect_error(source, ERR_NOT_FOUND, "--identity-token");
	id_token_source_free(source);
	setenv("SIGSTORE_ID_TOKEN", "secret", 1);
	source = source_of((struct id_token_options){0});
	expect_error(source, ERR_INVALID, "by envvar: not an identity token");
	id_token_source_free(source);
}

Test(id_token_source, nothing_is_there)
{
	setenv("SIGSTORE_ID_TOKEN", "", 1);
	struct id_token_source *source = source_of((struct id_token_options){0});
	expect_error(
		source, ERR_NOT_FOUND, "filesystem (/var/run/sigstore/cosign/oidc-token), github");
	expect_error(source, ERR_NOT_FOUND, "id-token: write");
	id_token_source_free(source);
	source = source_of((struct id_token_options){.provider = "envvar"});
	expect_error(
		source, ERR_NOT_FOUND, "by envvar: that is not there; it needs SIGSTORE_ID_TOKEN");
	id_token_source_free(source);
}

/* Any name that "id_tokens" of a job may have given it. */
Test(id_token_source, a_job_of_gitlab)
{
	CLEANUP(mem_freep) char *jwt = token_of("pipeline", 1800000600);
	CLEANUP(mem_freep) char *other = token_of("other", 1800000600);
	CLEANUP(mem_freep) char *past = token_of("past", 1);
	CLEANUP(mem_freep)
	char *vault = jwt_text(JWT_TEXT_HEADER,
		"{\"iss\":\"https://i.example\",\"sub\":\"v\","
		"\"aud\":\"vault\",\"exp\":1800000600}");
	setenv("MY_OIDC_TOKEN", jwt, 1);
	setenv("VAULT_ID_TOKEN", vault, 1);
	struct id_token_source *source = source_of((struct id_token_options){0});
	expect_error(source, ERR_NOT_FOUND, "gitlab (id_tokens with aud: sigstore)");
	id_token_source_free(source);
	setenv("GITLAB_CI", "true", 1);
	source = source_of((struct id_token_options){0});
	expect_subject(source, "pipeline");
	cr_expect_str_eq(id_token_source_provider(source), "gitlab");
	id_token_source_free(source);
	/* The same one twice is one; two are a question. */
	setenv("SAME_TOKEN", jwt, 1);
	source = source_of((struct id_token_options){.provider = "gitlab"});
	expect_subject(source, "pipeline");
	id_token_source_free(source);
	setenv("SAME_TOKEN", other, 1);
	source = source_of((struct id_token_options){.provider = "gitlab"});
	expect_error(source, ERR_USAGE, "name the one to use SIGSTORE_ID_TOKEN");
	id_token_source_free(source);
	unsetenv("SAME_TOKEN");
	setenv("MY_OIDC_TOKEN", past, 1);
	source = source_of((struct id_token_options){0});
	expect_error(source, ERR_AUTH,
		"by gitlab: identity token of https://i.example: it "
		"expired");
	id_token_source_free(source);
	unsetenv("MY_OIDC_TOKEN");
	source = source_of((struct id_token_options){.provider = "gitlab"});
	expect_error(source, ERR_NOT_FOUND, "id_tokens");
	id_token_source_free(source);
}

Test(id_token_source, spiffe)
{
	CLEANUP(mem_freep) char *jwt = token_of("spiffe://example.org/me", 1800000600);
	CLEANUP(mem_freep) char *path = save("svid.jwt", jwt);
	setenv("SPIFFE_ENDPOINT_SOCKET", "unix:///nonexistent.sock", 1);
	struct id_token_source *source = source_of((struct id_token_options){0});
	expect_error(source, ERR_UNSUPPORTED, "SPIFFE_JWT_SVID_FILE");
	id_token_source_free(source);
	setenv("SPIFFE_JWT_SVID_FILE", path, 1);
	source = source_of((struct id_token_options){.provider = "spiffe"});
	expect_subject(source, "spiffe://example.org/me");
	id_token_source_free(source);
}

Test(id_token_source, settings)
{
	expect_usage((struct id_token_options){.provider = "gitlab-ci"}, "\"gitlab-ci\"");
	expect_usage((struct id_token_options){.token = "f", .provider = "gitlab"}, "nothing for");
	expect_usage((struct id_token_options){.signer_account = "a@p", .provider = "gitlab"},
		"does not sign as a@p");
	expect_usage((struct id_token_options){.iam_endpoint = "https://iam.example"}, "Google's");
}
