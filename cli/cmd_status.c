/*
 * `cip status`: how far the registries have drifted from the manifests. The job's run without
 * --confirm, counted differently; nothing is written anywhere, and nobody is asked for the right to.
 */
#include <stdio.h>
#include <string.h>

#include "cip_version.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/metrics_file.h"
#include "cli/signing_setup.h"
#include "cli/status_table.h"

#define FIELD(name) .offset = offsetof(struct options, name)

static const struct flag_set *const parts[] = {
	&options_manifest_flags,
	&options_registry_flags,
	&options_log_flags,
	NULL,
};
static const struct flag flags[] = {
	{.group = "What is compared",
		.name = "sign",
		.type = FLAG_BOOL,
		FIELD(sign),
		.initial = "true",
		.help = "signatures and promotion records too"},
	{.name = "signature-format",
		.type = FLAG_CHOICE,
		FIELD(signature_format),
		.value = "FORMAT",
		.choices = "legacy|bundle|both",
		.help = "in which form signatures are to be there: legacy (.sig and .att, the "
			"default), bundle, or both"},
	{.name = "verify-depth",
		.type = FLAG_CHOICE,
		FIELD(verify_depth_text),
		.value = "DEPTH",
		.choices = "presence|digest|full",
		.initial = "digest",
		.help = "how much of what is listed is believed: presence (all of it), digest "
			"(where tags point is asked), full (every signature is read and verified)",
		.details = "The last needs --certificate-identity and --certificate-oidc-issuer. "
			   "docs/convergence.md says what each costs."},
	{.name = "sweep",
		.type = FLAG_NUMBER,
		FIELD(sweep),
		.value = "N",
		.initial = "0",
		.max = OPTIONS_SWEEP_MAX,
		.help = "read and verify signatures of one in N images, in each hour others; 0: "
			"none; needs the same two"},
	{.name = "certificate-identity",
		.type = FLAG_TEXT,
		FIELD(certificate_identity),
		.value = "IDENTITY",
		.help = "whose signatures are ours: e-mail address or URI in the certificate, "
			"exactly"},
	{.name = "certificate-oidc-issuer",
		.type = FLAG_TEXT,
		FIELD(certificate_issuer),
		.value = "URL",
		.help = "who must have vouched for that identity, exactly"},
	{.name = "slsa",
		.type = FLAG_BOOL,
		FIELD(slsa),
		.initial = "true",
		.help = "beside the promotion record, also SLSA provenance of the promotion"},
	{.name = "max-signature-ops",
		.type = FLAG_NUMBER,
		FIELD(max_signature_ops),
		.value = "N",
		.initial = "50",
		.min = 1,
		.max = OPTIONS_THREADS_MAX,
		.help = "images whose signatures are read at the same time"},
	TRUST_FLAGS(struct options, trust),
	{.group = "How much at a time",
		.name = "threads",
		.type = FLAG_NUMBER,
		FIELD(threads),
		.value = "N",
		.initial = "20",
		.min = 1,
		.max = OPTIONS_THREADS_MAX,
		.help = "repositories looked at at the same time"},
	{.name = "grace",
		.type = FLAG_DURATION,
		FIELD(grace_ms),
		.value = "TIME",
		.initial = "20s",
		.max = OPTIONS_GRACE_MAX_MS,
		.help = "how long requests in flight may go on after SIGINT or SIGTERM; a second "
			"signal ends them at once"},
	{.group = "What is told",
		.name = "output",
		.type = FLAG_CHOICE,
		FIELD(output),
		.value = "FORMAT",
		.choices = "table|json",
		.initial = "table",
		.help = "a table for people, or one JSON object (docs/status.schema.json)"},
	{.name = "all",
		.type = FLAG_BOOL,
		FIELD(status_all),
		.help = "below the table every single thing that drifted, not the first of each "
			"kind; JSON has them all anyway"},
	{.name = "metrics-file",
		.type = FLAG_FILE,
		FIELD(metrics_file),
		.value = "FILE",
		.help = "write metrics by project in the text format of Prometheus, in every case"},
	{.name = "progress",
		.type = FLAG_CHOICE,
		FIELD(progress),
		.value = "WHEN",
		.choices = "auto|never",
		.initial = "auto",
		.help = "show progress when standard error is a terminal (auto), or never"},
	{.group = "Other",
		.name = "help",
		.type = FLAG_BOOL,
		FIELD(help),
		.ends_parsing = true,
		.help = "print this and stop"},
};
const struct flag_set cmd_status_flags = {
	.parts = parts,
	.flags = flags,
	.count = sizeof(flags) / sizeof(flags[0]),
};

struct job {
	struct session session;
	struct signing_setup signing;
	struct drift drift;
	struct metrics_file metrics;
	struct str samples;
};

static void on_event(void *ctx, const struct event *event)
{
	struct job *job = ctx;

	drift_event(&job->drift, event);
	metrics_file_event(&job->metrics, event);
}

static void say_drift(const struct drift_project *total)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	for (enum drift_kind kind = 0; kind < DRIFT_KINDS; kind++)
		if (total->drift[kind])
			str_addf(&text, ", %s %llu", drift_kind_name(kind),
				(unsigned long long)total->drift[kind]);
	if (total->images_unknown)
		str_addf(&text, ", images that could not be looked at %llu",
			(unsigned long long)total->images_unknown);
	log_error("drifted: %s", str_text(&text) + strlen(", "));
}

static int judge(const struct job *job, const struct run_result *result)
{
	struct drift_project total = drift_total(&job->drift);

	if (result->interrupted) {
		log_warning("interrupted: not everything was looked at");
		return EXIT_CODE_SIGNAL + session_signal(&job->session);
	}
	if (!drift_is_none(&total)) {
		say_drift(&total);
		return EXIT_CODE_FINDINGS;
	}
	log_info("everything is as declared: images %llu, tags %llu",
		(unsigned long long)total.images, (unsigned long long)total.tags);
	return EXIT_CODE_OK;
}

static int tell(struct job *job, const struct run_result *result)
{
	const struct options *options = job->session.options;
	const struct source *source = job->session.manifests.source;
	const struct status status = {
		.drift = &job->drift,
		.result = result,
		.program_version = CIP_VERSION,
		.program_commit = CIP_COMMIT,
		.source = source_description(source),
		.commit = source_commit(source),
		.start_unix_ms = job->metrics.start_unix_ms,
		.end_unix_ms = clock_unix_ms(&clock_system),
		.requests = atomic_load(&http_totals(job->session.http)->requests),
	};
	bool printed;

	drift_finish(&job->drift);
	if (options->metrics_file)
		status_table_metrics(&status, job->metrics.command, &job->samples);
	printed = strcmp(options->output, "json") == 0
		? status_table_json(&status, stdout)
		: status_table_text(&status, options->status_all, stdout);
	if (printed)
		return judge(job, result);
	log_error("standard output could not be written");
	return EXIT_CODE_NOT_DONE;
}

static bool set_up_signing(struct job *job, struct err **err)
{
	const struct options *options = job->session.options;
	bool reads = options->verify_depth == VERIFY_FULL || options->sweep;

	return signing_setup_init(&job->signing, &job->session, err) &&
		(!reads || signing_setup_reader(&job->signing, &job->session, err));
}

static bool compare(
	struct job *job, struct registry *registry, struct run_result *ret_result, struct err **err)
{
	const struct options *options = job->session.options;
	struct run_options run = {
		.declared = job->session.manifests.declared,
		.registry = registry,
		.cancel = job->session.cancel,
		.threads = (unsigned)options->threads,
		.signing = options->sign ? &job->signing.options : NULL,
		.slow_destination_ms = job->session.config.slow_destination_ms,
		.verify_depth = options->verify_depth,
		.sweep = (uint32_t)options->sweep,
		.records_for_all = true,
		.extra_tags = true,
	};
	bool done;

	if (options->sign && !set_up_signing(job, err))
		return false;
	output_leave_findings(job->session.output);
	output_set_listener(job->session.output, on_event, job);
	run.events = output_start(job->session.output, http_totals(job->session.http));
	done = run_execute(&run, ret_result, err);
	output_stop(job->session.output);
	if (done)
		metrics_file_set_result(&job->metrics, ret_result);
	return done;
}

static int run(struct job *job)
{
	CLEANUP(err_freep) struct err *error = NULL;
	CLEANUP(registry_freep) struct registry *registry = NULL;
	struct run_result result = {0};

	if (session_load(&job->session, true, &error))
		registry = session_registry(&job->session, true, &error);
	else
		session_say_left_out(&job->session);
	if (registry && compare(job, registry, &result, &error))
		return tell(job, &result);
	session_log(LOG_ERROR, error->msg);
	return exit_code_of_error(error, session_signal(&job->session));
}

/* Nothing can be verified of whom nobody names. */
static bool check_reader(const struct options *options, struct err **err)
{
	bool reads = options->sign && (options->verify_depth == VERIFY_FULL || options->sweep);

	if (!reads || (options->certificate_identity && options->certificate_issuer))
		return true;
	return err_set(err, ERR_USAGE,
		"--verify-depth=full and --sweep need --certificate-identity and "
		"--certificate-oidc-issuer: whose signatures are ours");
}

int cmd_status(const struct program *program, const char *const *arguments)
{
	CLEANUP(err_freep) struct err *error = NULL;
	CLEANUP(options_release) struct options options = {0};
	struct job job = {.samples = STR_INIT(STR_TEXT_MAX)};
	int code;

	if (!options_parse(&cmd_status_flags, arguments, &options, &error))
		return command_usage_error(error);
	if (options.help)
		return help_command(program, command_find(program, "status"), stdout);
	if (!check_reader(&options, &error))
		return command_usage_error(error);
	session_init(&job.session, &options);
	metrics_file_init(&job.metrics, "status");
	drift_init(&job.drift);
	code = run(&job);
	code = metrics_file_write(&job.metrics, &job.session, &job.samples, code);
	drift_release(&job.drift);
	str_release(&job.samples);
	signing_setup_release(&job.signing);
	session_release(&job.session);
	return code;
}
