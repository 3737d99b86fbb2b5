#include "registry/tags_page.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/str.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct source {
	const char *text;
	size_t at;
	struct str seen;
};

static bool fill(void *ctx, void *bytes, size_t max, size_t *ret_len, struct err **err)
{
	struct source *source = ctx;
	size_t len = strlen(source->text + source->at);
	(void)err;
	*ret_len = len < max ? len : max;
	memcpy(bytes, source->text + source->at, *ret_len);
	source->at += *ret_len;
	return true;
}

static void on_tag(void *ctx, const char *tag)
{
	str_addf(&((struct source *)ctx)->seen, "%s ", tag);
}

static void on_manifest(void *ctx, const struct digest *digest)
{
	str_addf(&((struct source *)ctx)->seen, "%02x ", digest->bytes[0]);
}

static void on_manifest_tag(void *ctx, const struct digest *digest, const char *tag)
{
	str_addf(&((struct source *)ctx)->seen, "%02x=%s ", digest->bytes[0], tag);
}

static bool read_page(
	const char *text, struct source *source, struct tags_page *page, struct err **err)
{
	struct json_reader json;
	struct tags_visitor visitor = {on_tag, on_manifest, on_manifest_tag, source};
	*source = (struct source){.text = text, .seen = STR_INIT(4096)};
	json_reader_init(&json, fill, source);
	bool ok = tags_page_read(&json, &visitor, page, err);
	json_reader_release(&json);
	return ok;
}

static void expect(const char *text, enum tags_kind kind, const char *seen)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct source source;
	struct tags_page page;
	cr_assert(read_page(text, &source, &page, &err), "%s: %s", text, err ? err->msg : "");
	cr_assert_eq(page.kind, kind);
	cr_assert_str_eq(str_text(&source.seen), seen);
	str_release(&source.seen);
}

static void expect_error(const char *text, const char *reason)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct source source;
	struct tags_page page;
	cr_assert_not(read_page(text, &source, &page, &err), "%s was accepted", text);
	cr_assert(strstr(err->msg, reason), "'%s' does not say '%s'", err->msg, reason);
	str_release(&source.seen);
}

Test(tags_page, plain)
{
	expect("{\"name\":\"x\",\"tags\":[\"v1\",\"latest\"]}", TAGS_PLAIN, "v1 latest ");
	expect("{\"name\":\"x\",\"tags\":null}", TAGS_PLAIN, "");
	expect("{\"tags\":[],\"extra\":{\"tags\":[\"no\"],\"manifest\":{}}}", TAGS_PLAIN, "");
	expect("{\"tags\":[\"v1\"],\"manifest\":null}", TAGS_PLAIN, "v1 ");
}

Test(tags_page, google)
{
	expect("{\"child\":[\"c\"],\"manifest\":{\"sha256:" HEX_A
	       "\":{\"imageSizeBytes\":\"1\",\"layerId\":\"\",\"tag\":[\"v1\",\"v2\"],"
	       "\"timeCreatedMs\":\"0\"},"
	       "\"sha256:" HEX_B "\":{\"tag\":[]}},\"name\":\"x\",\"tags\":[\"v1\",\"v2\"]}",
		TAGS_GOOGLE, "aa aa=v1 aa=v2 bb v1 v2 ");
	expect("{\"manifest\":{}}", TAGS_GOOGLE, "");
}

Test(tags_page, names_no_manifest_could_declare_are_not_visited)
{
	expect("{\"tags\":[\"a b\",\"\",\"v1\\u0000x\",\"ok\"]}", TAGS_PLAIN, "ok ");
	expect("{\"manifest\":{\"sha384:" HEX_A "\":{\"tag\":[\"v1\"]}},\"tags\":[\"v1\"]}",
		TAGS_GOOGLE, "v1 ");
}

Test(tags_page, no_tags_list)
{
	expect_error("[]", "no JSON object");
	expect_error("{}", "has no tags");
	expect_error("{\"errors\":[]}", "has no tags");
	expect_error("{\"tags\":{}}", "no list");
	expect_error("{\"tags\":[1]}", "no string");
	expect_error("{\"tags\":[],\"tags\":[]}", "twice");
	expect_error("{\"tags\":[],\"manifest\":{\"sha256:" HEX_A "\":[]}}", "no object");
	expect_error("{\"tags\":[\"v1\"]", "cut off");
	expect_error("{\"tags\":[\"v1\"]}{", "after the document");
	expect_error("<html>", "no value");
}
