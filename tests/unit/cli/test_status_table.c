/* cli/status_table.h */
#include "cli/status_table.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "tests/unit/reconciler/schema_check.h"

static struct drift drift;
static struct run_result result;
static struct status status;
static char *text;

static void begin(void)
{
	drift_init(&drift);
	result = (struct run_result){0};
	status = (struct status){.drift = &drift,
		.result = &result,
		.program_version = "1.2.3",
		.program_commit = "abc",
		.source = "tree",
		.start_unix_ms = 1000000000000,
		.end_unix_ms = 1000000001000,
		.requests = 7};
}

static void done(void)
{
	drift_release(&drift);
	free(text);
}

TestSuite(status_table, .init = begin, .fini = done);

static void finish(void)
{
	drift_finish(&drift);
}

static const char *table(bool all)
{
	size_t len;
	FILE *out = open_memstream(&text, &len);

	finish();
	cr_assert(status_table_text(&status, all, out));
	fclose(out);
	return text;
}

static const char *json(void)
{
	size_t len;
	FILE *out = open_memstream(&text, &len);

	finish();
	cr_assert(status_table_json(&status, out));
	fclose(out);
	return text;
}

/* One image in place and `missing` tags that are not. */
static void tell(const char *project, const char *repository, unsigned missing)
{
	struct event event = {.kind = EVENT_RECORD,
		.record = {.project = project,
			.destination = repository,
			.digest_found = KNOWN_PRESENT,
			.outcome = missing ? OUTCOME_PLANNED : OUTCOME_IN_PLACE}};
	char names[100][16];

	for (unsigned i = 0; i < missing; i++) {
		snprintf(names[i], sizeof(names[i]), "v%02u", i);
		*vec_push(&event.record.tags) = (struct record_tag){
			.name = names[i], .found = TAG_ABSENT, .place = {"images.yaml", 3, 1}};
	}
	drift_event(&drift, &event);
	vec_release(&event.record.tags);
}

static void tell_moved(const char *project)
{
	struct event event = {.kind = EVENT_RECORD,
		.record = {.project = project,
			.destination = "dst/app",
			.digest_found = KNOWN_PRESENT,
			.outcome = OUTCOME_QUARANTINED}};

	*vec_push(&event.record.tags) = (struct record_tag){.name = "v1", .found = TAG_ELSEWHERE};
	event.record.tags.items[0].found_digest.bytes[0] = 0xff;
	drift_event(&drift, &event);
	vec_release(&event.record.tags);
}

static void tell_unreadable(const char *error)
{
	struct event event = {.kind = EVENT_LOOK,
		.look = {.repository = "dst/app", .project = "z", .error = mem_strdup(error)}};

	for (int i = 0; i < 120; i++) {
		char name[16];

		snprintf(name, sizeof(name), "x%d", i);
		extra_tags_add(&event.look.extra, name);
	}
	drift_event(&drift, &event);
	event_release(&event);
}

static bool follows_schema(const char *document)
{
	CLEANUP(str_release) struct str schema = STR_INIT(STR_TEXT_MAX);
	const char *root = getenv("CIP_SOURCE_DIR");
	CLEANUP(mem_freep) char *file = fs_join(root ? root : ".", "docs/status.schema.json");

	cr_assert(fs_read_file(file, &schema, NULL), "%s: cannot be read", file);
	return schema_check(str_text(&schema), document);
}

Test(status_table, in_sync)
{
	tell("", "dst/app", 0);
	cr_expect_str_eq(table(false),
		"PROJECT      IMAGES   IN PLACE   TAGS   IN PLACE\n"
		"(manifest)        1          1      0          0\n");
}

Test(status_table, one_line_a_project_and_what_drifted)
{
	tell("zoo", "dst/app", 1);
	tell("ape", "dst/app", 0);
	cr_expect_str_eq(table(false),
		"PROJECT   IMAGES   IN PLACE   TAGS   IN PLACE   NO TAG\n"
		"ape            1          1      0          0        0\n"
		"zoo            1          0      1          0        1\n"
		"total          2          1      1          0        1\n"
		"\n"
		"missing-tag    dst/app:v00  declared "
		"sha256:0000000000000000000000000000000000000000000000000000000000000000  "
		"images.yaml:3\n");
}

static unsigned lines_with(const char *what)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		count++;
	return count;
}

Test(status_table, the_first_of_each_kind)
{
	tell("zoo", "dst/app", 50);
	tell_moved("zoo");
	table(false);
	cr_expect_eq(lines_with("\nmissing-tag "), 21);
	cr_expect(strstr(text, "missing-tag    ... 30 more; --all shows them\n"));
	cr_expect(strstr(text, "tag-elsewhere  dst/app:v1 "));
	cr_expect(strstr(text, "  found sha256:ff00"));
}

Test(status_table, all_of_them)
{
	tell("zoo", "dst/app", 50);
	table(true);
	cr_expect_eq(lines_with("\nmissing-tag "), 50);
}

Test(status_table, text_from_outside_is_escaped)
{
	tell_unreadable("50\x1b[2J3");
	table(false);
	cr_expect(strstr(text, "unreadable     dst/app: 50\\x1b[2J3\n"));
	cr_expect_null(strchr(text, '\x1b'));
}

Test(status_table, json_follows_its_schema)
{
	tell("zoo", "dst/app", 50);
	tell_moved("zoo");
	tell_unreadable("50\x1b[2J\xff");
	cr_expect(follows_schema(json()));
	cr_expect(strstr(text, "\"in_sync\":false"));
}

Test(status_table, json_of_what_is_in_sync)
{
	tell("zoo", "dst/app", 0);
	cr_expect(follows_schema(json()));
	cr_expect(strstr(text, "\"in_sync\":true"));
}

Test(status_table, an_interrupted_look_is_not_in_sync)
{
	result.interrupted = true;
	json();
	cr_expect(strstr(text, "\"in_sync\":false"));
}

Test(status_table, metrics)
{
	CLEANUP(str_release) struct str out = STR_INIT(100000);

	tell("zoo", "dst/app", 3);
	tell("", "dst/app", 0);
	finish();
	status_table_metrics(&status, "status", &out);
	text = str_steal(&out, NULL);
	cr_expect(strstr(
		text, "cip_project_declared{command=\"status\",project=\"zoo\",what=\"tag\"} 3\n"));
	cr_expect(strstr(text,
		"cip_project_in_place{command=\"status\",project=\"(manifest)\",what=\"image\"} "
		"1\n"));
	cr_expect(strstr(text,
		"cip_project_drift{command=\"status\",project=\"zoo\",kind=\"missing-tag\"} 3\n"));
	cr_expect(strstr(text, "cip_project_unknown{command=\"status\",project=\"zoo\"} 0\n"));
	cr_expect(strstr(text,
		"cip_project_signed{command=\"status\",project=\"zoo\",seen=\"assumed\"} 0\n"));
}
