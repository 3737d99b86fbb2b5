/* cli/help.h */
#include "cli/help.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

static int nothing(const struct program *program, const char *const *arguments)
{
	(void)program;
	(void)arguments;
	return 0;
}

static const struct command commands[] = {
	{.name = "",
		.usage = "[flags]",
		.summary = "makes things so",
		.paragraph = "'Makes' things so \\ in several words.",
		.flags = &options_flags,
		.run = nothing},
	{.name = "help",
		.usage = "help [COMMAND]",
		.summary = "explains",
		.flags = &cmd_help_flags,
		.run = nothing},
	{.name = "sigcheck", .summary = "comes later"},
};
static const struct program program = {.commands = commands, .count = 3};

static char *text;
static size_t text_len;

static FILE *begin(void)
{
	free(text);
	text = NULL;
	return open_memstream(&text, &text_len);
}

static void done(void)
{
	free(text);
}

TestSuite(help, .fini = done);

static bool mentions(const char *flag)
{
	CLEANUP(mem_freep) char *needle = mem_printf("--%s", flag);
	size_t len = strlen(needle);

	for (const char *at = strstr(text, needle); at; at = strstr(at + 1, needle)) {
		if (!strchr("-abcdefghijklmnopqrstuvwxyz", at[len]))
			return true;
	}
	return false;
}

static void expect_the_shown_flags(void)
{
	for (size_t i = 0; i < flag_count(&options_flags); i++) {
		const struct flag *flag = flag_at(&options_flags, i);

		cr_assert_eq(mentions(flag->name), flag->state == FLAG_SHOWN, "%s", flag->name);
	}
}

Test(help, of_the_job)
{
	FILE *out = begin();
	size_t width = 0;

	cr_assert_eq(help_command(&program, &commands[0], out), 0);
	fclose(out);
	expect_the_shown_flags();
	cr_assert_null(strstr(text, "sigcheck"));
	cr_assert_not_null(strstr(text, "130, 143"));
	for (const char *at = text; *at; at++) {
		width = *at == '\n' ? 0 : width + 1;
		cr_assert_leq(width, 80, "%.*s", 90, at - 80);
	}
}

Test(help, of_a_command)
{
	FILE *out = begin();

	cr_assert_eq(help_command(&program, &commands[1], out), 0);
	fclose(out);
	cr_assert_eq(strncmp(text, "Usage: cip help [COMMAND]\n", 26), 0);
	cr_assert_null(strstr(text, "--man"));
}

Test(help, short_one)
{
	FILE *out = begin();

	help_short(&program, out);
	fclose(out);
	cr_assert_not_null(strstr(text, "cip --help"));
}

Test(help, completions)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};

	for (size_t i = 0; i < 2; i++) {
		FILE *out = begin();

		cr_assert_eq(help_completion(&program, shells[i], out), 0);
		fclose(out);
		expect_the_shown_flags();
	}
	FILE *out = begin();
	cr_assert_eq(help_completion(&program, "fish", out), 0);
	fclose(out);
	cr_assert_not_null(strstr(text, " -l thin-manifest-dir "));
	cr_assert_null(strstr(text, "use-prow-manifest-diff"));
}

Test(help, manual_page)
{
	FILE *out = begin();

	cr_assert_eq(help_man(&program, out), 0);
	fclose(out);
	cr_assert_eq(strncmp(text, ".TH CIP 1 ", 10), 0);
	cr_assert_not_null(strstr(text, "\\fB\\-\\-thin\\-manifest\\-dir\\fR=\\fIDIR\\fR\n"));
	cr_assert_not_null(strstr(text, "\n.SH EXIT STATUS\n"));
	cr_assert_not_null(strstr(text, "use\\-prow\\-manifest\\-diff"));
	/* Nothing of a text is taken for a request or an escape. */
	cr_assert_not_null(strstr(text, "\n\\&'Makes' things so \\e in several words.\n"));
}
