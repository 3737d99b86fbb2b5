#include "registry/auth_token.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect(const char *json, const char *token, int64_t life_ms)
{
	char *found = NULL;
	int64_t life = 0;
	struct err *err = NULL;
	cr_assert(auth_token_parse(json, strlen(json), &found, &life, &err), "%s", json);
	cr_expect_str_eq(found, token);
	cr_expect_eq(life, life_ms, "%s: %lld", json, (long long)life);
	mem_free(found);
}

static void expect_refused(const char *json, size_t len)
{
	char *found = NULL;
	int64_t life = 0;
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert_not(auth_token_parse(json, len, &found, &life, &err), "%s", json);
	cr_assert(err_is(err, ERR_AUTH));
	cr_assert_not(strstr(err->msg, "secret"));
}

Test(auth_token, answers)
{
	expect("{\"token\":\"t\"}", "t", 60000);
	expect("{\"access_token\":\"t\",\"expires_in\":300}", "t", 300000);
	expect("{\"token\":\"\",\"access_token\":\"t\",\"expires_in\":1}", "t", 1000);
	expect("{\"token\":\"a\",\"access_token\":\"b\"}", "a", 60000);
}

Test(auth_token, lifetimes)
{
	expect("{\"token\":\"t\",\"expires_in\":0}", "t", 60000);
	expect("{\"token\":\"t\",\"expires_in\":-5}", "t", 60000);
	expect("{\"token\":\"t\",\"expires_in\":\"300\"}", "t", 60000);
	expect("{\"token\":\"t\",\"expires_in\":2.5}", "t", 2500);
	expect("{\"token\":\"t\",\"expires_in\":300000000000}", "t", AUTH_TOKEN_LIFE_MAX_MS);
	expect("{\"token\":\"t\",\"expires_in\":1e300}", "t", AUTH_TOKEN_LIFE_MAX_MS);
}

Test(auth_token, no_tokens)
{
	static const char *const bad[] = {"", "secret", "[]", "{}", "{\"token\":1}",
		"{\"token\":\"\"}", "{\"token\":\"secret\\r\\nX: y\"}", "{\"token\":\"se cret\"}",
		"{\"token\":\"secr\\u00e9t\"}", "{\"token\":\"secret\"} x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_refused(bad[i], strlen(bad[i]));
	CLEANUP(str_release) struct str large = STR_INIT(1 << 20);
	str_add_text(&large, "{\"token\":\"secret\"");
	while (large.len < AUTH_TOKEN_RESPONSE_MAX)
		str_add_char(&large, ' ');
	str_add_text(&large, "}");
	expect_refused(large.bytes, large.len);
}

Test(auth_token, basic)
{
	char *value = auth_basic("Aladdin", "open sesame");
	cr_assert_str_eq(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	mem_free_secret_string(value);
}
