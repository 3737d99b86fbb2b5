/* cosign's payload: the bytes that Go makes, and what is read of those that others made. */
#include <criterion/criterion.h>
#include <string.h>

#include "signer/payload.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct digest digest_a(void)
{
	struct digest digest;

	cr_assert(digest_parse(DIGEST_A, &digest, NULL));
	return digest;
}

static void expect_optional(
	const struct payload_annotation *annotations, size_t count, const char *wanted)
{
	CLEANUP(str_release) struct str out = STR_INIT(PAYLOAD_MAX_SIZE);
	struct digest digest = digest_a();
	CLEANUP(mem_freep)
	char *all = mem_printf(
		"{\"critical\":{\"identity\":{\"docker-reference\":\"a.b/c\"},\"image\":{\"docker-"
		"manifest-digest\":\"" DIGEST_A
		"\"},\"type\":\"cosign container image signature\"},"
		"\"optional\":%s}",
		wanted);

	payload_write("a.b/c", &digest, annotations, count, &out);
	cr_assert_str_eq(str_text(&out), all);
}

Test(payload, check_value)
{
	CLEANUP(str_release) struct str out = STR_INIT(PAYLOAD_MAX_SIZE);
	struct digest digest = digest_a();
	char text[DIGEST_TEXT_SIZE];

	payload_write("registry.k8s.io/pause", &digest, NULL, 0, &out);
	struct digest actual = digest_of(DIGEST_SHA256, str_text(&out), out.len);
	cr_assert_eq(out.len, 237);
	cr_assert_str_eq(digest_format(&actual, text),
		"sha256:4540e57189d7201a64642af1547f7a9cf9ccf56b48c7a7f6dbf66755e4bd48a0");
}

Test(payload, annotations_are_sorted)
{
	const struct payload_annotation annotations[] = {
		{"org.kubernetes.kpromo.version", "v4.4.0"}, {"a", ""}, {"B", "x"}};

	expect_optional(annotations, 3,
		"{\"B\":\"x\",\"a\":\"\",\"org.kubernetes.kpromo.version\":\"v4.4.0\"}");
	expect_optional(NULL, 0, "null");
}

Test(payload, escapes_as_go_does)
{
	const struct payload_annotation annotation = {"<&>",
		"\"\\\b\f\n\r\t\x01\x1f\x7f/ \xc3\xa9 \xe2\x80\xa8\xe2\x80\xa9 \xf0\x9f\x98\x80"};

	expect_optional(&annotation, 1,
		"{\"\\u003c\\u0026\\u003e\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f/ \xc3\xa9 "
		"\\u2028\\u2029 \xf0\x9f\x98\x80\"}");
}

/* Go replaces each byte that is no UTF-8. */
Test(payload, replaces_what_is_no_utf8)
{
	const struct payload_annotation annotation = {
		"k", "\xff|\xc0\x80|\xed\xa0\x80|\xe2\x82|\xf4\x90\x80\x80|\xf5\x80\x80\x80|\xc3"};

	expect_optional(&annotation, 1,
		"{\"k\":\"\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd|"
		"\\ufffd\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd\\ufffd|\\ufffd\"}");
}

Test(payload, reads_what_it_writes)
{
	CLEANUP(str_release) struct str out = STR_INIT(PAYLOAD_MAX_SIZE);
	CLEANUP(payload_release) struct payload payload = {0};
	const struct payload_annotation annotation = {"k", "v"};
	struct digest digest = digest_a();

	payload_write("registry.k8s.io/a<b", &digest, &annotation, 1, &out);
	cr_assert(payload_parse(str_text(&out), out.len, &payload, NULL));
	cr_assert_str_eq(payload.docker_reference, "registry.k8s.io/a<b");
	cr_assert(digest_equal(&payload.digest, &digest));
}

#define IDENTITY "\"identity\":{\"docker-reference\":\"a.b/c\"}"
#define IMAGE "\"image\":{\"docker-manifest-digest\":\"" DIGEST_A "\"}"
#define TYPE "\"type\":\"cosign container image signature\""

static void expect_refusal(const char *text, enum err_kind kind)
{
	struct payload payload = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(payload_parse(text, strlen(text), &payload, &err), "%.200s", text);
	cr_assert_eq(err->kind, kind, "%s", err->msg);
	cr_assert_null(payload.docker_reference);
}

Test(payload, refuses)
{
	static const char *const texts[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"critical\":[]}",
		"{\"critical\":{" IDENTITY "," IMAGE "}}",
		"{\"critical\":{" IDENTITY "," TYPE "}}",
		"{\"critical\":{" IMAGE "," TYPE "}}",
		"{\"critical\":{" IDENTITY "," IMAGE ",\"type\":\"atomic container signature\"}}",
		"{\"critical\":{" IDENTITY "," IMAGE ",\"type\":1}}",
		"{\"critical\":{" IDENTITY
		",\"image\":{\"docker-manifest-digest\":\"sha256:aa\"}," TYPE "}}",
		"{\"critical\":{" IDENTITY "," IMAGE "," TYPE "}} x",
		"{\"critical\":{" IDENTITY "," IMAGE "," TYPE "},\"critical\":{" IDENTITY "," IMAGE
		"," TYPE "}}",
		"{\"critical\":{" IDENTITY "," IDENTITY "," IMAGE "," TYPE "}}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_refusal(texts[i], ERR_INVALID);
}

Test(payload, refuses_huge_and_deep)
{
	CLEANUP(mem_freep) char *huge = mem_new(PAYLOAD_MAX_SIZE + 2, 1);
	CLEANUP(mem_freep) char *deep = mem_new(PAYLOAD_MAX_SIZE + 1, 1);

	memset(huge, ' ', PAYLOAD_MAX_SIZE + 1);
	expect_refusal(huge, ERR_TOO_LARGE);
	memset(deep, '[', PAYLOAD_MAX_SIZE);
	expect_refusal(deep, ERR_TOO_LARGE);
}
