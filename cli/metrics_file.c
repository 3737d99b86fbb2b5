/*
 * Gathers what metrics.c writes from those who know it.
 */
#include "cli/metrics_file.h"

#include "cip_version.h"
#include "cli/exit_code.h"
#include "cli/metrics.h"

void metrics_file_init(struct metrics_file *file, const char *command)
{
	*file = (struct metrics_file){
		.command = command, .start_unix_ms = clock_unix_ms(&clock_system)};
}

void metrics_file_event(struct metrics_file *file, const struct event *event)
{
	if (event->kind != EVENT_TOTALS)
		return;
	file->totals = event->totals;
	file->has_totals = true;
}

void metrics_file_set_result(struct metrics_file *file, const struct run_result *result)
{
	file->result = *result;
	file->has_result = true;
}

static bool write_file(const struct metrics_file *file, const struct session *session,
	const struct str *more, int exit_code, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	VEC(struct http_quota) quotas = {0};
	struct http_quota quota;
	bool written;

	while (session->http && http_quota_at(session->http, quotas.len, &quota))
		*vec_push(&quotas) = quota;
	metrics_run_add(&text,
		&(struct metrics_run){
			.command = file->command,
			.version = CIP_VERSION,
			.commit = CIP_COMMIT,
			.confirm = session->options->confirm,
			.exit_code = exit_code,
			.start_unix_ms = file->start_unix_ms,
			.end_unix_ms = clock_unix_ms(&clock_system),
			.totals = file->has_totals ? &file->totals : NULL,
			.result = file->has_result ? &file->result : NULL,
			.summary = file->has_result ? output_summary(session->output) : NULL,
			.tally = session->http ? http_totals(session->http) : NULL,
			.quotas = quotas.items,
			.quota_count = quotas.len,
		});
	if (more)
		str_add(&text, str_text(more), more->len);
	written = str_overflowed(&text) ? err_set(err, ERR_TOO_LARGE, "metrics: too many")
					: metrics_write(session->options->metrics_file, &text, err);
	vec_release(&quotas);
	return written;
}

int metrics_file_write(const struct metrics_file *file, const struct session *session,
	const struct str *more, int exit_code)
{
	CLEANUP(err_freep) struct err *error = NULL;

	if (!session->options->metrics_file || write_file(file, session, more, exit_code, &error))
		return exit_code;
	session_log(LOG_ERROR, error->msg);
	return EXIT_CODE_NOT_DONE;
}
