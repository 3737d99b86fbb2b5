#include <criterion/criterion.h>
#include <string.h>

#include "registry/auth_google_private.h"

#define SOURCE(text)                                                                               \
	"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"t\","          \
	"\"token_url\":\"https://sts.googleapis.com/v1/token\",\"credential_source\":" text "}"

static void expect_unusable(const char *text, const char *says)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct google_file file;
	cr_assert_not(google_file_parse(text, strlen(text), &file, &err), "%s", text);
	cr_expect(err_is(err, ERR_INVALID));
	cr_expect(strstr(err->msg, says), "%s: %s", text, err->msg);
	cr_expect_null(strstr(err->msg, "hunter2"), "%s", err->msg);
}

static void expect_file(const char *text, struct google_file *ret_file)
{
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert(google_file_parse(text, strlen(text), ret_file, &err), "%s: %s", text,
		err ? err->msg : "");
}

Test(google, where_secrets_may_go)
{
	static const char *const good[] = {"https://oauth2.googleapis.com/token",
		"https://www.googleapis.com/oauth2/v4/token",
		"https://accounts.google.com/o/oauth2/token",
		"https://sts.googleapis.com:443/v1/token",
		"https://iamcredentials-x.p.googleapis.com/v1", "http://127.0.0.1:80/token",
		"http://localhost:9/x", "https://127.0.0.1/x", "http://[::1]:80/x"};
	static const char *const bad[] = {"http://oauth2.googleapis.com/token",
		"https://googleapis.com.evil.example/token", "https://evilgoogleapis.com/token",
		"https://oauth2.googleapis.com@evil.example/",
		"https://oauth2.googleapis.com.evil/", "https://oauth2.googleapis.com:8443/",
		"https://google.com/", "https://evil.example/", "http://10.0.0.1/token",
		"http://169.254.169.254/token", "ftp://x.googleapis.com/",
		"https://evil.example/.googleapis.com", "https://evil.example#.googleapis.com", ""};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect(google_url_takes_secrets(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(google_url_takes_secrets(bad[i]), "%s", bad[i]);
}

Test(google, accounts)
{
	cr_expect(google_account_is_valid("a-b.c_d@p-1.iam.gserviceaccount.com"));
	static const char *const bad[] = {"", "a", "@p", "a@", "a@p@q", "a/b@p", "a@p:x", "a@p/..",
		"a%2f@p", "a b@p", "a@p\n", "a@p?x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(google_account_is_valid(bad[i]), "%s", bad[i]);
}

Test(google, what_is_not_said_has_its_default)
{
	CLEANUP(google_file_release) struct google_file file = {0};
	expect_file("{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"s\","
		    "\"refresh_token\":\"r\"}",
		&file);
	cr_expect_str_eq(file.token_url, "https://oauth2.googleapis.com/token");
	cr_expect_str_eq(file.impersonation_url, "");
}

Test(google, external_accounts)
{
	CLEANUP(google_file_release) struct google_file file = {0};
	expect_file(
		SOURCE("{\"url\":\"https://token.example/x?y\",\"headers\":{\"A\":\"b\"},"
		       "\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"value\"}}"),
		&file);
	cr_expect_eq(file.headers.len, 1);
	cr_expect_str_eq(file.subject_field, "value");
	cr_expect_eq(file.impersonation_life_s, 3600);
}

Test(google, what_cannot_be_used_is_refused_with_the_way_out)
{
	expect_unusable(SOURCE("{\"environment_id\":\"aws1\",\"url\":\"http://169.254.169.254/\"}"),
		"from AWS is not supported: use gcloud instead");
	expect_unusable(SOURCE("{\"executable\":{\"command\":\"/bin/sh -c hunter2\"}}"),
		"by an executable or a certificate is not supported");
	expect_unusable(
		SOURCE("{\"file\":\"/a\",\"url\":\"https://b\"}"), "neither a file nor a URL");
	expect_unusable(SOURCE("{}"), "neither a file nor a URL");
	expect_unusable(SOURCE("{\"url\":\"http://token.example/\"}"), "is no https URL");
	expect_unusable(SOURCE("{\"url\":\"https://a/\",\"headers\":{\"A\":\"b\\r\\nX: y\"}}"),
		"\"headers\" is not usable");
	expect_unusable(SOURCE("{\"url\":\"https://a/\",\"headers\":{\"A:\":\"b\"}}"),
		"\"headers\" is not usable");
	expect_unusable(SOURCE("{\"file\":\"/a\",\"format\":{\"type\":\"json\"}}"),
		"neither text nor json");
	expect_unusable(
		"{\"type\":\"gdch_service_account\"}", "\"type\" is none that is supported");
	expect_unusable("{\"type\":\"service_account\",\"universe_domain\":\"u.example\"}",
		"only Google's public cloud");
	expect_unusable("{\"type\":\"service_account\",\"client_email\":\"a@b\"}",
		"\"private_key\" is missing");
	expect_unusable(
		"{\"type\":\"service_account\",\"client_email\":7}", "\"client_email\" is no text");
	expect_unusable("{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":"
			"\"hunter2\",\"refresh_token\":\"hunter2\",\"token_uri\":"
			"\"https://evil.example/\"}",
		"\"token_uri\" is no https URL of one of Google's hosts");
	expect_unusable("{\"auths\":{}}", "not a file of Google's credentials");
	expect_unusable("{\"type\":\"hunter2", "malformed JSON");
	expect_unusable("[]", "not a file of Google's credentials");
	expect_unusable("{\"type\":\"impersonated_service_account\","
			"\"service_account_impersonation_url\":\"https://evil.example/\"}",
		"is no https URL of one of Google's hosts");
	/* One account stands behind another, not a chain of any length. */
	expect_unusable("{\"type\":\"impersonated_service_account\","
			"\"service_account_impersonation_url\":\"https://x.googleapis.com/\","
			"\"source_credentials\":{\"type\":\"impersonated_service_account\"}}",
		"\"source_credentials\": \"type\" is none that is supported");
}

Test(google, keys_that_are_none)
{
	static const char *const keys[] = {"", "hunter2", "-----BEGIN PRIVATE KEY-----\n",
		/* P-256 */
		"-----BEGIN PRIVATE KEY-----\n"
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
		"OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
		"1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
		"-----END PRIVATE KEY-----\n"};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		CLEANUP(err_freep) struct err *err = NULL;
		char *jwt;
		cr_assert_not(google_sign(keys[i], "{}", "{}", &jwt, &err));
		cr_expect(strstr(err->msg, "is no RSA key"), "%s", err->msg);
	}
}

Test(google, subject_tokens)
{
	static const struct {
		const char *text, *field, *token;
	} cases[] = {{"abc\n", "", "abc"}, {"{\"value\":\"abc\"}", "value", "abc"},
		{"{\"other\":\"abc\"}", "value", NULL}, {"", "", NULL}, {"\n", "", NULL},
		{"abc", "value", NULL}, {"{\"value\":\"\"}", "value", NULL}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *token = NULL;
		bool ok = google_subject_parse(
			cases[i].text, strlen(cases[i].text), cases[i].field, &token, NULL);
		cr_expect_eq(ok, cases[i].token != NULL, "%s", cases[i].text);
		if (ok)
			cr_expect_str_eq(token, cases[i].token);
		mem_free(token);
	}
}
