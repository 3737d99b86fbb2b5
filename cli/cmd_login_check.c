/*
 * `cip login-check`: would a job get in everywhere? The one command that asks for push without
 * --confirm, since that is what it is asked.
 */
#include <string.h>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/login_table.h"
#include "cli/session.h"

#define FIELD(name) .offset = offsetof(struct options, name)

static const struct flag_set *const parts[] = {
	&options_manifest_flags,
	&options_registry_flags,
	&options_log_flags,
	NULL,
};
static const struct flag flags[] = {
	{.name = "output",
		.type = FLAG_CHOICE,
		FIELD(output),
		.value = "FORMAT",
		.choices = "table|json",
		.initial = "table",
		.help = "a table for people, or one JSON object (docs/registries.md)"},
	{.group = "Other",
		.name = "threads",
		.type = FLAG_NUMBER,
		FIELD(threads),
		.value = "N",
		.initial = "20",
		.min = 1,
		.max = OPTIONS_THREADS_MAX,
		.help = "registries asked at the same time"},
	{.name = "grace",
		.type = FLAG_DURATION,
		FIELD(grace_ms),
		.value = "TIME",
		.initial = "0",
		.max = OPTIONS_GRACE_MAX_MS,
		.help = "how long requests in flight may go on after SIGINT or SIGTERM"},
	{.name = "help",
		.type = FLAG_BOOL,
		FIELD(help),
		.ends_parsing = true,
		.help = "print this and stop"},
};
const struct flag_set cmd_login_check_flags = {
	.parts = parts,
	.flags = flags,
	.count = sizeof(flags) / sizeof(flags[0]),
};

static bool print(const struct options *options, const struct access_check *check)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	if (strcmp(options->output, "json") == 0)
		return login_table_json(check, stdout);
	login_table_text(check, &text);
	return fwrite(str_text(&text), 1, text.len, stdout) == text.len && fflush(stdout) == 0;
}

static int judge(const struct session *session, const struct access_check *check)
{
	size_t lacking = 0;

	if (check->interrupted)
		return EXIT_CODE_SIGNAL + session_signal(session);
	for (size_t i = 0; i < check->rows.len; i++)
		lacking += !access_row_suffices(&check->rows.items[i]);
	if (check->left_out)
		log_error("%lu projects were left out: their files cannot be read",
			(unsigned long)check->left_out);
	if (lacking)
		log_error("%zu of %zu would not be let in as needed", lacking, check->rows.len);
	return lacking || check->left_out ? EXIT_CODE_FINDINGS : EXIT_CODE_OK;
}

static int check_access(const struct session *session, struct registry *registry)
{
	CLEANUP(access_check_release) struct access_check check = {0};
	const struct access_check_options options = {
		.declared = session->manifests.declared,
		.registry = registry,
		.cancel = session->cancel,
		.threads = (unsigned)session->options->threads,
	};

	access_check_run(&options, &check);
	if (print(session->options, &check))
		return judge(session, &check);
	log_error("standard output could not be written");
	return EXIT_CODE_NOT_DONE;
}

static int run(struct session *session)
{
	CLEANUP(err_freep) struct err *error = NULL;
	CLEANUP(registry_freep) struct registry *registry = NULL;
	bool loaded = session_load(session, true, &error);

	session_say_left_out(session);
	if (loaded)
		registry = session_registry(session, false, &error);
	if (registry)
		return check_access(session, registry);
	session_log(LOG_ERROR, error->msg);
	return exit_code_of_error(error, session_signal(session));
}

int cmd_login_check(const struct program *program, const char *const *arguments)
{
	CLEANUP(err_freep) struct err *error = NULL;
	struct options options;
	struct session session;
	int code;

	if (!options_parse(&cmd_login_check_flags, arguments, &options, &error))
		return command_usage_error(error);
	if (options.help)
		return help_command(program, command_find(program, "login-check"), stdout);
	session_init(&session, &options);
	code = run(&session);
	session_release(&session);
	return code;
}
