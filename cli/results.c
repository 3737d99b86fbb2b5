/*
 * Which result goes where. How plan, summary and report look is decided elsewhere.
 */
#include "cli/results.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cip_version.h"

bool results_init(struct results *results, const struct options *options,
	const struct source *source, struct err **err)
{
	const struct report_options report = {
		.path = options->report_file,
		.program_version = CIP_VERSION,
		.program_commit = CIP_COMMIT,
		.source = source ? source_description(source) : NULL,
		.commit = source ? source_commit(source) : NULL,
		.confirm = options->confirm,
		.records_for_all = options->report_all,
		.threads = (unsigned)options->threads,
	};

	*results = (struct results){.options = options};
	if (!options->confirm)
		results->plan = plan_text_new();
	if (!options->report_file)
		return true;
	results->report = report_new(&report, err);
	return results->report != NULL;
}

void results_release(struct results *results)
{
	plan_text_free(results->plan);
	report_free(results->report);
	*results = (struct results){0};
}

void results_event(void *ctx, const struct event *event)
{
	struct results *results = ctx;

	if (results->plan && event->kind == EVENT_RECORD)
		plan_text_add(results->plan, &event->record);
	if (results->report)
		report_add_event(results->report, event);
}

static bool write_out(void *ctx, const char *bytes, size_t len, struct err **err)
{
	FILE *out = ctx;

	if (fwrite(bytes, 1, len, out) == len)
		return true;
	return err_set_errno(err, errno, "standard output could not be written");
}

static bool flush(FILE *out, struct err **err)
{
	return fflush(out) == 0 ||
		err_set_errno(err, errno, "standard output could not be written");
}

static bool print_summary(const struct summary *summary, FILE *out, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	/* People see it below a log; whatever else reads it wants only the table. */
	if (isatty(fileno(out)))
		str_add_char(&text, '\n');
	summary_print(summary, &text);
	return write_out(out, str_text(&text), text.len, err) && flush(out, err);
}

bool results_print(struct results *results, const struct summary *summary, struct err **err)
{
	if (!results->plan)
		return print_summary(summary, stdout, err);
	if (!plan_text_write(results->plan, write_out, stdout, err) || !flush(stdout, err))
		return false;
	if (strcmp(results->options->log_format, "json") == 0)
		return true;
	return print_summary(summary, stderr, err);
}

void results_add_quotas(struct results *results, struct http *http)
{
	struct http_quota quota;

	for (size_t i = 0; results->report && http && http_quota_at(http, i, &quota); i++)
		report_add_quota(results->report, &quota);
}

bool results_report(struct results *results, const struct run_result *result,
	const struct err *run_error, struct err **err)
{
	return !results->report || report_finish(results->report, result, run_error, err);
}
