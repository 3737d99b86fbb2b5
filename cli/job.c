/*
 * The way of a job from its flags to its exit code. What is done is the business of reconciler/, how
 * it is said that of output.c, who exists when that of session.c.
 */
#include "cli/job.h"

#include "cli/exit_code.h"
#include "cli/fail_on.h"
#include "cli/metrics_file.h"
#include "cli/offline.h"
#include "cli/results.h"
#include "cli/session.h"
#include "cli/signing_setup.h"
#include "reconciler/run.h"

struct job {
	const struct options *options;
	struct session session;
	struct results results;
	struct metrics_file metrics;
	struct signing_setup signing; /* all zero: nothing is signed */
};

static bool is_offline(const struct options *options)
{
	return options->parse_only || options->snapshot_of;
}

/* For jobs that end before a run begins, which would say them itself. */
static void say_findings(struct job *job)
{
	const struct declared *declared = job->session.manifests.declared;

	for (size_t i = 0; declared && i < declared->findings.len; i++) {
		const struct event event = {.kind = EVENT_FINDING,
			.unix_ms = clock_unix_ms(&clock_system),
			.finding = declared->findings.items[i]};

		output_finding(job->session.output, &event.finding);
		results_event(&job->results, &event);
	}
}

/* Puts the report in place; returns the exit code, which is worse if that fails. */
static int report(
	struct job *job, const struct run_result *result, const struct err *error, int code)
{
	CLEANUP(err_freep) struct err *report_error = NULL;

	results_add_quotas(&job->results, job->session.http);
	if (results_report(&job->results, result, error, &report_error))
		return code;
	session_log(LOG_ERROR, report_error->msg);
	return EXIT_CODE_NOT_DONE;
}

static int failed(struct job *job, const struct err *error)
{
	session_log(LOG_ERROR, error->msg);
	return report(job, NULL, error, exit_code_of_error(error, session_signal(&job->session)));
}

/* A tree of the wrong shape is a finding like others for those who only check. */
static int not_loaded(struct job *job, const struct err *error)
{
	const struct options *options = job->options;
	const struct declared *declared = job->session.manifests.declared;
	CLEANUP(err_freep) struct err *report_error = NULL;

	if (!is_offline(options) &&
		!results_init(&job->results, options, job->session.manifests.source, &report_error))
		session_log(LOG_ERROR, report_error->msg);
	say_findings(job);
	if (!declared || !declared_findings(declared, FINDING_TREE))
		return failed(job, error);
	log_error("the manifest tree has the wrong shape; nothing is done");
	return report(job, NULL, error,
		options->parse_only || options->strict ? EXIT_CODE_USAGE : EXIT_CODE_NOT_DONE);
}

/* ERR_INVALID if --strict forbids to go on. */
static bool check_strict(const struct job *job, struct err **err)
{
	CLEANUP(str_release) struct str reasons = STR_INIT(STR_TEXT_MAX);
	uint64_t findings[FINDING_KINDS];

	offline_count_findings(job->session.manifests.declared, findings);
	if (!job->options->strict || !fail_on_met(job->options->fail_on, findings, &reasons))
		return true;
	return err_set(err, ERR_INVALID,
		"--strict: nothing is done, the manifests have findings: %s", str_text(&reasons));
}

static int stopped_by_strict(struct job *job, const struct err *error)
{
	session_log(LOG_ERROR, error->msg);
	return report(job, NULL, error, EXIT_CODE_USAGE);
}

static int run_offline(struct job *job)
{
	CLEANUP(err_freep) struct err *error = NULL;

	say_findings(job);
	if (job->options->parse_only)
		return offline_parse_only(job->options, job->session.manifests.declared);
	if (!check_strict(job, &error))
		return stopped_by_strict(job, error);
	return offline_snapshot(job->options, job->session.manifests.declared);
}

static const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

static void say_what_was_done(const struct job *job, const struct run_result *result)
{
	unsigned long long in_place =
		result->outcomes[OUTCOME_IN_PLACE] + result->outcomes[OUTCOME_SIGNED];
	unsigned long long planned = result->outcomes[OUTCOME_PLANNED];
	unsigned long long promoted =
		result->outcomes[OUTCOME_PROMOTED] + result->outcomes[OUTCOME_UNSIGNED];
	unsigned long long all = 0;

	for (enum outcome outcome = 0; outcome < OUTCOMES; outcome++)
		all += result->outcomes[outcome];
	if (!planned && !promoted)
		log_info("nothing to %s: %llu image%s in place",
			result->outcomes[OUTCOME_IN_PLACE] == all ? "do" : "promote", in_place,
			plural(in_place));
	else if (job->options->confirm)
		log_info("promoted %llu image%s; %llu in place before", promoted, plural(promoted),
			in_place);
	else
		log_info("%llu image%s to promote, %llu in place; --confirm carries it out",
			planned, plural(planned), in_place);
	if (job->options->confirm && job->options->sign)
		log_info("signed %llu image%s; promotion records of %llu",
			(unsigned long long)result->signed_images, plural(result->signed_images),
			(unsigned long long)result->recorded_images);
	if (result->assumed_images || result->verified_images)
		log_info("signed before: %llu verified, %llu assumed as they are listed",
			(unsigned long long)result->verified_images,
			(unsigned long long)result->assumed_images);
}

/* Mirrors never change the exit code: the periodic job that fills them has its own. */
static void say_mirrors(const struct job *job, const struct run_result *result)
{
	const uint64_t *ends = result->mirrored;
	unsigned long long lacking = ends[REPLICA_MISSING] + ends[REPLICA_DIFFERS];
	unsigned long long failed = ends[REPLICA_CONFLICT] + ends[REPLICA_FAILED];

	if (job->options->replicate && job->options->confirm)
		log_info("mirrors: brought %llu signatures and the like; %llu in place before",
			(unsigned long long)(ends[REPLICA_COPIED] + ends[REPLICA_MERGED]),
			(unsigned long long)(ends[REPLICA_IN_PLACE] + ends[REPLICA_HAS_MORE]));
	else if (ends[REPLICA_PLANNED])
		log_info("mirrors: %llu signatures and the like to bring",
			(unsigned long long)ends[REPLICA_PLANNED]);
	if (lacking)
		log_warning("mirrors: %llu signatures and the like are missing or differ; "
			    "--replicate or cip replicate-signatures brings them",
			lacking);
	if (failed)
		log_warning("mirrors: %llu signatures and the like could not be brought", failed);
}

/* How it went, for the log; returns the exit code. */
static int judge(const struct job *job, const struct run_result *result)
{
	CLEANUP(str_release) struct str reasons = STR_INIT(STR_TEXT_MAX);
	int signal = session_signal(&job->session);

	if (result->interrupted) {
		unsigned long long left = result->outcomes[OUTCOME_NOT_DONE];

		log_warning("interrupted: %llu image%s left; the next run goes on with them", left,
			plural(left));
		return EXIT_CODE_SIGNAL + signal;
	}
	say_what_was_done(job, result);
	say_mirrors(job, result);
	if (fail_on_met(job->options->fail_on, result->findings, &reasons)) {
		log_error("finished with findings: %s", str_text(&reasons));
		return EXIT_CODE_FINDINGS;
	}
	return EXIT_CODE_OK;
}

static void on_event(void *ctx, const struct event *event)
{
	struct job *job = ctx;

	results_event(&job->results, event);
	metrics_file_event(&job->metrics, event);
}

static int execute(struct job *job, struct registry *registry)
{
	CLEANUP(err_freep) struct err *error = NULL;
	struct run_result result = {0};
	struct run_options run = {
		.declared = job->session.manifests.declared,
		.registry = registry,
		.cancel = job->session.cancel,
		.threads = (unsigned)job->options->threads,
		.confirm = job->options->confirm,
		.source = job->session.manifests.source,
		.signing = job->options->sign ? &job->signing.options : NULL,
		.slow_destination_ms = job->session.config.slow_destination_ms,
		.verify_writes = job->options->verify_writes,
		.verify_depth = job->options->verify_depth,
		.sweep = (uint32_t)job->options->sweep,
		.records_for_all = job->options->report_all,
		.replicate = job->options->replicate,
	};
	bool done;

	output_set_listener(job->session.output, on_event, job);
	run.events = output_start(job->session.output, http_totals(job->session.http));
	done = run_execute(&run, &result, &error);
	output_stop(job->session.output);
	if (!done)
		return failed(job, error);
	metrics_file_set_result(&job->metrics, &result);
	if (!results_print(&job->results, output_summary(job->session.output), &error)) {
		session_log(LOG_ERROR, error->msg);
		return report(job, &result, NULL, EXIT_CODE_NOT_DONE);
	}
	return report(job, &result, NULL, judge(job, &result));
}

static int run_online(struct job *job)
{
	CLEANUP(err_freep) struct err *error = NULL;
	CLEANUP(registry_freep) struct registry *registry = NULL;

	if (!results_init(&job->results, job->options, job->session.manifests.source, &error))
		return failed(job, error);
	if (!check_strict(job, &error)) {
		say_findings(job);
		return stopped_by_strict(job, error);
	}
	registry = session_registry(&job->session, !job->options->confirm, &error);
	if (!registry)
		return failed(job, error);
	if (job->options->sign && !signing_setup_init(&job->signing, &job->session, &error))
		return failed(job, error);
	return execute(job, registry);
}

int job_run(const struct options *options)
{
	struct job job = {.options = options};
	CLEANUP(err_freep) struct err *error = NULL;
	int code;

	session_init(&job.session, options);
	metrics_file_init(&job.metrics, "promote");
	if (!session_load(&job.session, !is_offline(options), &error))
		code = not_loaded(&job, error);
	else if (is_offline(options))
		code = run_offline(&job);
	else
		code = run_online(&job);
	code = metrics_file_write(&job.metrics, &job.session, NULL, code);
	results_release(&job.results);
	signing_setup_release(&job.signing);
	session_release(&job.session);
	return code;
}
