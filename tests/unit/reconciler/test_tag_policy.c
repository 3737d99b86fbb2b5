/* Policies of tags: what they allow, and what is wrong with those that allow nothing. */
#include "reconciler/tag_policy.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/str.h"

static void on_fault(void *ctx, uint32_t line, uint32_t column, const char *message)
{
	str_addf(ctx, "%u:%u: %s\n", line, column, message);
}

static struct tag_policy *parse(const char *text, struct str *faults)
{
	const struct yml_sink sink = {.fault = on_fault, .ctx = faults};

	return tag_policy_parse(text, strlen(text), &sink);
}

static bool allows(const char *text, const char *image, const char *tag)
{
	CLEANUP(str_release) struct str faults = STR_INIT(STR_TEXT_MAX);
	CLEANUP(tag_policy_freep) struct tag_policy *policy = parse(text, &faults);

	cr_assert_not_null(policy, "%s: %s", text, str_text(&faults));
	return tag_policy_allows(policy, image, tag);
}

/* As the only pattern of tags. */
static bool fits(const char *pattern, const char *tag)
{
	CLEANUP(mem_freep) char *text = mem_printf("mutable: [{tags: ['%s']}]", pattern);

	return allows(text, "foo", tag);
}

Test(tag_policy, patterns_are_of_the_whole_name)
{
	static const struct {
		const char *pattern, *tag;
		bool fits;
	} rows[] = {
		{"latest", "latest", true},
		{"latest", "latest2", false},
		{"latest", "alatest", false},
		{"latest", "Latest", false},
		{"v1.*", "v1.2", true},
		{"v1.*", "v1.", true},
		{"v1.*", "v1", false},
		{"v1.*", "v132", false},
		{"*", "x", true},
		{"?", "x", true},
		{"?", "xy", false},
		{"v?.?", "v1.2", true},
		{"v?.?", "v1.23", false},
		{"*-rc", "v1-rc", true},
		{"*-rc", "v1-rc-rc", true},
		{"*-rc", "v1-rc1", false},
		{"a*b*c", "aXbYc", true},
		{"a*b*c", "abbcbc", true},
		{"a*b*c", "acb", false},
		{"**x**", "x", true},
		{"*a?", "aaaab", true},
		{"*a?", "aaaa", true},
		{"*ab", "aab", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(fits(rows[i].pattern, rows[i].tag), rows[i].fits, "%s for %s",
			rows[i].pattern, rows[i].tag);
}

Test(tag_policy, a_rule_is_for_its_images)
{
	const char *text = "mutable:\n"
			   "- image: controller\n"
			   "  tags: [latest]\n"
			   "- image: team/*\n"
			   "  tags: [\"*\"]\n"
			   "- tags: [edge, 1.10]\n";

	cr_expect(allows(text, "controller", "latest"));
	cr_expect_not(allows(text, "controllers", "latest"));
	cr_expect_not(allows(text, "team", "latest"));
	cr_expect(allows(text, "team/a/b", "v1"));
	cr_expect(allows(text, "any", "edge"));
	cr_expect(allows(text, "any", "1.10"), "plain text is text");
	cr_expect_not(allows(text, "any", "1.1"));
}

Test(tag_policy, nothing_written_is_nothing_allowed)
{
	cr_expect_not(allows("", "foo", "latest"));
	cr_expect_not(allows("mutable:\n", "foo", "latest"));
	cr_expect_not(allows("mutable: []\n", "foo", "latest"));
}

Test(tag_policy, long_names_do_not_take_long)
{
	CLEANUP(str_release) struct str tag = STR_INIT(STR_TEXT_MAX);
	CLEANUP(str_release) struct str pattern = STR_INIT(STR_TEXT_MAX);

	for (size_t i = 0; i < 42; i++)
		str_add_text(&pattern, "*a?");
	for (size_t i = 0; i < 127; i++)
		str_add_char(&tag, 'a');
	str_add_char(&tag, 'b');
	str_add_text(&pattern, "ac");
	cr_expect_not(fits(str_text(&pattern), str_text(&tag)));
}

Test(tag_policy, whatever_is_wrong_is_told_with_its_place_and_allows_nothing)
{
	static const struct {
		const char *text, *fault;
	} rows[] = {
		{"- a", "1:1: expected a tag policy (a mapping with mutable), found a list\n"},
		{"immutable: []", "1:1: unknown key \"immutable\": expected mutable\n"},
		{"mutable: [latest]",
			"1:11: expected a rule (a mapping with tags, and image), found a single "
			"value\n"},
		{"mutable:\n- image: foo", "2:3: rule without tags: expected tags\n"},
		{"mutable:\n- tags: []", "2:9: tags: expected at least one tag or pattern\n"},
		{"mutable:\n- tags: latest",
			"2:9: expected tags: a list of tags or patterns, found a single value\n"},
		{"mutable:\n- tags: [\"\"]",
			"2:10: expected a tag or a pattern, found empty text\n"
			"2:9: tags: expected at least one tag or pattern\n"},
		{"mutable:\n- tags: [a, 'v[12]']",
			"2:13: \"v[12]\": a pattern has the characters that such a name may have, "
			"'*' and '?'\n"},
		{"mutable:\n- tags: [a]\n  image: Foo",
			"3:10: \"Foo\": a pattern has the characters that such a name may have, "
			"'*' and '?'\n"},
		{"mutable:\n- tags: [a]\n  images: x",
			"3:3: unknown key \"images\": expected image or tags\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CLEANUP(str_release) struct str faults = STR_INIT(STR_TEXT_MAX);

		cr_expect_null(parse(rows[i].text, &faults), "%s", rows[i].text);
		cr_expect_str_eq(str_text(&faults), rows[i].fault);
	}
}

Test(tag_policy, a_file_of_faults_ends)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	CLEANUP(str_release) struct str faults = STR_INIT(STR_TEXT_MAX);
	size_t lines = 0;

	str_add_text(&text, "mutable:\n");
	for (size_t i = 0; i < 10 * TAG_POLICY_FAULTS_MAX; i++)
		str_add_text(&text, "- 1\n");
	cr_expect_null(parse(str_text(&text), &faults));
	for (const char *at = str_text(&faults); (at = strchr(at, '\n')); at++)
		lines++;
	cr_expect_eq(lines, TAG_POLICY_FAULTS_MAX);
}

Test(tag_policy, patterns_are_bounded)
{
	CLEANUP(str_release) struct str text = STR_INIT((size_t)1 << 20);
	CLEANUP(str_release) struct str faults = STR_INIT(STR_TEXT_MAX);

	str_add_text(&text, "mutable: [{tags: [");
	for (size_t i = 0; i < TAG_POLICY_PATTERNS_MAX; i++)
		str_add_text(&text, "a,");
	str_add_text(&text, "b]}]");
	cr_expect_null(parse(str_text(&text), &faults));
	cr_expect(strstr(str_text(&faults), "more than 10000 tags and patterns"));
}
