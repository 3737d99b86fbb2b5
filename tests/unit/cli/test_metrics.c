/* cli/metrics.h */
#include "cli/metrics.h"

#include <criterion/criterion.h>
#include <string.h>

static struct str out;
static struct summary summary;

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

TestSuite(metrics, .init = begin, .fini = done);

static void expect(const char *line)
{
	cr_assert(strstr(str_text(&out), line), "no %s in\n%s", line, str_text(&out));
}

static void expect_no(const char *text)
{
	cr_assert(!strstr(str_text(&out), text), "%s in\n%s", text, str_text(&out));
}

Test(metrics, a_run_that_could_not_be_done)
{
	metrics_run_add(&out,
		&(struct metrics_run){.command = "promote",
			.version = "1.2.3",
			.commit = "abc",
			.exit_code = 1,
			.start_unix_ms = 1000000001500,
			.end_unix_ms = 1000000003000});
	expect("cip_build_info{command=\"promote\",version=\"1.2.3\",commit=\"abc\"} 1\n");
	expect("cip_last_run_success{command=\"promote\"} 0\n");
	expect("cip_last_run_exit_code{command=\"promote\"} 1\n");
	expect("cip_last_run_start_timestamp_seconds{command=\"promote\"} 1000000001.500\n");
	expect("cip_last_run_duration_seconds{command=\"promote\"} 1.500\n");
	expect_no("cip_declared");
	expect_no("cip_last_run_images");
	expect_no("cip_last_run_requests");
	expect_no("registry");
}

Test(metrics, what_a_run_did)
{
	struct plan_totals totals = {.digests = 5, .edges = 7, .repositories = 2};
	struct run_result result = {.outcomes = {[OUTCOME_FAILED] = 2},
		.findings = {[FINDING_ERROR] = 2},
		.signed_images = 3,
		.assumed_images = 20,
		.verified_images = 4,
		.mirrored = {[REPLICA_DIFFERS] = 6}};
	struct event look = {.kind = EVENT_LOOK, .look = {.project = "", .in_place = 3}};
	struct event record = {
		.kind = EVENT_RECORD, .record = {.project = "other", .outcome = OUTCOME_FAILED}};

	summary_event(&summary, &look);
	summary_event(&summary, &record);
	metrics_run_add(&out,
		&(struct metrics_run){.command = "status",
			.version = "",
			.commit = "",
			.totals = &totals,
			.result = &result,
			.summary = &summary});
	expect("cip_last_run_success{command=\"status\"} 1\n");
	expect("cip_declared_images{command=\"status\"} 5\n");
	expect("cip_declared_edges{command=\"status\"} 7\n");
	expect("cip_last_run_images{command=\"status\",outcome=\"failed\"} 2\n");
	expect("cip_last_run_findings{command=\"status\",kind=\"error\"} 2\n");
	expect("cip_last_run_signed_images{command=\"status\"} 3\n");
	expect("cip_last_run_signed_before_images{command=\"status\",seen=\"assumed\"} 20\n");
	expect("cip_last_run_signed_before_images{command=\"status\",seen=\"verified\"} 4\n");
	expect("cip_last_run_mirrored{command=\"status\",outcome=\"differs\"} 6\n");
	expect("cip_project_images{command=\"status\",project=\"(manifest)\",outcome=\"in-place\"} "
	       "3\n");
	expect("cip_project_images{command=\"status\",project=\"other\",outcome=\"failed\"} 1\n");
}

Test(metrics, a_host_is_told_once)
{
	const struct http_quota quotas[] = {
		{.name = "b.example 1",
			.requests = 1,
			.retries = 2,
			.throttled = 3,
			.paused_ms = 4},
		{.name = "a.example x", .requests = 10},
		{.name = "b.example 2", .requests = 5, .paused_ms = 1000},
		{.name = "a.example.org 1", .requests = 100},
	};

	metrics_run_add(&out,
		&(struct metrics_run){.command = "c",
			.version = "",
			.commit = "",
			.quotas = quotas,
			.quota_count = 4});
	expect("cip_last_run_registry_requests{command=\"c\",host=\"a.example\"} 10\n"
	       "cip_last_run_registry_requests{command=\"c\",host=\"a.example.org\"} 100\n"
	       "cip_last_run_registry_requests{command=\"c\",host=\"b.example\"} 6\n");
	expect("cip_last_run_registry_retries{command=\"c\",host=\"b.example\"} 2\n");
	expect("cip_last_run_registry_throttled{command=\"c\",host=\"b.example\"} 3\n");
	expect("cip_last_run_registry_paused_seconds{command=\"c\",host=\"b.example\"} 1.004\n");
}
