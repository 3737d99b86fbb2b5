#include "registry/json_reader.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/str.h"

/* Gives a text in steps of a few bytes, so that every token is cut somewhere. */
struct source {
	const char *text;
	size_t len, at, step;
};

static bool fill(void *ctx, void *bytes, size_t max, size_t *ret_len, struct err **err)
{
	struct source *source = ctx;
	size_t len = source->len - source->at;
	(void)err;
	len = len < source->step ? len : source->step;
	len = len < max ? len : max;
	memcpy(bytes, source->text + source->at, len);
	source->at += len;
	*ret_len = len;
	return true;
}

static bool read_all(struct source *source, struct str *out, struct err **err)
{
	struct json_reader reader;
	enum json_token token;
	bool ok;
	json_reader_init(&reader, fill, source);
	while ((ok = json_reader_next(&reader, &token, err)) && token != JSON_READ_END) {
		static const char marks[] = "{}[]";
		if (token < JSON_READ_KEY)
			str_add_char(out, marks[token]);
		else if (token == JSON_READ_KEY || token == JSON_READ_STRING) {
			str_add_char(out, token == JSON_READ_KEY ? 'k' : 's');
			str_add(out, reader.text, reader.text_len);
		} else {
			str_add_text(out, token == JSON_READ_NUMBER ? "n" : "w");
			str_add(out, reader.text, reader.text_len);
		}
		str_add_char(out, ' ');
	}
	json_reader_release(&reader);
	return ok;
}

static void expect(const char *text, const char *wanted)
{
	for (size_t step = 1; step < 8; step++) {
		CLEANUP(err_freep) struct err *err = NULL;
		CLEANUP(str_release) struct str out = STR_INIT(4096);
		struct source source = {text, strlen(text), 0, step};
		cr_assert(read_all(&source, &out, &err), "%s: %s", text, err ? err->msg : "");
		cr_assert_str_eq(str_text(&out), wanted);
	}
}

static void expect_error(const char *text, enum err_kind kind)
{
	for (size_t step = 1; step < 8; step++) {
		CLEANUP(err_freep) struct err *err = NULL;
		CLEANUP(str_release) struct str out = STR_INIT(4096);
		struct source source = {text, strlen(text), 0, step};
		cr_assert_not(read_all(&source, &out, &err), "%s was accepted", text);
		cr_assert_eq(err->kind, kind, "%s: %s", text, err->msg);
	}
}

Test(json_reader, values)
{
	expect("null", "wnull ");
	expect(" [true , false]\n", "[ wtrue wfalse ] ");
	expect("{}", "{ } ");
	expect("{\"a\":{\"b\":[ ]},\"c\":\"d\"}", "{ ka { kb [ ] } kc sd } ");
	expect("[0,-0,10,1.5,1e9,-2E-3,1.0e+2]", "[ n0 n-0 n10 n1.5 n1e9 n-2E-3 n1.0e+2 ] ");
}

Test(json_reader, strings)
{
	expect("\"\"", "s ");
	expect("\"a\\\"\\\\\\/b\"", "sa\"\\/b ");
	expect("\"\\n\\t\\r\\b\\f\"", "s\n\t\r\b\f ");
	expect("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"",
		"sA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 ");
	expect("\"\xc3\xa9\"", "s\xc3\xa9 ");
}

Test(json_reader, cut_off)
{
	static const char whole[] = "{\"name\":\"x\",\"tags\":[\"a\",1.5,null,{\"b\":[]}]}";
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		CLEANUP(mem_freep) char *part = mem_dup(whole, len + 1);
		part[len] = '\0';
		expect_error(part, ERR_INVALID);
	}
	expect(whole, "{ kname sx ktags [ sa n1.5 wnull { kb [ ] } ] } ");
}

Test(json_reader, malformed)
{
	static const char *const bad[] = {"{]", "[}", "[1 2]", "[,]", "[1,]", "{\"a\"}", "{\"a\":}",
		"{\"a\":1,}", "{1:2}", "{\"a\" \"b\"}", "\"\\x\"", "\"\\u12g4\"", "\"\\ud800\"",
		"\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\"", "01", "1.", ".5", "+1", "1e", "-",
		"nul", "nulll", "True", "<html>", "[] []", "[]x", "]", "}", ",", "[\"a\" : 1]"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_error(bad[i], ERR_INVALID);
}

Test(json_reader, bounds)
{
	CLEANUP(str_release) struct str text = STR_INIT(64 * 1024);
	for (int i = 0; i < JSON_READER_DEPTH; i++)
		str_add_char(&text, '[');
	for (int i = 0; i < JSON_READER_DEPTH; i++)
		str_add_char(&text, ']');
	CLEANUP(str_release) struct str out = STR_INIT(4096);
	struct source source = {str_text(&text), text.len, 0, 1000};
	cr_assert(read_all(&source, &out, NULL));

	str_clear(&text);
	for (int i = 0; i <= JSON_READER_DEPTH; i++)
		str_add_char(&text, '[');
	expect_error(str_text(&text), ERR_TOO_LARGE);

	str_clear(&text);
	str_add_char(&text, '"');
	for (int i = 0; i <= JSON_READER_TEXT_MAX; i++)
		str_add_char(&text, 'a');
	expect_error(str_text(&text), ERR_TOO_LARGE);

	CLEANUP(str_release) struct str spaces = STR_INIT(1 << 20);
	for (int i = 0; i <= JSON_READER_SPACE_MAX; i++)
		str_add_char(&spaces, ' ');
	expect_error(str_text(&spaces), ERR_TOO_LARGE);
}

Test(json_reader, strings_longer_than_a_chunk_boundary)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	str_add_char(&text, '[');
	while (text.len < JSON_READER_CHUNK - 5)
		str_add_char(&text, ' ');
	str_add_text(&text, "\"0123456789\"]");
	CLEANUP(str_release) struct str out = STR_INIT(4096);
	struct source source = {str_text(&text), text.len, 0, 1 << 20};
	cr_assert(read_all(&source, &out, NULL));
	cr_assert_str_eq(str_text(&out), "[ s0123456789 ] ");
}

static bool broken_fill(void *ctx, void *bytes, size_t max, size_t *ret_len, struct err **err)
{
	int *calls = ctx;
	if ((*calls)++ > 0)
		return err_set(err, ERR_TRANSIENT, "connection reset");
	memset(bytes, '[', max < 3 ? max : 3);
	*ret_len = max < 3 ? max : 3;
	return true;
}

Test(json_reader, the_error_of_the_stream_comes_through)
{
	struct json_reader reader;
	enum json_token token;
	int calls = 0;
	CLEANUP(err_freep) struct err *err = NULL;
	json_reader_init(&reader, broken_fill, &calls);
	while (json_reader_next(&reader, &token, &err))
		;
	cr_assert(err_is(err, ERR_TRANSIENT));
	json_reader_release(&reader);
}
