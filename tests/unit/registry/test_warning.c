#include "registry/warning.h"

#include <criterion/criterion.h>

static void expect(const char *value, const char *wanted)
{
	CLEANUP(str_release) struct str text = STR_INIT(WARNING_TEXT_MAX);
	bool ok = warning_parse(value, &text);
	cr_assert_eq(ok, wanted != NULL, "%s", value);
	if (wanted)
		cr_assert_str_eq(str_text(&text), wanted);
}

Test(warning, only_what_the_specification_has)
{
	expect("299 - \"This repository goes away\"", "This repository goes away");
	expect("299 - \"say \\\"hi\\\" \\\\\" \"date\"", "say \"hi\" \\");
	expect("299 - \"\"", NULL);
	expect("299 - \"open", NULL);
	expect("299 - \"open\\", NULL);
	expect("299 r.example \"text\"", NULL);
	expect("199 - \"text\"", NULL);
	expect("", NULL);
}

Test(warning, long_ones_are_cut)
{
	CLEANUP(str_release) struct str value = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str text = STR_INIT(WARNING_TEXT_MAX);
	str_add_text(&value, "299 - \"");
	for (size_t i = 0; i < 5000; i++)
		str_add_char(&value, 'x');
	str_add_char(&value, '"');
	cr_assert(warning_parse(str_text(&value), &text));
	cr_assert_eq(text.len, WARNING_TEXT_MAX);
}

Test(warning, each_once_and_not_for_ever)
{
	struct warnings warnings = {0};
	cr_assert(warnings_add(&warnings, "a"));
	cr_assert_not(warnings_add(&warnings, "a"));
	for (unsigned i = 1; i < WARNINGS_MAX; i++)
		cr_assert(warnings_add(&warnings, (char[]){'a', (char)('a' + i), 0}));
	cr_assert_not(warnings_add(&warnings, "one more"));
}
