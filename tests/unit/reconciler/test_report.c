#include "reconciler/report.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/reconciler/schema_check.h"

static char directory[64];
static char *path;

static void set_up(void)
{
	snprintf(directory, sizeof(directory), "/tmp/cip-report.XXXXXX");
	cr_assert(mkdtemp(directory));
	path = fs_join(directory, "report.json");
	for (const char *const *name = (const char *const[]){"PROW_JOB_ID", "GITHUB_ACTIONS",
		     "GITLAB_CI", "JENKINS_URL", "BUILDKITE", NULL};
		*name; name++)
		unsetenv(*name);
}

static void tear_down(void)
{
	fs_remove_tree(directory, NULL);
	mem_free(path);
}

TestSuite(report, .init = set_up, .fini = tear_down);

static size_t files_in_directory(void)
{
	DIR *dir = opendir(directory);
	size_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}

static struct report *begin(struct err **err)
{
	const struct report_options options = {
		.path = path,
		.program_version = "1.2.3",
		.program_commit = "abcdef",
		.source = "https://example.org/manifests at main",
		.confirm = true,
		.threads = 20,
	};

	return report_new(&options, err);
}

static void add_finding(struct report *report)
{
	struct event event = {.kind = EVENT_FINDING,
		.finding = {.kind = FINDING_MALFORMED,
			.place = {"images/a/images.yaml", 3, 5},
			.project = "a",
			.message = mem_strdup("not a digest")}};

	report_add_event(report, &event);
	event_release(&event);
}

static void add_looks(struct report *report)
{
	struct event look = {.kind = EVENT_LOOK,
		.look = {.repository = "dst.io/foo",
			.project = "a",
			.digests = 3,
			.in_place = 1,
			.requests = 4,
			.bytes_received = 100}};
	struct event source = {.kind = EVENT_LOOK,
		.look = {.repository = "src.io/foo",
			.project = "a",
			.is_source = true,
			.requests = 2,
			.error = mem_strdup("503")}};

	report_add_event(report, &source);
	report_add_event(report, &look);
	event_release(&source);
}

static void add_mutable_tags(struct record *record, const char *why)
{
	*vec_push(&record->tags) = (struct record_tag){.name = "latest",
		.place = {"images/a/images.yaml", 3, 17},
		.found = TAG_ELSEWHERE,
		.found_digest = digest_of(DIGEST_SHA256, "y", 1),
		.done = TAG_DONE_WRITTEN,
		.written_unix_ms = 1767323045999};
	*vec_push(&record->tags) = (struct record_tag){.name = "edge",
		.place = {"images/a/images.yaml", 3, 25},
		.found = TAG_ELSEWHERE,
		.found_digest = digest_of(DIGEST_SHA256, "y", 1),
		.done = TAG_DONE_QUARANTINED,
		.reason = FINDING_TAG_MOVE,
		.why = mem_strdup(why)};
}

static void add_record(struct report *report, const char *error)
{
	struct event event = {.kind = EVENT_RECORD,
		.record = {
			.project = "a",
			.source = "src.io/foo",
			.destination = "dst.io/foo",
			.place = {"images/a/images.yaml", 3, 5},
			.digest = digest_of(DIGEST_SHA256, "x", 1),
			.digest_found = KNOWN_ABSENT,
			.digest_done = TAG_DONE_WRITTEN,
			.outcome = OUTCOME_FAILED,
			.reasons = 1U << FINDING_ERROR | 1U << FINDING_TAG_MOVE,
			.reason = FINDING_ERROR,
			.error_kind = ERR_TRANSIENT,
			.error = mem_strdup(error),
			.started_unix_ms = 1767323045678,
			.ended_unix_ms = 1767323046000,
			.requests = 7,
			.bytes_sent = 1000,
		}};

	*vec_push(&event.record.tags) = (struct record_tag){.name = "v1",
		.place = {"images/a/images.yaml", 3, 9},
		.found = TAG_ABSENT,
		.done = TAG_DONE_WRITTEN,
		.written_unix_ms = 1767323045999};
	*vec_push(&event.record.tags) = (struct record_tag){.name = "v2",
		.place = {"images/a/images.yaml", 3, 13},
		.found = TAG_ELSEWHERE,
		.found_digest = digest_of(DIGEST_SHA256, "y", 1),
		.done = TAG_DONE_QUARANTINED,
		.reason = FINDING_TAG_MOVE};
	add_mutable_tags(&event.record, error);
	event.record.signing = (struct record_signing){
		.identity = mem_strdup("registry.example.com/foo"),
		.primary = "dst.io/foo",
		.leads = true,
		.signature = SIGNED_NOW,
		.attestation = SIGNED_FAILED,
		.error = mem_strdup(error),
		.error_kind = ERR_TIMEOUT,
	};
	*vec_push(&event.record.signing.logged) = (struct record_logged){.type = "signature",
		.form = "legacy",
		.serial = mem_strdup("0a1b"),
		.log = "https://rekor.example.com",
		.index = 41,
		.unix_ms = 1767323045999};
	report_add_event(report, &event);
	event.record.digest_malformed = true;
	event.record.requests = 0;
	event.record.bytes_sent = 0;
	report_add_event(report, &event);
	event_release(&event);
}

static json_t *read_report(void)
{
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);

	cr_assert(root, "the report is no JSON");
	return root;
}

static void write_full(
	const char *error, const struct run_result *result, const struct err *run_error)
{
	struct err *err = NULL;
	struct report *report = begin(&err);

	cr_assert(report, "%s", err ? err->msg : "");
	report_add_event(report,
		&(struct event){.kind = EVENT_TOTALS, .totals = {.digests = 3, .edges = 4}});
	add_finding(report);
	add_looks(report);
	add_record(report, error);
	report_add_quota(report,
		&(struct http_quota){
			.name = "b.io 2", .requests = 5, .throttled = 1, .ceiling = 19.96});
	report_add_quota(report, &(struct http_quota){.name = "a.io 0", .requests = 7});
	report_add_quota(report,
		&(struct http_quota){.name = "b.io 3", .requests = 2, .retries = 1, .ceiling = 30});
	cr_expect_eq(access(path, F_OK), -1, "not there before it is whole");
	cr_assert(report_finish(report, result, run_error, &err));
	report_free(report);
	cr_expect_eq(files_in_directory(), 1);
}

static bool follows_schema(void)
{
	CLEANUP(str_release) struct str schema = STR_INIT(STR_TEXT_MAX);
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	const char *root = getenv("CIP_SOURCE_DIR");
	CLEANUP(mem_freep) char *file = fs_join(root ? root : ".", "docs/report.schema.json");

	cr_assert(fs_read_file(file, &schema, NULL), "%s: cannot be read", file);
	cr_assert(fs_read_file(path, &text, NULL));
	return schema_check(str_text(&schema), str_text(&text));
}

Test(report, holds_what_was_told_and_follows_its_schema)
{
	const struct run_result result = {
		.outcomes = {[OUTCOME_IN_PLACE] = 1, [OUTCOME_FAILED] = 2}};
	json_t *root, *record, *tag, *signing, *logged;
	const char *text;

	write_full("GET: 503", &result, NULL);
	cr_expect(follows_schema());
	root = read_report();
	cr_expect_eq(json_integer_value(json_object_get(root, "version")), 1);
	cr_expect_eq(json_array_size(json_object_get(root, "records")), 2);
	record = json_array_get(json_object_get(root, "records"), 0);
	text = json_string_value(json_object_get(record, "started"));
	cr_expect_str_eq(text, "2026-01-02T03:04:05.678Z");
	cr_expect_str_eq(json_string_value(json_object_get(record, "message")), "GET: 503");
	tag = json_array_get(json_object_get(record, "tags"), 2);
	cr_expect_str_eq(json_string_value(json_object_get(tag, "moved_from")),
		json_string_value(json_object_get(tag, "found_digest")));
	tag = json_array_get(json_object_get(record, "tags"), 3);
	cr_expect_null(json_object_get(tag, "moved_from"), "it is still there");
	cr_expect_str_eq(json_string_value(json_object_get(tag, "message")), "GET: 503");
	signing = json_object_get(record, "signing");
	cr_expect_str_eq(json_string_value(json_object_get(signing, "signature")), "now");
	cr_expect_str_eq(json_string_value(json_object_get(signing, "attestation")), "failed");
	cr_expect_str_eq(json_string_value(json_object_get(signing, "error_kind")), "timeout");
	logged = json_array_get(json_object_get(signing, "logged"), 0);
	cr_expect_eq(json_integer_value(json_object_get(logged, "log_index")), 41);
	cr_expect_str_eq(json_string_value(json_object_get(logged, "certificate_serial")), "0a1b");
	cr_expect_eq(
		json_integer_value(json_object_get(json_object_get(root, "totals"), "requests")),
		4 + 2 + 7);
	json_decref(root);
}

Test(report, adds_up_the_quotas_of_a_registry)
{
	const struct run_result result = {.outcomes = {[OUTCOME_IN_PLACE] = 1}};
	json_t *root, *registries, *registry;

	write_full("GET: 503", &result, NULL);
	root = read_report();
	registries = json_object_get(root, "registries");
	cr_assert_eq(json_array_size(registries), 2);
	registry = json_array_get(registries, 0);
	cr_expect_str_eq(json_string_value(json_object_get(registry, "host")), "a.io");
	cr_expect(json_is_null(json_object_get(registry, "ceiling")));
	registry = json_array_get(registries, 1);
	cr_expect_str_eq(json_string_value(json_object_get(registry, "host")), "b.io");
	cr_expect_eq(json_integer_value(json_object_get(registry, "requests")), 7);
	cr_expect_eq(json_integer_value(json_object_get(registry, "retries")), 1);
	cr_expect_eq(json_integer_value(json_object_get(registry, "throttled")), 1);
	cr_expect_eq(json_real_value(json_object_get(registry, "ceiling")), 20.0);
	json_decref(root);
}

Test(report, an_empty_run_follows_the_schema_too)
{
	struct err *err = NULL;
	struct err *why = NULL;
	struct report *report = begin(&err);

	err_set(&why, ERR_USAGE, "too many threads");
	cr_assert(report_finish(report, NULL, why, &err));
	report_free(report);
	cr_expect(follows_schema());
	err_free(why);
}

Test(report, hostile_bytes_stay_text)
{
	json_t *root;
	const char *message;

	write_full(
		"quote\" back\\ line\nbell\a bad\xff\xc3 over\xc0\xaf sur\xed\xa0\x80 c1\xc2\x9b "
		"good \xc3\xa9 \xf0\x9f\x8d\xb0",
		NULL, NULL);
	cr_expect(follows_schema());
	root = read_report();
	message = json_string_value(
		json_object_get(json_array_get(json_object_get(root, "records"), 0), "message"));
	cr_expect(strstr(message, "quote\" back\\ line\nbell\a"));
	cr_expect(strstr(message, "good \xc3\xa9 \xf0\x9f\x8d\xb0"));
	cr_expect(strstr(message, "bad\xef\xbf\xbd\xef\xbf\xbd over"), "%s", message);
	json_decref(root);
}

Test(report, names_the_job)
{
	json_t *root, *job;

	setenv("PROW_JOB_ID", "1234", 1);
	setenv("JOB_NAME", "post-promote", 1);
	setenv("BUILD_ID", "77", 1);
	write_full("x", NULL, NULL);
	cr_expect(follows_schema());
	root = read_report();
	job = json_object_get(root, "job");
	cr_expect_str_eq(json_string_value(json_object_get(job, "system")), "prow");
	cr_expect_str_eq(json_string_value(json_object_get(job, "name")), "post-promote");
	json_decref(root);
}

Test(report, a_wrong_path_is_known_before_the_run)
{
	CLEANUP(err_freep) struct err *err = NULL;

	mem_free(path);
	path = fs_join(directory, "missing/report.json");
	cr_assert_null(begin(&err));
	cr_expect_eq(err->kind, ERR_IO);
	cr_expect(strstr(err->msg, "missing/report.json"), "%s", err->msg);
}

Test(report, a_full_disk_leaves_the_old_report_and_nothing_else)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	const struct rlimit limit = {.rlim_cur = 20000, .rlim_max = 20000};
	struct report *report;

	cr_assert(fs_write_atomic(path, "old", 3, 0644, NULL));
	report = begin(&err);
	/* The system refuses to let files grow beyond the limit, as a full disk does. */
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (int i = 0; i < 500; i++)
		add_record(report, "a message of some length to fill the disk with");
	cr_expect_not(report_finish(report, NULL, NULL, &err));
	report_free(report);
	cr_assert(err);
	cr_expect_eq(err->kind, ERR_IO);
	cr_expect(strstr(err->msg, path), "%s", err->msg);
	cr_assert(fs_read_file(path, &text, NULL));
	cr_expect_str_eq(str_text(&text), "old");
	cr_expect_eq(files_in_directory(), 1);
}

Test(report, an_unfinished_report_leaves_nothing)
{
	struct report *report = begin(NULL);

	add_record(report, "x");
	report_free(report);
	cr_expect_eq(files_in_directory(), 0);
}

Test(report, a_link_is_followed_not_replaced)
{
	CLEANUP(mem_freep) char *target = fs_join(directory, "target.json");
	struct stat info;

	cr_assert(fs_write_atomic(target, "old", 3, 0644, NULL));
	cr_assert_eq(symlink("target.json", path), 0);
	report_free(begin(NULL));
	{
		struct err *err = NULL;
		struct report *report = begin(&err);

		cr_assert(report_finish(report, NULL, NULL, &err));
		report_free(report);
	}
	cr_assert_eq(lstat(path, &info), 0);
	cr_expect(S_ISLNK(info.st_mode));
	cr_expect(follows_schema());
}

Test(report, what_is_no_file_is_written_directly)
{
	struct err *err = NULL;
	struct report *report;

	mem_free(path);
	path = mem_strdup("/dev/null");
	report = begin(&err);
	cr_assert(report);
	cr_expect(report_finish(report, NULL, NULL, &err));
	report_free(report);
	cr_expect_eq(access("/dev/null", W_OK), 0);
}
