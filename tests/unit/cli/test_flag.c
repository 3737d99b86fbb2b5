/* cli/flag.h */
#include "cli/flag.h"

#include <criterion/criterion.h>
#include <string.h>

struct target {
	const char *text;
	const char *choice;
	bool on;
	bool off;
	bool help;
	uint64_t number;
	int64_t duration;
};

#define FIELD(name) .offset = offsetof(struct target, name)

static const struct flag flags[] = {
	{.name = "text", .type = FLAG_TEXT, FIELD(text), .value = "TEXT"},
	{.name = "choice",
		.type = FLAG_CHOICE,
		FIELD(choice),
		.value = "KIND",
		.choices = "yaml|csv",
		.initial = "yaml"},
	{.name = "on", .type = FLAG_BOOL, FIELD(on), .initial = "true"},
	{.name = "off", .type = FLAG_BOOL, FIELD(off)},
	{.name = "number",
		.type = FLAG_NUMBER,
		FIELD(number),
		.value = "N",
		.initial = "20",
		.min = 1,
		.max = 500},
	{.name = "duration",
		.type = FLAG_DURATION,
		FIELD(duration),
		.value = "TIME",
		.initial = "1m30s",
		.max = 3600 * 1000},
	{.name = "help", .type = FLAG_BOOL, FIELD(help), .ends_parsing = true},
};
static const struct flag_set set = {
	.flags = flags, .count = sizeof(flags) / sizeof(flags[0]), .max_positional = 1};

static struct target target;
static struct flag_given given;
static struct err *error;

#define PARSE(...)                                                                                 \
	(err_freep(&error), error = NULL,                                                          \
		flag_parse(&set, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL}, &target,  \
			&given, &error))

static void done(void)
{
	err_freep(&error);
}

TestSuite(flag, .fini = done);

Test(flag, initial_values)
{
	cr_assert(PARSE());
	cr_assert_null(target.text);
	cr_assert_str_eq(target.choice, "yaml");
	cr_assert(target.on);
	cr_assert_not(target.off);
	cr_assert_eq(target.number, 20);
	cr_assert_eq(target.duration, 90000);
	for (size_t i = 0; i < set.count; i++)
		cr_assert_null(given.values[i]);
}

Test(flag, spellings_of_go)
{
	cr_assert(PARSE("--text=a=b", "--choice", "csv", "--on=f", "--off", "--number", "7",
		"--duration=500ms"));
	cr_assert_str_eq(target.text, "a=b");
	cr_assert_str_eq(target.choice, "csv");
	cr_assert_not(target.on);
	cr_assert(target.off);
	cr_assert_eq(target.number, 7);
	cr_assert_eq(target.duration, 500);
	cr_assert_str_eq(given.values[0], "a=b");
	cr_assert_eq(given.positional_count, 0);
}

Test(flag, booleans)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

	for (size_t i = 0; i < 6; i++) {
		CLEANUP(mem_freep) char *on = mem_printf("--off=%s", yes[i]);
		CLEANUP(mem_freep) char *off = mem_printf("--on=%s", no[i]);

		cr_assert(PARSE(on, off));
		cr_assert(target.off && !target.on);
	}
	cr_assert_not(PARSE("--on=yes"));
	cr_assert_str_eq(error->msg, "--on: \"yes\" is neither true nor false");
	cr_assert_not(PARSE("--on="));
}

Test(flag, a_value_may_look_like_a_flag)
{
	cr_assert(PARSE("--text", "--on"));
	cr_assert_str_eq(target.text, "--on");
	cr_assert(PARSE("--text", "-1"));
	cr_assert_str_eq(target.text, "-1");
}

Test(flag, the_last_one_counts_and_empty_is_not_given)
{
	cr_assert(PARSE("--text=a", "--text=b"));
	cr_assert_str_eq(target.text, "b");
	cr_assert(PARSE("--text=a", "--text="));
	cr_assert_null(target.text);
}

Test(flag, positional)
{
	cr_assert(PARSE("word"));
	cr_assert_eq(given.positional_count, 1);
	cr_assert_str_eq(given.positional[0], "word");
	cr_assert(PARSE("--off", "--", "--on"));
	cr_assert_str_eq(given.positional[0], "--on");
	cr_assert(PARSE("-"));
	cr_assert_str_eq(given.positional[0], "-");
	cr_assert_not(PARSE("one", "two"));
	cr_assert_str_eq(error->msg, "unexpected argument \"two\"");
	cr_assert_not(PARSE("one", "--off", "false"));
	cr_assert_str_eq(error->msg, "unexpected argument \"false\"; write --off=false");
}

Test(flag, help_ends_parsing)
{
	cr_assert(PARSE("--help", "--frobnicate"));
	cr_assert(target.help);
	cr_assert(PARSE("-h"));
	cr_assert(target.help);
}

Test(flag, unknown)
{
	cr_assert_not(PARSE("--numbr=3"));
	cr_assert_eq(error->kind, ERR_USAGE);
	cr_assert_str_eq(error->msg, "unknown flag --numbr; did you mean --number?");
	cr_assert_not(PARSE("-text"));
	cr_assert_str_eq(error->msg, "unknown flag -text; did you mean --text?");
	cr_assert_not(PARSE("--frobnicate"));
	cr_assert_str_eq(error->msg, "unknown flag --frobnicate (--help lists all flags)");
	cr_assert_not(PARSE("--tex"));
	cr_assert_not(PARSE("--=x"));
}

Test(flag, values_that_are_refused)
{
	static const char *const durations[] = {
		"", "20", "s", "1x", "-5s", "1.5s", "2h", "1m 2s", "99999999999s"};

	cr_assert_not(PARSE("--text"));
	cr_assert_str_eq(error->msg, "--text needs a value: --text=TEXT");
	cr_assert_not(PARSE("--number=0"));
	cr_assert_str_eq(error->msg, "--number: \"0\" is not a number from 1 to 500");
	cr_assert_not(PARSE("--number=501"));
	cr_assert_not(PARSE("--number=0x10"));
	cr_assert_not(PARSE("--number="));
	cr_assert_not(PARSE("--choice=xml"));
	cr_assert_str_eq(error->msg, "--choice: \"xml\" is none of yaml|csv");
	cr_assert_not(PARSE("--choice=yam"));
	cr_assert_not(PARSE("--choice=aml"));
	cr_assert_not(PARSE("--choice="));
	cr_assert_not(PARSE("--choice=yaml|csv"));
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
		cr_assert_not(PARSE("--duration", durations[i]), "%s", durations[i]);
	cr_assert(PARSE("--duration=0"));
	cr_assert(PARSE("--duration=1h"));
}
