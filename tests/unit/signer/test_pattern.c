#include "signer/pattern.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/str.h"

static struct pattern *make(const char *text, enum pattern_extent extent)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct pattern *pattern = NULL;

	cr_assert(pattern_new(text, extent, &pattern, &err), "%s: %s", text, err ? err->msg : "");
	return pattern;
}

static bool matches(const char *text, enum pattern_extent extent, const char *subject)
{
	CLEANUP(pattern_freep) struct pattern *pattern = make(text, extent);
	CLEANUP(err_freep) struct err *err = NULL;
	bool found = false;

	cr_assert(pattern_matches(pattern, subject, &found, &err), "%s: %s", text,
		err ? err->msg : "");
	return found;
}

Test(pattern, anywhere_or_whole)
{
	cr_assert(matches("example", PATTERN_ANYWHERE, "me@example.com"));
	cr_assert_not(matches("example", PATTERN_WHOLE, "me@example.com"));
	cr_assert(matches(".*@example\\.com", PATTERN_WHOLE, "me@example.com"));
	cr_assert_not(matches(".*@example\\.com", PATTERN_WHOLE, "me@example.com.evil"));
	/* The whole text by whichever alternative, not the first that fits its beginning. */
	cr_assert(matches("a|ab", PATTERN_WHOLE, "ab"));
	cr_assert(matches("^https://x/$", PATTERN_ANYWHERE, "https://x/"));
	cr_assert_not(matches("^https://x/$", PATTERN_ANYWHERE, "https://x/y"));
}

Test(pattern, what_re2_has)
{
	static const char *const texts[] = {"", "a{2,3}?b", "(?i)A", "(?i:A)", "(?P<n>a)",
		"(?<n>a)", "(?s-m)a", "[[:^alpha:]]", "[]a]", "[^]a]", "\\pL\\p{Lu}\\P{^Lu}",
		"\\x41\\x{1F600}", "\\Qa.b(\\E", "\\Q(*", "[a-z\\d]", "\\A\\bx\\B\\z",
		"\\.\\-\\_\\/", "a|b|", "[a\\]b]", "(?U)a+"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP(pattern_freep) struct pattern *pattern = make(texts[i], PATTERN_ANYWHERE);
		cr_assert_not_null(pattern);
	}
	cr_assert(matches("\\Qa.b(\\E", PATTERN_WHOLE, "a.b("));
	/* \d and \w are ASCII's. */
	cr_assert_not(matches("\\d", PATTERN_ANYWHERE, "\xd9\xa3"));
	cr_assert_not(matches("\\w", PATTERN_ANYWHERE, "\xc3\xa4"));
}

Test(pattern, what_re2_does_not_have_is_refused)
{
	static const char *const texts[] = {"(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "(?|a)",
		"(?R)", "(?1)", "(?&n)", "(?P=n)", "(?P>n)", "(?C)", "(?(1)a)", "(?#x)", "(?x)a",
		"(?^)a", "(*UTF)a", "(*ACCEPT)", "a*+", "a++", "a?+", "a{2}+", "a**", "a{1,2}{3}",
		"(a)\\1", "\\g1", "\\k<n>", "\\K", "\\R", "\\X", "\\C", "\\Z", "\\G", "\\h", "\\H",
		"\\N", "\\v", "\\V", "\\c", "\\o{1}", "\\E", "\\u0041", "\\0", "\\e", "[\\b]",
		"[\\Q]", "[[:<:]]", "[[=a=]]", "[[.a.]]", "[a-\\d]", "[\\d-z]", "a{,3}", "a{1001}",
		"a{", "{2}x{z}", "\\p{Greek}", "\\p{Any}", "\\p{L&}", "(?-)", "\\", "[a", "(a",
		"a)", "(?P<>a)", "(?P<1>a)", "(?<n>a)(?<n>b)", "\\x{110000}", "\xff"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP(err_freep) struct err *err = NULL;
		struct pattern *pattern = NULL;

		cr_assert_not(pattern_new(texts[i], PATTERN_ANYWHERE, &pattern, &err),
			"accepted: %s", texts[i]);
		cr_assert_eq(err->kind, ERR_USAGE);
	}
}

Test(pattern, limits_are_errors_and_never_matches)
{
	CLEANUP(str_release) struct str long_text = STR_INIT(PATTERN_MAX_SIZE + 8);
	CLEANUP(pattern_freep) struct pattern *hard = make("(a|a)*c", PATTERN_WHOLE);
	CLEANUP(pattern_freep) struct pattern *easy = make(".*", PATTERN_WHOLE);
	CLEANUP(err_freep) struct err *too_much = NULL;
	CLEANUP(err_freep) struct err *too_long = NULL;
	CLEANUP(err_freep) struct err *control = NULL;
	CLEANUP(err_freep) struct err *encoding = NULL;
	CLEANUP(err_freep) struct err *pattern_size = NULL;
	struct pattern *none = NULL;
	bool found = false;

	cr_assert_not(pattern_matches(
		hard, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacd", &found, &too_much));
	cr_assert(err_is(too_much, ERR_TOO_LARGE));
	cr_assert_not(pattern_matches(easy, "a\nb", &found, &control));
	cr_assert(err_is(control, ERR_INVALID));
	cr_assert_not(pattern_matches(easy, "\xff", &found, &encoding));
	cr_assert(err_is(encoding, ERR_INVALID));
	while (long_text.len <= PATTERN_MAX_SIZE)
		str_add_char(&long_text, 'a');
	cr_assert_not(pattern_matches(easy, str_text(&long_text), &found, &too_long));
	cr_assert(err_is(too_long, ERR_TOO_LARGE));
	cr_assert_not(pattern_new(str_text(&long_text), PATTERN_WHOLE, &none, &pattern_size));
	cr_assert(err_is(pattern_size, ERR_TOO_LARGE));
	cr_assert_not(found);
}
