#include <criterion/criterion.h>
#include <string.h>

#include "registry/credentials_private.h"

static struct credential_file parse(const char *text)
{
	struct credential_file file = {0};
	struct err *err = NULL;
	cr_assert(credential_file_parse(text, strlen(text), "FILE", &file, &err), "%s",
		err ? err->msg : "");
	return file;
}

static void expect(const char *text, const char *host, const char *path, const char *wanted)
{
	CLEANUP(credential_file_release) struct credential_file file = parse(text);
	const struct credential_entry *entry = credential_file_entry(&file, host, path);
	CLEANUP(mem_freep)
	char *found = entry ? mem_printf("%d %s:%s", entry->kind, entry->username, entry->secret)
			    : mem_strdup("none");
	cr_expect_str_eq(found, wanted, "%s: %s", text, found);
}

static void expect_refused(const char *text, const char *says)
{
	struct credential_file file = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert_not(credential_file_parse(text, strlen(text), "FILE", &file, &err), "%s", text);
	cr_assert(err_is(err, ERR_USAGE));
	cr_assert(strstr(err->msg, says), "%s", err->msg);
	cr_assert_not(strstr(err->msg, "hidden"), "%s", err->msg);
}

/* base64 of a:b, u:p:q, "u:p\0\0" */
#define A_B "YTpi"
#define U_PQ "dTpwOnE="
#define U_P0 "dTpwAAA="

Test(credentials_file, auths)
{
	expect("{\"auths\":{\"r.example\":{\"auth\":\"" A_B "\"}}}", "r.example", "x", "1 a:b");
	expect("{\"auths\":{\"r.example\":{\"auth\":\"" U_PQ "\"}}}", "r.example", "x", "1 u:p:q");
	expect("{\"auths\":{\"r.example\":{\"auth\":\"" U_P0 "\"}}}", "r.example", "x", "1 u:p");
	expect("{\"auths\":{\"r.example\":{\"username\":\"u\",\"password\":\"p\"}}}", "r.example",
		"x", "1 u:p");
	expect("{\"auths\":{\"r.example\":{\"auth\":\"" A_B "\",\"identitytoken\":\"t\"}}}",
		"r.example", "x", "2 a:t");
	expect("{\"auths\":{\"r.example\":{\"registrytoken\":\"t\"}}}", "r.example", "x", "3 :t");
	expect("{\"auths\":{\"r.example\":{}}}", "r.example", "x", "none");
	expect("{\"auths\":{\"r.example\":{\"auth\":\"" A_B "\"}}}", "other.example", "x", "none");
	expect("{}", "r.example", "x", "none");
}

Test(credentials_file, keys)
{
	static const char *const same[] = {"r.example", "https://r.example", "http://r.example/v1/",
		"R.Example", "r.example/v2/", "https://r.example/anything"};
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		CLEANUP(mem_freep)
		char *text = mem_printf("{\"auths\":{\"%s\":{\"auth\":\"" A_B "\"}}}", same[i]);
		expect(text, "r.example", "x", "1 a:b");
	}
	expect("{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"" A_B "\"}}}", "docker.io",
		"library/x", "1 a:b");
	expect("{\"auths\":{\"r.example:5000\":{\"auth\":\"" A_B "\"}}}", "r.example", "x", "none");
	/* Keys of tools for other things do not make a file useless. */
	expect("{\"auths\":{\"not a host\":{\"auth\":\"" A_B "\"}}}", "r.example", "x", "none");
}

Test(credentials_file, most_specific)
{
	const char *text = "{\"auths\":{\"r.example\":{\"auth\":\"" A_B "\"},"
			   "\"r.example/ns\":{\"username\":\"ns\",\"password\":\"1\"},"
			   "\"r.example/ns/repo\":{\"username\":\"repo\",\"password\":\"2\"}}}";
	expect(text, "r.example", "ns/repo", "1 repo:2");
	expect(text, "r.example", "ns/repo/sub", "1 repo:2");
	expect(text, "r.example", "ns/repository", "1 ns:1");
	expect(text, "r.example", "nsx", "1 a:b");
}

Test(credentials_file, helpers)
{
	CLEANUP(credential_file_release)
	struct credential_file file =
		parse("{\"credsStore\":\"desktop\",\"credHelpers\":{\"gcr.io\":\"gcloud\"}}");
	cr_expect_str_eq(credential_file_helper(&file, "gcr.io"), "gcloud");
	cr_expect_str_eq(credential_file_helper(&file, "r.example"), "desktop");
	expect_refused("{\"credsStore\":\"../x\"}", "credsStore");
	expect_refused("{\"credHelpers\":{\"gcr.io\":\"a b\"}}", "credHelpers");
	expect_refused("{\"credHelpers\":{\"gcr.io\":1}}", "credHelpers");
	cr_expect_not(credential_helper_name_is_valid(""));
	cr_expect_not(credential_helper_name_is_valid("x/y"));
	cr_expect(credential_helper_name_is_valid("ecr-login_1.x"));
}

Test(credentials_file, malformed)
{
	expect_refused("", "FILE:1:");
	expect_refused("{\"hidden\":", "FILE:1:");
	expect_refused("[]", "expected an object");
	expect_refused("{\"auths\":[\"hidden\"]}", "expected an object");
	expect_refused("{\"auths\":{\"r.example\":\"hidden\"}}", "r.example");
	/* "hidden", no colon; not base64; an empty name */
	expect_refused("{\"auths\":{\"r.example\":{\"auth\":\"aGlkZGVu\"}}}", "r.example");
	expect_refused("{\"auths\":{\"r.example\":{\"auth\":\"hidden!\"}}}", "r.example");
	expect_refused("{\"auths\":{\"r.example\":{\"auth\":\"OmhpZGRlbg==\"}}}", "r.example");
}
