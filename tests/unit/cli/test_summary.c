/* cli/summary.h */
#include "cli/summary.h"

#include <criterion/criterion.h>

static struct summary summary;
static struct str out;

static void begin(void)
{
	str_init(&out, 100000);
	summary_init(&summary);
}

static void done(void)
{
	str_release(&out);
	summary_release(&summary);
}

TestSuite(summary, .init = begin, .fini = done);

static void look(const char *project, uint64_t in_place, bool is_source)
{
	struct event event = {.kind = EVENT_LOOK,
		.look = {.project = project, .in_place = in_place, .is_source = is_source}};

	summary_event(&summary, &event);
}

static void record(const char *project, enum outcome outcome, enum finding_kind reason)
{
	struct event event = {.kind = EVENT_RECORD,
		.record = {.project = project, .outcome = outcome, .reason = reason}};

	summary_event(&summary, &event);
}

Test(summary, nothing)
{
	summary_print(&summary, &out);
	cr_assert_str_empty(str_text(&out));
}

Test(summary, one_project_has_no_total)
{
	look("", 1200, false);
	look("", 55, true);
	summary_print(&summary, &out);
	cr_assert_str_eq(str_text(&out),
		"PROJECT      IN PLACE\n"
		"(manifest)      1,200\n");
}

Test(summary, projects_sorted_with_total_and_reasons)
{
	look("zebra", 3, false);
	look("zebra", 4, false);
	record("apple", OUTCOME_PROMOTED, 0);
	record("apple", OUTCOME_QUARANTINED, FINDING_TAG_MOVE);
	record("apple", OUTCOME_QUARANTINED, FINDING_TAG_MOVE);
	record("apple", OUTCOME_QUARANTINED, FINDING_MALFORMED);
	record("zebra", OUTCOME_LOST, FINDING_LOST);
	/* A report of everything: counted by the look already. */
	summary_event(&summary,
		&(struct event){
			.kind = EVENT_RECORD, .record = {.project = "zebra", .in_look = true}});
	/* Read to see that it is right: no look has counted it. */
	record("zebra", OUTCOME_IN_PLACE, 0);
	summary_print(&summary, &out);
	cr_assert_str_eq(str_text(&out),
		"PROJECT   IN PLACE   PROMOTED   QUARANTINED   LOST  REASONS\n"
		"apple            0          1             3      0  malformed 1, tag-move 2\n"
		"zebra            8          0             0      1\n"
		"total            8          1             3      1  malformed 1, tag-move 2\n");
}

Test(summary, a_project_that_cannot_be_read_is_listed)
{
	struct event event = {.kind = EVENT_FINDING,
		.finding = {.kind = FINDING_INVALID_FILE, .project = "evil\x1b"}};

	summary_event(&summary, &event);
	event.finding.kind = FINDING_MALFORMED;
	summary_event(&summary, &event);
	summary_print(&summary, &out);
	cr_assert_str_eq(str_text(&out),
		"PROJECT    IN PLACE  REASONS\n"
		"evil\\x1b          0  invalid-file 1\n");
}
