#include "registry/auth_challenge.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *text(const char *value)
{
	return value ? value : "-";
}

/* `values` separated by "\n" are headers of their own. */
static void expect(const char *values, enum auth_scheme scheme, const char *realm,
	const char *service, const char *scope, const char *error)
{
	CLEANUP(auth_challenge_release) struct auth_challenge challenge = {0};
	for (const char *at = values; *at;) {
		size_t len = strcspn(at, "\n");
		CLEANUP(mem_freep) char *value = mem_strndup(at, len);
		auth_challenge_read(&challenge, value);
		at += len + (at[len] == '\n');
	}
	cr_expect_eq(challenge.scheme, scheme, "%s: scheme %d", values, challenge.scheme);
	cr_expect_str_eq(text(challenge.realm), realm, "%s", values);
	cr_expect_str_eq(text(challenge.service), service, "%s", values);
	cr_expect_str_eq(text(challenge.scope), scope, "%s", values);
	cr_expect_str_eq(text(challenge.error), error, "%s", values);
}

#define BEARER AUTH_SCHEME_BEARER
#define BASIC AUTH_SCHEME_BASIC
#define NONE AUTH_SCHEME_NONE

Test(auth_challenge, ordinary)
{
	expect("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
	       "scope=\"repository:a/b:pull,push repository:c:pull\",error=\"invalid_token\"",
		BEARER, "https://auth.docker.io/token", "registry.docker.io",
		"repository:a/b:pull,push repository:c:pull", "invalid_token");
	expect("Basic realm=\"basic-realm\"", BASIC, "basic-realm", "-", "-", "-");
	expect("Basic", BASIC, "-", "-", "-", "-");
}

Test(auth_challenge, spelling)
{
	expect("bEARER REALM = \"https://a/\" ,\t Service=x", BEARER, "https://a/", "x", "-", "-");
	expect("Bearer realm=\"a\\\"b\\\\c, d\"", BEARER, "a\"b\\c, d", "-", "-", "-");
	expect(",, Bearer realm=\"https://a/\",,service=\"s\",", BEARER, "https://a/", "s", "-",
		"-");
}

Test(auth_challenge, zot)
{
	expect("bearer realm=https://zot.example/token?a=b", BEARER,
		"https://zot.example/token?a=b", "-", "-", "-");
	expect("Bearer realm=\"https://z/token\",service=\"zot\",scope=\"\"", BEARER,
		"https://z/token", "zot", "-", "-");
}

Test(auth_challenge, several)
{
	expect("Basic realm=\"x\", Bearer realm=\"https://a/\",scope=\"s\"", BEARER, "https://a/",
		"-", "s", "-");
	expect("Bearer realm=\"https://a/\", Basic realm=\"x\"", BEARER, "https://a/", "-", "-",
		"-");
	expect("Negotiate, Basic realm=\"x\"", BASIC, "x", "-", "-", "-");
	expect("Negotiate abc/+==, Digest nonce=\"1\", qop=\"auth,int\", Basic realm=\"x\"", BASIC,
		"x", "-", "-", "-");
	expect("Basic realm=\"x\"\nBearer realm=\"https://a/\"", BEARER, "https://a/", "-", "-",
		"-");
	expect("Bearer realm=\"https://a/\"\nBearer realm=\"https://b/\"", BEARER, "https://a/",
		"-", "-", "-");
}

Test(auth_challenge, unusable)
{
	expect("", NONE, "-", "-", "-", "-");
	expect("Bearer", NONE, "-", "-", "-", "-");
	expect("Bearer service=\"x\"", NONE, "-", "-", "-", "-");
	expect("Bearer realm=\"\"", NONE, "-", "-", "-", "-");
	expect("Bearer realm=\"https://a/", NONE, "-", "-", "-", "-");
	expect("Bearer realm=\"https://a/\\", NONE, "-", "-", "-", "-");
	expect("Bearer realm=\"https://a/\" service=\"x\"", NONE, "-", "-", "-", "-");
	expect("Bearer realm=\"https://a/\",realm=\"https://b/\"", NONE, "-", "-", "-", "-");
	expect("Bearer realm=\"https://a/\x01\"", NONE, "-", "-", "-", "-");
	expect("\"Bearer\" realm=\"https://a/\"", NONE, "-", "-", "-", "-");
	expect("Bearer=\"x\"", NONE, "-", "-", "-", "-");
	/* What stands before the broken one is of use. */
	expect("Basic realm=\"x\", Bearer realm=\"https://a/", BASIC, "x", "-", "-", "-");
}
