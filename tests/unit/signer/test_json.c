/* Documents that are read without jansson: what is made of them is what jansson would have made. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/json_private.h"
#include "tests/unit/signer/data.h"

/* Order of members included. Takes the tree. */
static char *dump(json_t *tree)
{
	char *text = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
	char *copy = text ? mem_strdup(text) : NULL;

	free(text);
	json_decref(tree);
	return copy;
}

/* True if it was read without jansson. */
static bool agrees(const char *text, size_t len)
{
	CLEANUP(mem_freep) char *plain = dump(json_load_plain(text, len));
	CLEANUP(mem_freep) char *whole = dump(json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL));

	cr_assert(!plain || (whole && strcmp(plain, whole) == 0), "%.*s: %s instead of %s",
		(int)len, text, plain, whole);
	return plain != NULL;
}

Test(json, plain)
{
	static const char *const documents[] = {
		"{}",
		" {\t}\r\n",
		"{\"a\":[]}",
		"{\"a\":[ ]}",
		"{\"\":\"\"}",
		"{ \"a\" : 1 , \"b\" : [ true , false , null ] }",
		"{\"a\":0,\"b\":10,\"c\":999999999999999999}",
		"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
		"{\"a\":\"x\\n\\ny\",\"b\":\"\\n\",\"c\":\"plain\"}",
		"{\"a\":\"\xe2\x80\x94 log\\n\"}",
		"{\"a\":\"\xf4\x8f\xbf\xbf\"}",
		"{\"a\":\"\x7f\"}",
		"{\"a\":\"\\u0001\\u0041\\u007F\\u0080\\u07ff\\u0800\\ud7ff\\ue000\\uFFFF\"}",
		"{\"b\":{\"c\":{\"a\":1}},\"a\":{\"c\":{}}}",
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		cr_assert(agrees(documents[i], strlen(documents[i])), "%s", documents[i]);
}

static const char *const not_plain[] = {
	"",
	" ",
	"[]",
	"1",
	"null",
	"\"a\"",
	"{",
	"{\"a",
	"{\"a\"",
	"{\"a\":",
	"{\"a\":1",
	"{\"a\":1,",
	"{\"a\":1,}",
	"{\"a\":[1,]}",
	"{\"a\":[,1]}",
	"{,}",
	"{\"a\" 1}",
	"{\"a\":1 \"b\":2}",
	"{a:1}",
	"{1:1}",
	"{}}",
	"{}{}",
	"{} x",
	"{\"a\":]}",
	"{\"a\":[}",
	"{\"a\":1,\"a\":1}",
	"{\"a\":1,\"b\":2,\"a\":3}",
	"{\"\":1,\"\":1}",
	"{\"a\\n\":1}",
	"{\"a\\/\":1,\"a/\":1}",
	"{\"\xc3\xa4\":1}",
	"{\"a\":\"\\u0000\"}",
	"{\"a\":\"\\ud83d\\ude00\"}",
	"{\"a\":\"\\ud83d\"}",
	"{\"a\":\"\\udfff\"}",
	"{\"a\":\"\\u004\"}",
	"{\"a\":\"\\u004g\"}",
	"{\"a\":\"\\u",
	"{\"a\":\"\\u0041",
	"{\"a\":\"\\n\"\\n\"}",
	"{\"\\u0041\":1}",
	"{\"a\":\"\\x\"}",
	"{\"a\":\"\\",
	"{\"a\":\"\\\"",
	"{\"a\":\"\n\"}",
	"{\"a\":\"\x1f\"}",
	"{\"a\":\"\x80\"}",
	"{\"a\":\"\xc0\xaf\"}",
	"{\"a\":\"\xed\xa0\x80\"}",
	"{\"a\":\"\xf4\x90\x80\x80\"}",
	"{\"a\":\"\xe2\x80\"}",
	"{\"a\":-1}",
	"{\"a\":-0}",
	"{\"a\":01}",
	"{\"a\":00}",
	"{\"a\":1.5}",
	"{\"a\":1.}",
	"{\"a\":1e3}",
	"{\"a\":1E3}",
	"{\"a\":+1}",
	"{\"a\":1000000000000000000}",
	"{\"a\":9223372036854775807}",
	"{\"a\":9223372036854775808}",
	"{\"a\":99999999999999999999999999}",
	"{\"a\":0x1}",
	"{\"a\":tru}",
	"{\"a\":truee}",
	"{\"a\":True}",
	"{\"a\":nul",
	"{\"a\":nullnull}",
	"{\"a\":1}/**/",
	"\xef\xbb\xbf{}",
	"{\f}",
	"{\"a\":'b'}",
};

Test(json, left_to_jansson)
{
	for (size_t i = 0; i < sizeof(not_plain) / sizeof(not_plain[0]); i++)
		cr_assert_not(agrees(not_plain[i], strlen(not_plain[i])), "%s", not_plain[i]);
	cr_assert_not(agrees("{}\0", 3));
	cr_assert_not(agrees("{\0}", 3));
	cr_assert_not(agrees("{\"a\0\":1}", 8));
	cr_assert_not(agrees("{\"a\":\"b\0\"}", 10));
	cr_assert_null(json_load_plain(NULL, 0));
}

/* Objects in objects, or lists in lists in one. */
static void nest(struct str *out, size_t depth, bool is_lists)
{
	str_clear(out);
	for (size_t i = 0; i < depth; i++)
		str_add_text(out, is_lists && i ? "[" : "{\"a\":");
	str_add_text(out, "1");
	for (size_t i = depth; i-- > 0;)
		str_add_text(out, is_lists && i ? "]" : "}");
}

static enum err_kind kind_of(const struct str *text)
{
	CLEANUP(json_tree_freep) json_t *tree = NULL;
	CLEANUP(err_freep) struct err *err = NULL;

	return json_load_object(str_text(text), text->len, 64 << 20, &tree, &err) ? 0 : err->kind;
}

Test(json, bounds)
{
	CLEANUP(str_release) struct str text = STR_INIT(64 << 20);

	for (unsigned is_lists = 0; is_lists < 2; is_lists++) {
		nest(&text, JSON_DEPTH_MAX, is_lists);
		cr_assert(agrees(str_text(&text), text.len));
		cr_assert_eq(kind_of(&text), 0);
		nest(&text, JSON_DEPTH_MAX + 1, is_lists);
		cr_assert_not(agrees(str_text(&text), text.len));
		cr_assert_eq(kind_of(&text), ERR_TOO_LARGE);
	}
	for (unsigned too_many = 0; too_many < 2; too_many++) {
		str_clear(&text);
		str_add_text(&text, "{\"a\":[0");
		/* The object and the list are two. */
		for (size_t i = 2; i < JSON_VALUES_MAX + too_many; i++)
			str_add_text(&text, ",0");
		str_add_text(&text, "]}");
		cr_assert_eq(kind_of(&text), too_many ? ERR_TOO_LARGE : 0);
	}
}

/* Every byte in the place of each byte of a document that has everything; and each place where it may be cut off. */
Test(json, changed_bytes)
{
	char text[] =
		"{\"log\\n\": [{\"index\":\"10\\n\\\\n\",\"t\":179526,\"x\":{}}, [] ],\r\n\t"
		"\"note\":\"a\\nb\\u2014 \xe2\x80\x94 c \\\"d\\\"\",\"v\":[true,false ,null]}\n";
	const size_t len = sizeof(text) - 1;
	size_t still_plain = 0;

	/* Without the escape in its key. */
	cr_assert_not(agrees(text, len));
	memcpy(text + 5, "xx", 2);
	cr_assert(agrees(text, len));
	for (size_t i = 0; i < len; i++) {
		char was = text[i];
		for (unsigned byte = 0; byte < 256; byte++) {
			text[i] = (char)byte;
			still_plain += agrees(text, len);
		}
		text[i] = was;
	}
	cr_assert_gt(still_plain, 10 * len);
	for (size_t cut = 0; cut < len - 1; cut++)
		cr_assert_not(agrees(text, cut));
}

/* If what others write were not plain, nothing would be gained. */
Test(json, what_cosign_writes_is_plain)
{
	static const char *const documents[] = {
		MADE "/trusted_root.json",
		MADE "/legacy/sig.json",
		MADE "/legacy/att.json",
		MADE "/bundle/blobs/sha256-"
		     "2cf367df595efc179c21aee3b39c22d0b247c9c909ef0e012fa15f1dc6586eef",
		"sigstore-conformance/bundle-verify/happy-path-v0.3/bundle.sigstore.json",
		"sigstore-conformance/bundle-verify/rekor2-happy-path/bundle.sigstore.json",
	};

	DATA_REQUIRE(MADE);
	DATA_REQUIRE("sigstore-conformance");
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
		data_read(documents[i], &text);
		cr_assert(agrees(str_text(&text), text.len), "%s", documents[i]);
	}
}
