/* cli/login_table.h */
#include "cli/login_table.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Literals where the program has memory of its own. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct err tls_error = {
	.kind = ERR_TLS, .msg = TEXT("certificate \x1b[31m signed by nobody")};

static struct access_row rows[] = {
	{.registry = "a.example/images",
		.repository = TEXT("a.example/images/web"),
		.images = 3,
		.access = {.is_reached = true, .pull = {ACCESS_GRANTED, 404, TEXT("status 404")}}},
	{.registry = "b.example/prod",
		.is_destination = true,
		.is_part = true,
		.repository = TEXT("b.example/prod/web"),
		.images = 1,
		.access =
			{
				.credential = TEXT("/a/file"),
				.is_reached = true,
				.pull = {ACCESS_GRANTED, 404, TEXT("status 404")},
				.push = {ACCESS_REFUSED, 403, TEXT("status 403: DENIED")},
			}},
	{.registry = "c.example",
		.is_destination = true,
		.repository = TEXT("c.example/web"),
		.images = 1,
		.access = {.err = &tls_error}},
};
static const struct access_check check = {.rows = {rows, 3, 3}, .left_out = 2};

Test(login_table, text)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	static const char wanted[] =
		"REGISTRY            SIDE         CREDENTIALS  PULL         PUSH\n"
		"a.example/images    source       none         granted      -\n"
		"b.example/prod/web  destination  /a/file      granted      refused\n"
		"c.example           destination  none         not reached  not reached\n"
		"\n"
		"b.example/prod/web (destination)\n"
		"  push refused: status 403: DENIED\n"
		"  renew the credentials of /a/file if they have expired, or give their account "
		"the right to push to b.example/prod/web\n"
		"\n"
		"c.example (destination)\n"
		"  certificate \\x1b[31m signed by nobody\n"
		"  if the certificate is right, trust it: \"ca\" of the registry in cip.yaml "
		"(--config), or SSL_CERT_FILE\n";

	login_table_text(&check, &text);
	cr_assert_str_eq(str_text(&text), wanted);
}

Test(login_table, nothing_declared)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	static const struct access_check none;

	login_table_text(&none, &text);
	cr_assert_str_eq(str_text(&text), "the manifests declare nothing that could be promoted\n");
}

Test(login_table, json)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	static const char start[] = "{\"version\":1,\"interrupted\":false,\"projects_left_out\":2,"
				    "\"registries\":[\n{\"registry\":\"a.example/images\","
				    "\"side\":\"source\",\"repository\":\"a.example/images/web\","
				    "\"images\":3,\"credentials\":null,";

	cr_assert(login_table_json(&check, out));
	fclose(out);
	cr_assert_eq(strncmp(text, start, sizeof(start) - 1), 0, "%s", text);
	cr_assert_not_null(strstr(text, "\"push\":null,\"suffices\":true,\"advice\":null}"));
	cr_assert_not_null(strstr(text,
		"\"push\":{\"right\":\"refused\",\"status\":403,\"said\":\"status 403: DENIED\"}"));
	cr_assert_not_null(strstr(text, "\"error_kind\":\"tls\""));
	cr_assert_null(strchr(text, '\x1b'));
	free(text);
}
