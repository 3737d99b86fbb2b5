#include <criterion/criterion.h>
#include <string.h>

#include "signer/tuf_canonical.h"

static void becomes(const char *json, const char *canonical)
{
	CLEANUP(str_release) struct str out = STR_INIT(1000);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(tuf_canonical_member(json, strlen(json), "signed", &out, &err), "%s: %s", json,
		err ? err->msg : "");
	cr_assert_str_eq(str_text(&out), canonical);
}

Test(tuf_canonical, sorts_and_escapes_nothing_but_two)
{
	becomes("{\"signed\": {\"b\": 1, \"a\": [true, false, null], \"A\": \"x\"}}",
		"{\"A\":\"x\",\"a\":[true,false,null],\"b\":1}");
	becomes("{\"signed\": \"a\\n\\t\\\"\\\\\\u00e9\\/<&>\"}", "\"a\n\t\\\"\\\\\xc3\xa9/<&>\"");
	becomes("{\"x\":0,\"signed\":-12}", "-12");
	becomes("{\"signed\":{}}", "{}");
	becomes("{\"signed\":{\"\":[]}}", "{\"\":[]}");
	/* By bytes: U+FB33 before U+1F600. */
	becomes("{\"signed\":{\"\\ud83d\\ude00\":1,\"\\ufb33\":2}}",
		"{\"\xef\xac\xb3\":2,\"\xf0\x9f\x98\x80\":1}");
}

static void refused(const char *json, enum err_kind kind)
{
	CLEANUP(str_release) struct str out = STR_INIT(40);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(!tuf_canonical_member(json, strlen(json), "signed", &out, &err), "%s", json);
	cr_assert_eq(err->kind, kind, "%s: %s", json, err->msg);
}

Test(tuf_canonical, refuses)
{
	CLEANUP(str_release) struct str deep = STR_INIT(1000);

	refused("", ERR_INVALID);
	refused("[]", ERR_INVALID);
	refused("{\"Signed\":1}", ERR_INVALID);
	refused("{\"signed\":1.5}", ERR_INVALID);
	refused("{\"signed\":1e2}", ERR_INVALID);
	refused("{\"signed\":{\"a\":1,\"a\":2}}", ERR_INVALID);
	refused("{\"signed\":1,\"signed\":1}", ERR_INVALID);
	refused("{\"signed\":123456789012345678901234567890}", ERR_INVALID);
	refused("{\"signed\":\"a\\u0000b\"}", ERR_INVALID);
	refused("{\"signed\":\"0123456789012345678901234567890123456789\"}", ERR_TOO_LARGE);
	str_add_text(&deep, "{\"signed\":");
	for (int i = 0; i <= TUF_CANONICAL_DEPTH_MAX; i++)
		str_add_char(&deep, '[');
	for (int i = 0; i <= TUF_CANONICAL_DEPTH_MAX; i++)
		str_add_char(&deep, ']');
	str_add_char(&deep, '}');
	refused(str_text(&deep), ERR_INVALID);
}
