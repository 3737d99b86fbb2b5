#include "reconciler/yaml.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void on_fault(void *ctx, uint32_t line, uint32_t column, const char *message)
{
	struct str *faults = ctx;
	str_addf(faults, "%u:%u: %s\n", line, column, message);
}

static void render(struct yml *yml, struct yml_node node, struct str *out);

static void render_mapping(struct yml *yml, struct str *out)
{
	struct yml_node key;
	str_add_char(out, '{');
	for (const char *comma = ""; yml_key(yml, &key); comma = ",") {
		str_addf(out, "%s%s:", comma, key.text);
		render(yml, yml_value(yml), out);
	}
	str_add_char(out, '}');
}

static void render(struct yml *yml, struct yml_node node, struct str *out)
{
	struct yml_node item;
	switch (node.kind) {
	case YML_BAD:
		str_add_text(out, "BAD");
		break;
	case YML_NULL:
		str_add_text(out, "null");
		break;
	case YML_SCALAR:
		str_addf(out, node.plain ? "%s" : "'%s'", node.text);
		break;
	case YML_SEQUENCE:
		str_add_char(out, '[');
		for (const char *comma = ""; yml_item(yml, &item); comma = ",") {
			str_add_text(out, comma);
			render(yml, item, out);
		}
		str_add_char(out, ']');
		break;
	case YML_MAPPING:
		render_mapping(yml, out);
		break;
	}
}

static void expect_bytes(const char *text, size_t len, const char *wanted, const char *faults)
{
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);
	CLEANUP(str_release) struct str said = STR_INIT(STR_TEXT_MAX);
	struct yml_sink sink = {.fault = on_fault, .ctx = &said};
	CLEANUP(yml_freep) struct yml *yml = yml_open(text, len, &sink);
	render(yml, yml_root(yml), &out);
	bool whole = yml_end(yml);
	if (wanted)
		cr_assert_str_eq(str_text(&out), wanted);
	cr_assert_str_eq(str_text(&said), faults);
	cr_assert(whole || *faults, "an end without a reason");
}

static void expect(const char *text, const char *wanted, const char *faults)
{
	expect_bytes(text, strlen(text), wanted, faults);
}

Test(yaml, values_keep_their_spelling)
{
	expect("a: 1.10\nb: 0x1F\nc: on\nd: 2021-01-01\ne: \"q\\x41\"\nf: 'it''s'\n",
		"{a:1.10,b:0x1F,c:on,d:2021-01-01,e:'qA',f:'it's'}", "");
	expect("- |-\n  v9\n- >-\n  x\n", "['v9','x']", "");
	expect("{a: [b, {c: d}], e: f}", "{a:[b,{c:d}],e:f}", "");
}

Test(yaml, null_is_plain_only)
{
	expect("[~, null, Null, NULL, \"null\", '~', nULL, '']",
		"[null,null,null,null,'null','~',nULL,'']", "");
	expect("a:\nb: \n", "{a:null,b:null}", "");
}

Test(yaml, files_without_a_document)
{
	expect("", "null", "");
	expect("# nothing but a remark\n", "null", "");
	expect("---\n", "null", "");
	expect("\xEF\xBB\xBF- a\r\n- b\r\n...\r\n", "[a,b]", "");
}

Test(yaml, one_document_a_file)
{
	expect("a: 1\n---\nb: 2\n", "{a:1}",
		"2:1: a second document begins here: expected one document a file\n");
}

Test(yaml, nothing_is_expanded)
{
	expect("a: &x [1]\nb: *x\nc: 2\n", "{a:[1],b:BAD,c:2}",
		"1:4: anchor &x: anchors and aliases are not supported; write the value out\n"
		"2:4: alias *x: anchors and aliases are not supported; write the value out\n");
	expect("a: {<<: {b: 1}, c: 2}\n", "{a:{c:2}}",
		"1:5: merge keys (<<) are not supported; write the keys out\n");
	expect("a: {'<<': 1}\n", "{a:{<<:1}}", "");
	expect("a: !!binary aGk=\nb: !foo {}\n", "{a:aGk=,b:{}}",
		"1:4: tag tag:yaml.org,2002:binary: explicit tags are not supported; quote the "
		"value "
		"instead\n"
		"2:4: tag !foo: explicit tags are not supported; quote the value instead\n");
}

Test(yaml, keys_are_scalars_and_stand_once)
{
	expect("a: 1\nb: {a: 2}\na: 3\nc: 4\n", "{a:1,b:{a:2},c:4}",
		"3:1: duplicate key \"a\": it stands on line 1 already\n");
	expect("\"a\": 1\na: [1, 2]\nb: 2\n", "{a:1,b:2}",
		"2:1: duplicate key \"a\": it stands on line 1 already\n");
	expect("? [a, b]\n: {c: d}\n~: 1\ne: f\n", "{e:f}",
		"1:3: expected a key, found a collection\n"
		"3:1: expected a key, found nothing or null\n");
}

Test(yaml, duplicates_are_found_among_many_keys)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	CLEANUP(str_release) struct str faults = STR_INIT(STR_TEXT_MAX);
	/* The second mapping reuses the memory of the first, with other keys. */
	for (int round = 0; round < 2; round++) {
		str_add_text(&text, "- _: 0\n");
		for (int i = 0; i < 500; i++)
			str_addf(&text, "  key%d: 0\n", i + 250 * round);
		str_addf(&text, "  key%d: 1\n", 7 + 500 * round);
		str_addf(&faults, "%d:3: duplicate key \"key%d\": it stands on line %d already\n",
			502 * (round + 1), 7 + 500 * round, 502 * round + 9 + 250 * round);
	}
	expect_bytes(str_text(&text), text.len, NULL, str_text(&faults));
}

Test(yaml, depth_is_bounded)
{
	char text[64] = {0};
	memset(text, '[', YML_DEPTH_MAX);
	memset(text + YML_DEPTH_MAX, ']', YML_DEPTH_MAX);
	expect(text, NULL, "");

	memset(text, '[', YML_DEPTH_MAX + 1);
	memset(text + YML_DEPTH_MAX + 1, ']', YML_DEPTH_MAX + 1);
	expect(text, NULL,
		"1:17: nested deeper than 16 levels; the rest of this file is not read\n");
}

Test(yaml, a_syntax_error_ends_the_file_with_its_place)
{
	expect("a:\n\tb: c\n", NULL,
		"2:1: not valid YAML: found character that cannot start any token while scanning "
		"for "
		"the next token; the rest of this file is not read\n");
	expect("a: 'b\n\n", NULL,
		"3:1: not valid YAML: found unexpected end of stream (while scanning a quoted "
		"scalar "
		"that begins on line 1); the rest of this file is not read\n");
	expect("a: b\nc: \xff\n", NULL,
		"2:4: not a YAML text: invalid leading UTF-8 octet (byte 8)\n");
	expect("a: \x01\n", NULL,
		"1:4: not a YAML text: control characters are not allowed (byte 3)\n");
}

/* ---- What consumers of a schema use ---- */

struct schema_run {
	struct str said;
	struct yml *yml;
	struct yml_node root;
};

static void schema_open(struct schema_run *run, const char *text)
{
	struct yml_sink sink = {.fault = on_fault, .ctx = &run->said};
	str_init(&run->said, STR_TEXT_MAX);
	run->yml = yml_open(text, strlen(text), &sink);
	run->root = yml_root(run->yml);
}

static void schema_close(struct schema_run *run, const char *faults)
{
	yml_end(run->yml);
	cr_assert_str_eq(str_text(&run->said), faults);
	yml_free(run->yml);
	str_release(&run->said);
}

Test(yaml, fields_are_known_or_reported)
{
	static const char *const fields[] = {"name", "src", "account", NULL};
	struct schema_run run;
	struct yml_node value;
	size_t field;
	schema_open(&run, "nmae: {a: [b]}\nsrc: x\n");
	cr_assert(yml_expect(run.yml, &run.root, YML_MAPPING, "a mapping"));
	cr_assert(yml_field(run.yml, fields, &field, &value));
	cr_assert_eq(field, 1);
	cr_assert_str_eq(value.text, "x");
	cr_assert_eq(value.line, 2);
	cr_assert_eq(value.column, 6);
	cr_assert_not(yml_field(run.yml, fields, &field, &value));
	schema_close(&run, "1:1: unknown key \"nmae\": expected name, src or account\n");
}

Test(yaml, a_wrong_type_costs_only_itself)
{
	struct schema_run run;
	struct yml_node item;
	bool value = false;
	schema_open(&run, "[{a: [b]}, \"true\", maybe, Yes, OFF, \"a\\0b\"]");
	cr_assert(yml_expect(run.yml, &run.root, YML_SEQUENCE, "a list"));
	for (int i = 0; i < 3; i++) {
		cr_assert(yml_item(run.yml, &item));
		cr_assert_not(yml_bool(run.yml, &item, "src: true or false", &value));
	}
	cr_assert(yml_item(run.yml, &item));
	cr_assert(yml_bool(run.yml, &item, "src", &value) && value);
	cr_assert(yml_item(run.yml, &item));
	cr_assert(yml_bool(run.yml, &item, "src", &value) && !value);
	cr_assert(yml_item(run.yml, &item));
	cr_assert_not(yml_text(run.yml, &item, "a name"));
	cr_assert_not(yml_item(run.yml, &item));
	schema_close(&run,
		"1:2: expected src: true or false, found a mapping\n"
		"1:12: expected src: true or false, found the quoted text \"true\"\n"
		"1:20: expected src: true or false, found text \"maybe\"\n"
		"1:37: expected a name, found text with a NUL byte\n");
}

Test(yaml, nothing_is_said_after_the_end)
{
	struct schema_run run;
	struct yml_node item;
	schema_open(&run, "[a, b]");
	yml_stop(run.yml);
	cr_assert(yml_is_over(run.yml));
	cr_assert_not(yml_item(run.yml, &item));
	yml_fault(run.yml, &run.root, "too late");
	schema_close(&run, "");
}
