/*
 * The metrics of every run. Names and labels are an interface that dashboards depend on:
 * docs/operations.md lists them. How a line looks is metrics_text.c's business.
 */
#include "cli/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cli/metrics_text.h"

struct host_sums {
	const char *name; /* not terminated */
	size_t len;
	uint64_t requests, retries, throttled, paused_ms;
};

/* One sample without labels of its own. */
static void add_single(struct str *out, const struct metrics_run *run, const char *name,
	const char *help, uint64_t value)
{
	const struct metric_label labels[] = {{"command", run->command}, {0}};

	metrics_text_family(out, name, help);
	metrics_text_sample(out, name, labels, value);
}

static void add_seconds(struct str *out, const struct metrics_run *run, const char *name,
	const char *help, int64_t ms)
{
	const struct metric_label labels[] = {{"command", run->command}, {0}};

	metrics_text_family(out, name, help);
	metrics_text_thousandths(out, name, labels, ms);
}

static void add_labelled(struct str *out, const struct metrics_run *run, const char *name,
	const char *label, const char *of, uint64_t value)
{
	const struct metric_label labels[] = {{"command", run->command}, {label, of}, {0}};

	metrics_text_sample(out, name, labels, value);
}

static void add_build(struct str *out, const struct metrics_run *run)
{
	const struct metric_label labels[] = {
		{"command", run->command}, {"version", run->version}, {"commit", run->commit}, {0}};

	metrics_text_family(out, "cip_build_info", "The program that ran; always 1.");
	metrics_text_sample(out, "cip_build_info", labels, 1);
}

static void add_end(struct str *out, const struct metrics_run *run)
{
	add_single(out, run, "cip_last_run_success", "1 if the run ended with exit code 0.",
		run->exit_code == 0);
	add_single(out, run, "cip_last_run_exit_code", "Exit code of the run.",
		(uint64_t)run->exit_code);
	add_single(out, run, "cip_last_run_confirm", "1 if the run was allowed to write.",
		run->confirm);
	add_seconds(out, run, "cip_last_run_start_timestamp_seconds", "When the run began.",
		run->start_unix_ms);
	add_seconds(out, run, "cip_last_run_end_timestamp_seconds", "When the run ended.",
		run->end_unix_ms);
	add_seconds(out, run, "cip_last_run_duration_seconds", "How long the run took.",
		run->end_unix_ms - run->start_unix_ms);
}

static void add_declared(struct str *out, const struct metrics_run *run)
{
	add_single(out, run, "cip_declared_images",
		"Pairs of a destination repository and a digest that the manifests declare.",
		run->totals->digests);
	add_single(out, run, "cip_declared_edges",
		"Digests and tags that the manifests declare, in each destination repository.",
		run->totals->edges);
	add_single(out, run, "cip_declared_repositories", "Destination repositories.",
		run->totals->repositories);
}

static void add_result(struct str *out, const struct metrics_run *run)
{
	const struct run_result *result = run->result;

	metrics_text_family(out, "cip_last_run_images", "Declared pairs by what became of them.");
	for (enum outcome outcome = 0; outcome < OUTCOMES; outcome++)
		add_labelled(out, run, "cip_last_run_images", "outcome", outcome_name(outcome),
			result->outcomes[outcome]);
	metrics_text_family(out, "cip_last_run_findings", "Findings by kind.");
	for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++)
		add_labelled(out, run, "cip_last_run_findings", "kind", finding_kind_name(kind),
			result->findings[kind]);
	metrics_text_family(out, "cip_last_run_signed_before_images",
		"Images that were signed before, by how that is known.");
	add_labelled(out, run, "cip_last_run_signed_before_images", "seen", "assumed",
		result->assumed_images);
	add_labelled(out, run, "cip_last_run_signed_before_images", "seen", "verified",
		result->verified_images);
	metrics_text_family(out, "cip_last_run_mirrored",
		"What stands beside images, at each of their mirrors, by what became of it.");
	for (enum replica_end end = 0; end < REPLICA_ENDS; end++)
		add_labelled(out, run, "cip_last_run_mirrored", "outcome", replica_end_name(end),
			result->mirrored[end]);
	add_single(out, run, "cip_last_run_signed_images", "Images that were signed.",
		result->signed_images);
	add_single(out, run, "cip_last_run_recorded_images",
		"Images that got a new promotion record.", result->recorded_images);
}

static void add_projects(struct str *out, const struct metrics_run *run)
{
	const struct summary *summary = run->summary;

	metrics_text_family(
		out, "cip_project_images", "Declared pairs of a project by what became of them.");
	for (size_t i = 0; i < summary->projects.len; i++) {
		const struct summary_project *project = &summary->projects.items[i];

		for (enum outcome outcome = 0; outcome < OUTCOMES; outcome++) {
			const struct metric_label labels[] = {{"command", run->command},
				{"project", *project->name ? project->name : SUMMARY_UNNAMED},
				{"outcome", outcome_name(outcome)}, {0}};

			metrics_text_sample(
				out, "cip_project_images", labels, project->outcomes[outcome]);
		}
	}
}

static int by_host(const void *a, const void *b)
{
	const struct host_sums *x = a, *y = b;
	int order = strncmp(x->name, y->name, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Into as many as there are hosts, sorted; returns how many that are. */
static size_t sum_hosts(const struct metrics_run *run, struct host_sums *hosts)
{
	size_t count = 0;

	for (size_t i = 0; i < run->quota_count; i++) {
		const struct http_quota *quota = &run->quotas[i];

		hosts[i] = (struct host_sums){quota->name, strcspn(quota->name, " "),
			quota->requests, quota->retries, quota->throttled, quota->paused_ms};
	}
	qsort(hosts, run->quota_count, sizeof(*hosts), by_host);
	for (size_t i = 0; i < run->quota_count; i++) {
		if (count == 0 || by_host(&hosts[count - 1], &hosts[i]) != 0) {
			hosts[count++] = hosts[i];
			continue;
		}
		hosts[count - 1].requests += hosts[i].requests;
		hosts[count - 1].retries += hosts[i].retries;
		hosts[count - 1].throttled += hosts[i].throttled;
		hosts[count - 1].paused_ms += hosts[i].paused_ms;
	}
	return count;
}

enum host_sum { HOST_REQUESTS, HOST_RETRIES, HOST_THROTTLED, HOST_PAUSED, HOST_SUMS };
static const struct {
	const char *name, *help;
} host_families[HOST_SUMS] = {
	{"cip_last_run_registry_requests", "Requests to a registry."},
	{"cip_last_run_registry_retries", "Repeated requests to a registry."},
	{"cip_last_run_registry_throttled", "Answers of a registry that its limit is reached."},
	{"cip_last_run_registry_paused_seconds",
		"How long nothing was sent to a registry because of that."},
};

static void add_host(struct str *out, const struct metrics_run *run, const struct host_sums *host,
	enum host_sum sum)
{
	CLEANUP(mem_freep) char *name = mem_strndup(host->name, host->len);
	const struct metric_label labels[] = {{"command", run->command}, {"host", name}, {0}};
	const uint64_t values[] = {host->requests, host->retries, host->throttled};

	if (sum == HOST_PAUSED)
		metrics_text_thousandths(
			out, host_families[sum].name, labels, (int64_t)host->paused_ms);
	else
		metrics_text_sample(out, host_families[sum].name, labels, values[sum]);
}

static void add_hosts(struct str *out, const struct metrics_run *run)
{
	struct host_sums *hosts = mem_new(run->quota_count + 1, sizeof(*hosts));
	size_t count = sum_hosts(run, hosts);

	for (enum host_sum sum = 0; sum < HOST_SUMS && count; sum++) {
		metrics_text_family(out, host_families[sum].name, host_families[sum].help);
		for (size_t i = 0; i < count; i++)
			add_host(out, run, &hosts[i], sum);
	}
	mem_free(hosts);
}

static void add_traffic(struct str *out, const struct metrics_run *run)
{
	const struct http_tally *tally = run->tally;

	add_single(out, run, "cip_last_run_requests",
		"Requests to all servers, repetitions included.", atomic_load(&tally->requests));
	add_single(out, run, "cip_last_run_received_bytes",
		"Bytes of the bodies that were received.", atomic_load(&tally->bytes_received));
	add_single(out, run, "cip_last_run_sent_bytes", "Bytes of the bodies that were sent.",
		atomic_load(&tally->bytes_sent));
}

void metrics_run_add(struct str *out, const struct metrics_run *run)
{
	add_build(out, run);
	add_end(out, run);
	if (run->totals)
		add_declared(out, run);
	if (run->result)
		add_result(out, run);
	if (run->summary && run->summary->projects.len)
		add_projects(out, run);
	if (run->tally)
		add_traffic(out, run);
	add_hosts(out, run);
}

bool metrics_write(const char *path, const struct str *text, struct err **err)
{
	return fs_write_atomic(path, str_text(text), text->len, 0644, err) ||
		err_prefix(err, "metrics");
}
