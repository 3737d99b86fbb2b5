#include "registry/refusal.h"

#include <criterion/criterion.h>
#include <string.h>

static struct err *refuse(int status, const char *body, const char *elsewhere)
{
	struct err *err = NULL;
	struct refusal refusal = {
		.what = "GET r.example/a/manifests/v1",
		.host = "r.example",
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.elsewhere = elsewhere,
	};
	cr_assert_not(refusal_set(&refusal, &err));
	cr_assert_eq(err->http, status);
	cr_assert(strstr(err->msg, refusal.what), "%s", err->msg);
	return err;
}

static void expect(int status, const char *body, enum err_kind kind, const char *text)
{
	CLEANUP(err_freep) struct err *err = refuse(status, body, NULL);
	cr_assert_eq(err->kind, kind, "%s is %s", err->msg, err_kind_name(err->kind));
	cr_assert(strstr(err->msg, text), "'%s' does not say '%s'", err->msg, text);
}

#define CODE(code) "{\"errors\":[{\"code\":\"" code "\",\"message\":\"why not\",\"detail\":{}}]}"

Test(refusal, statuses)
{
	expect(400, "", ERR_INVALID, "status 400");
	expect(404, "", ERR_NOT_FOUND, "status 404");
	expect(405, "", ERR_UNSUPPORTED, "");
	expect(408, "", ERR_TRANSIENT, "");
	expect(409, "", ERR_CONFLICT, "");
	expect(413, "", ERR_TOO_LARGE, "");
	expect(429, "", ERR_THROTTLED, "");
	expect(500, "", ERR_TRANSIENT, "");
	expect(503, "", ERR_TRANSIENT, "");
	expect(304, "", ERR_INVALID, "");
}

Test(refusal, foreign_layers_are_named)
{
	expect(500, CODE("MANIFEST_BLOB_UNKNOWN"), ERR_UNSUPPORTED, "urls.allow");
	expect(503, CODE("MANIFEST_BLOB_UNKNOWN"), ERR_TRANSIENT, "why not");
	expect(500, CODE("UNKNOWN"), ERR_TRANSIENT, "why not");
}

Test(refusal, refused_access_says_what_to_do)
{
	expect(401, CODE("UNAUTHORIZED"), ERR_AUTH, "r.example refused anonymous access");
	expect(403, "", ERR_AUTH, "docker login r.example");
	for (int withheld = 0; withheld < 2; withheld++) {
		struct refusal refusal = {.what = "GET r.example/a",
			.host = "r.example",
			.status = 403,
			.body = "",
			.credential = "/home/me/auth.json",
			.is_withheld = withheld};
		CLEANUP(err_freep) struct err *err = NULL;
		cr_assert_not(refusal_set(&refusal, &err));
		cr_expect(err_is(err, ERR_AUTH) && strstr(err->msg, "/home/me/auth.json"));
		cr_expect_eq(strstr(err->msg, "were not sent") != NULL, withheld, "%s", err->msg);
	}
}

Test(refusal, codes_go_before_400_and_404_only)
{
	expect(400, CODE("MANIFEST_BLOB_UNKNOWN"), ERR_NOT_FOUND, "MANIFEST_BLOB_UNKNOWN: why not");
	expect(404, CODE("DENIED"), ERR_AUTH, "DENIED: why not");
	expect(400, CODE("DIGEST_INVALID"), ERR_DIGEST, "");
	expect(400, CODE("SOMETHING_NEW"), ERR_INVALID, "SOMETHING_NEW: why not");
	/* "No such name" of somebody who may not look is no proof of absence. */
	expect(403, CODE("NAME_UNKNOWN"), ERR_AUTH, "NAME_UNKNOWN");
	expect(503, CODE("MANIFEST_UNKNOWN"), ERR_TRANSIENT, "");
}

Test(refusal, immutable_tags_are_conflicts)
{
	expect(400,
		"{\"errors\":[{\"code\":\"TAG_INVALID\",\"message\":\"The image tag is "
		"immutable\"}]}",
		ERR_CONFLICT, "immutable");
	expect(412, "", ERR_CONFLICT, "");
}

Test(refusal, bodies_of_any_kind)
{
	expect(500, "<html><body>nginx</body></html>", ERR_TRANSIENT, "status 500");
	CLEANUP(err_freep) struct err *html = refuse(500, "<html>nginx</html>", NULL);
	cr_assert_null(strstr(html->msg, "nginx"));
	expect(404, "404 page not found\n", ERR_NOT_FOUND, "status 404: 404 page not found");
	expect(400, "{\"errors\":{}}", ERR_INVALID, "");
	expect(400, "{\"errors\":[1,null,{\"code\":5}]}", ERR_INVALID, "");
	expect(400, "[", ERR_INVALID, "");
}

Test(refusal, several_errors_and_length)
{
	expect(400,
		"{\"errors\":[{\"code\":\"A\",\"message\":\"a\"},{\"code\":\"B\"},{\"message\":"
		"\"c\"},"
		"{\"code\":\"D\"}]}",
		ERR_INVALID, "A: a; B; error: c");
	char body[5000];
	memset(body, 'x', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	CLEANUP(err_freep) struct err *err = refuse(400, body, NULL);
	cr_assert_lt(strlen(err->msg), 400);
}

Test(refusal, storage_does_not_speak_for_the_registry)
{
	CLEANUP(err_freep) struct err *err = refuse(404, "<Error/>", "storage.example");
	cr_assert_eq(err->kind, ERR_TRANSIENT);
	cr_assert(strstr(err->msg, "storage.example"), "%s", err->msg);
	CLEANUP(err_freep)
	struct err *own = refuse(404, CODE("MANIFEST_UNKNOWN"), "mirror.example");
	cr_assert_eq(own->kind, ERR_NOT_FOUND);
}
