/* base/escape.h */
#include "base/escape.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const plain[] = {
	"", "registry.k8s.io/pause:3.9", "tab-free text with (punctuation) ~ and spaces",
	"\xc3\xbc\xc3\x9f \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x9a\x80",
	"\xc2\xa0",		    /* the first after C1 */
	"\xf4\x8f\xbf\xbf",	    /* U+10FFFF */
	"\xed\x9f\xbf\xee\x80\x80", /* around the surrogates */
};

static const char *const escaped[][2] = {
	{"a\nb", "a\\x0ab"},
	{"\r\t\a\x1b[31m", "\\x0d\\x09\\x07\\x1b[31m"},
	{"\x7f", "\\x7f"},
	{"C:\\x0a", "C:\\\\x0a"},
	{"\xc2\x80\xc2\x9b\xc2\x9f", "\\u{0080}\\u{009b}\\u{009f}"},
	{"\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}"},
	{"\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9",
		"\\u{202a}\\u{202e}\\u{2066}\\u{2069}"},
	{"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "\\u{061c}\\u{200e}\\u{200f}"},
	{"\x80\xbf", "\\x80\\xbf"}, /* lone continuation */
	{"\xc3", "\\xc3"},	    /* cut short */
	{"\xc3(", "\\xc3("},	    /* not continued */
	{"\xe6\x97", "\\xe6\\x97"},
	{"\xc0\xaf\xc1\xbf", "\\xc0\\xaf\\xc1\\xbf"}, /* overlong */
	{"\xe0\x80\x8a", "\\xe0\\x80\\x8a"},	      /* overlong line feed */
	{"\xf0\x82\x82\xac", "\\xf0\\x82\\x82\\xac"},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},	      /* surrogate */
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
	{"\xf5\xff\xfe", "\\xf5\\xff\\xfe"},
};

Test(escape, harmless_text_is_unchanged)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		CLEANUP(mem_freep) char *text = escape_terminal_text(plain[i]);

		cr_assert_str_eq(text, plain[i]);
	}
}

Test(escape, harmful_text_is_spelled_out)
{
	for (size_t i = 0; i < sizeof(escaped) / sizeof(escaped[0]); i++) {
		CLEANUP(mem_freep) char *text = escape_terminal_text(escaped[i][0]);

		cr_assert_str_eq(text, escaped[i][1]);
	}
}

Test(escape, bytes_may_hold_nul)
{
	CLEANUP(str_release) struct str out = STR_INIT(100);

	str_add_text(&out, "before:");
	escape_terminal(&out, "a\0b", 3, 100);
	cr_assert_str_eq(str_text(&out), "before:a\\x00b");
}

Test(escape, never_reads_past_the_length)
{
	CLEANUP(str_release) struct str out = STR_INIT(100);
	CLEANUP(mem_freep) char *exact = mem_dup("\xe6\x97\xa5", 2);

	escape_terminal(&out, exact, 2, 100);
	cr_assert_str_eq(str_text(&out), "\\xe6\\x97");
}

static void expect_cut(const char *text, size_t max, const char *wanted)
{
	CLEANUP(str_release) struct str out = STR_INIT(1000);

	str_add_text(&out, "> ");
	escape_terminal(&out, text, strlen(text), max);
	cr_assert_str_eq(str_text(&out) + 2, wanted);
	cr_assert_eq(out.len, 2 + strlen(wanted));
}

Test(escape, long_text_ends_in_dots)
{
	expect_cut("abcdef", 6, "abcdef");
	expect_cut("abcdefg", 6, "abc...");
	expect_cut("abcdef", 3, "...");
	expect_cut("abcdef", 2, "..");
	expect_cut("abcdef", 0, "");
	expect_cut("", 0, "");
	/* never through the middle of an escape or a character */
	expect_cut("ab\ncdef", 8, "ab...");
	expect_cut("ab\ncdef", 9, "ab\\x0a...");
	expect_cut("ab\xe6\x97\xa5\xe6\x97\xa5", 7, "ab...");
	expect_cut("ab\xe6\x97\xa5\xe6\x97\xa5", 8, "ab\xe6\x97\xa5\xe6\x97\xa5");
}

Test(escape, usual_maximum)
{
	CLEANUP(mem_freep) char *bells = mem_new(5001, 1);
	CLEANUP(mem_freep) char *text = NULL;

	memset(bells, '\a', 5000);
	text = escape_terminal_text(bells);
	cr_assert_leq(strlen(text), 4096);
	cr_assert_str_eq(text + strlen(text) - 7, "\\x07...");
}

Test(escape, a_full_buffer_says_so)
{
	CLEANUP(str_release) struct str out = STR_INIT(4);

	escape_terminal(&out, "abcdef", 6, 100);
	cr_assert(str_overflowed(&out));
	cr_assert_str_eq(str_text(&out), "abcd");
}
