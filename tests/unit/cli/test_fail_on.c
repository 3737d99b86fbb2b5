/* cli/fail_on.h */
#include "cli/fail_on.h"

#include <criterion/criterion.h>

static unsigned parsed(const char *list)
{
	unsigned kinds = ~0u;

	cr_assert(fail_on_parse(list, &kinds, NULL), "%s", list);
	return kinds;
}

Test(fail_on, lists)
{
	cr_assert_eq(parsed("none"), 0);
	cr_assert_eq(parsed(""), 0);
	cr_assert_eq(parsed(NULL), 0);
	cr_assert_eq(parsed("lost"), 1u << FINDING_LOST);
	cr_assert_eq(parsed("lost,tag-move,"), 1u << FINDING_LOST | 1u << FINDING_TAG_MOVE);
	cr_assert_eq(parsed("all"),
		1u << FINDING_MALFORMED | 1u << FINDING_INVALID_FILE | 1u << FINDING_OVERLAP |
			1u << FINDING_TAG_MOVE | 1u << FINDING_LOST | 1u << FINDING_CYCLE |
			1u << FINDING_ERROR | 1u << FINDING_UNSIGNED);
}

Test(fail_on, refused)
{
	static const struct {
		const char *list, *message;
	} cases[] = {
		{"losst", "--fail-on: there is no finding \"losst\"; did you mean lost?"},
		{"x",
			"--fail-on: there is no finding \"x\"; there are malformed, invalid-file, "
			"overlap, "
			"tag-move, lost, cycle, error, unsigned, all and none"},
		{"lost, error", "--fail-on: there is no finding \" error\"; did you mean error?"},
		{"warning", "--fail-on: a warning never changes the exit code"},
		{"tree", "--fail-on: a tree of the wrong shape always fails; leave \"tree\" out"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(err_freep) struct err *error = NULL;
		unsigned kinds = 7;

		cr_assert_not(fail_on_parse(cases[i].list, &kinds, &error));
		cr_assert_eq(kinds, 7);
		cr_assert_eq(error->kind, ERR_USAGE);
		cr_assert_str_eq(error->msg, cases[i].message);
	}
}

Test(fail_on, what_was_met)
{
	CLEANUP(str_release) struct str reasons = STR_INIT(1000);
	uint64_t counts[FINDING_KINDS] = {0};
	unsigned kinds = parsed("malformed,tag-move,error");

	cr_assert_not(fail_on_met(kinds, counts, &reasons));
	counts[FINDING_LOST] = 5;
	cr_assert_not(fail_on_met(kinds, counts, &reasons));
	cr_assert_str_empty(str_text(&reasons));
	counts[FINDING_MALFORMED] = 1;
	counts[FINDING_TAG_MOVE] = 2;
	cr_assert(fail_on_met(kinds, counts, &reasons));
	cr_assert_str_eq(str_text(&reasons), "malformed 1, tag-move 2");
}
