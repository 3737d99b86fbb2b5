#include "registry/referrers_index.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define OCI_INDEX "\"mediaType\":\"application/vnd.oci.image.index.v1+json\""
#define ENTRY(hex) "{\"mediaType\":\"m\",\"digest\":\"sha256:" hex "\",\"size\":7}"

static struct digest parsed(const char *text)
{
	struct digest digest;
	cr_assert(digest_parse(text, &digest, NULL));
	return digest;
}

static bool read_text(
	struct referrers_set *set, const char *text, const char *type, struct err **err)
{
	return referrers_set_read(set, text, strlen(text), type, err);
}

Test(referrers_index, tag_of_a_subject)
{
	char tag[REFERRERS_TAG_SIZE];
	struct digest digest = parsed("sha256:" HEX_A);
	cr_assert_str_eq(referrers_tag(&digest, tag), "sha256-" HEX_A);
	digest = parsed("sha512:" HEX_A HEX_B);
	cr_assert_str_eq(referrers_tag(&digest, tag), "sha512-" HEX_A);
}

Test(referrers_index, reads_descriptors)
{
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	cr_assert(read_text(&set,
		"{\"schemaVersion\":2," OCI_INDEX ",\"manifests\":["
		"{\"mediaType\":\"m\",\"digest\":\"sha256:" HEX_A
		"\",\"size\":7,\"artifactType\":\"t/a\",\"annotations\":{\"k\":\"v\"}},"
		"{\"digest\":\"sha256:" HEX_B "\",\"size\":0}," ENTRY(HEX_A) "]}",
		NULL, NULL));
	cr_assert_eq(set.list.items.len, 2);
	const struct referrer *first = &set.list.items.items[0];
	cr_assert_str_eq(first->artifact_type, "t/a");
	cr_assert_str_eq(first->media_type, "m");
	cr_assert_eq(first->size, 7);
	cr_assert(strstr(first->json, "\"annotations\":{\"k\":\"v\"}"));
	cr_assert_str_eq(set.list.items.items[1].artifact_type, "");
	struct digest digest = parsed("sha256:" HEX_B);
	cr_assert(referrers_set_has(&set, &digest));
}

Test(referrers_index, passes_over_what_is_malformed)
{
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	cr_assert(read_text(&set,
		"{" OCI_INDEX ",\"manifests\":[1,null,\"x\",{},{\"digest\":7,\"size\":1},"
		"{\"digest\":\"sha256:zz\",\"size\":1},{\"digest\":\"blake3:" HEX_A
		"\",\"size\":1},{\"digest\":\"sha256:" HEX_A
		"\",\"size\":-1},{\"digest\":\"sha256:" HEX_A "\"}," ENTRY(HEX_B) "]}",
		NULL, NULL));
	cr_assert_eq(set.list.items.len, 1);
}

Test(referrers_index, filters_what_says_its_type)
{
	static const char text[] = "{\"manifests\":[{\"digest\":\"sha256:" HEX_A
				   "\",\"size\":1,\"artifactType\":\"t/a\"}," ENTRY(HEX_B) "]}";
	CLEANUP(referrers_set_release) struct referrers_set a = {0};
	CLEANUP(referrers_set_release) struct referrers_set b = {0};
	cr_assert(read_text(&a, text, "t/a", NULL));
	cr_assert_eq(a.list.items.len, 2);
	cr_assert(read_text(&b, text, "t/b", NULL));
	cr_assert_eq(b.list.items.len, 1);

	/* What a registry lists for want of a type. */
	CLEANUP(referrers_set_release) struct referrers_set c = {0};
	cr_assert(read_text(&c,
		"{\"manifests\":[{\"digest\":\"sha256:" HEX_A
		"\",\"size\":1,\"artifactType\":\"application/vnd.oci.empty.v1+json\"}]}",
		"t/a", NULL));
	cr_assert_eq(c.list.items.len, 1);
	cr_assert_str_eq(c.list.items.items[0].artifact_type, "");
}

Test(referrers_index, what_is_no_index)
{
	static const char *const wrong[] = {"", "[]", "null", "{}", "{\"manifests\":{}}",
		"{\"manifests\":7}", "{\"manifests\":[]", "{\"manifests\":[]} x",
		"{\"manifests\":[],\"manifests\":[]}", "{\"mediaType\":7,\"manifests\":[]}",
		"{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"manifests\":[]}"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CLEANUP(err_freep) struct err *err = NULL;
		CLEANUP(referrers_set_release) struct referrers_set set = {0};
		cr_expect_not(read_text(&set, wrong[i], NULL, &err), "%s", wrong[i]);
		cr_expect(err_is(err, ERR_INVALID));
	}
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	cr_assert(read_text(&set, "{\"manifests\":null}", NULL, NULL));
}

Test(referrers_index, bounds)
{
	CLEANUP(str_release) struct str text = STR_INIT(4 << 20);
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	str_add_text(&text, "{\"manifests\":[");
	for (unsigned i = 0; i <= REFERRERS_MAX; i++)
		str_addf(&text, "%s{\"size\":1,\"digest\":\"sha256:%064x\"}", i ? "," : "", i);
	str_add_text(&text, "]}");
	cr_assert_not(read_text(&set, str_text(&text), NULL, &err));
	cr_assert(err_is(err, ERR_TOO_LARGE));
}

/* ---- Extending ---- */

static void expect_extended(const char *current, const char *wanted)
{
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	CLEANUP(str_release) struct str out = STR_INIT(1 << 20);
	CLEANUP(err_freep) struct err *err = NULL;
	size_t added = 0;
	cr_assert(read_text(&set, "{\"manifests\":[" ENTRY(HEX_B) "]}", NULL, NULL));
	cr_assert(referrers_index_extend(&set, current, strlen(current), &out, &added, &err), "%s",
		err ? err->msg : "");
	cr_expect_eq(added, wanted ? 1 : 0);
	cr_expect_str_eq(str_text(&out), wanted ? wanted : "");
}

Test(referrers_index, extends_without_touching_what_is_there)
{
	expect_extended("", "{\"schemaVersion\":2," OCI_INDEX ",\"manifests\":[" ENTRY(HEX_B) "]}");
	expect_extended("{\"manifests\":[]}", "{\"manifests\":[" ENTRY(HEX_B) "]}");
	expect_extended(
		"{\"manifests\":null,\"x\":1}", "{\"manifests\":[" ENTRY(HEX_B) "],\"x\":1}");
	expect_extended(" { \"n\": 1.50, \"manifests\" :\n[ ] , \"z\":\"]\"}\n",
		" { \"n\": 1.50, \"manifests\" :\n[ " ENTRY(HEX_B) "] , \"z\":\"]\"}\n");
	/* Names and brackets in strings and deeper down are not the list. */
	expect_extended(
		"{\"a\":{\"manifests\":[]},\"b\":\"\\\"manifests\\\":[\",\"c\":\"manifests\","
		"\"manifests\":[" ENTRY(HEX_A) ",{\"odd\":\"]}\\\\\"}]}",
		"{\"a\":{\"manifests\":[]},\"b\":\"\\\"manifests\\\":[\",\"c\":\"manifests\","
		"\"manifests\":[" ENTRY(HEX_A) ",{\"odd\":\"]}\\\\\"}," ENTRY(HEX_B) "]}");
	expect_extended("{\"manifests\":[" ENTRY(HEX_B) "]}", NULL);
}

Test(referrers_index, does_not_guess_at_escapes)
{
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	CLEANUP(str_release) struct str out = STR_INIT(1 << 20);
	CLEANUP(err_freep) struct err *err = NULL;
	static const char text[] = "{\"\\u006danifests\":[]}";
	size_t added = 0;
	cr_assert(read_text(&set, "{\"manifests\":[" ENTRY(HEX_B) "]}", NULL, NULL));
	cr_assert_not(referrers_index_extend(&set, text, strlen(text), &out, &added, &err));
	cr_assert(err_is(err, ERR_UNSUPPORTED));
}

Test(referrers_index, describes_documents)
{
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	char text[] = "{\"config\":{\"mediaType\":\"t/c\"},\"subject\":{\"digest\":\"sha256:" HEX_A
		      "\"},\"annotations\":{\"k\":\"v\"}}";
	char type[] = "t/m";
	struct document document = {.bytes = text,
		.len = strlen(text),
		.media_type = type,
		.digest = parsed("sha256:" HEX_B)};
	struct digest subject = parsed("sha256:" HEX_A);
	cr_assert(referrers_set_add_document(&set, &document, &subject, &err));
	cr_assert_str_eq(set.list.items.items[0].artifact_type, "t/c");
	cr_assert_eq(set.list.items.items[0].size, (int64_t)document.len);
	cr_assert(strstr(set.list.items.items[0].json, "\"annotations\":{\"k\":\"v\"}"));
	subject = parsed("sha256:" HEX_B);
	cr_assert_not(referrers_set_add_document(&set, &document, &subject, &err));
	cr_assert(err_is(err, ERR_INVALID));
}
