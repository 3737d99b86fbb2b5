/*
 * `cip tuf`: a client of a TUF repository by hand, in the protocol that the conformance tests of
 * The Update Framework speak. The job itself uses signer/tuf_client.h without this.
 */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "signer/tuf_client.h"
#include "signer/tuf_store.h"

/* More is not what this is for. */
#define TARGET_MAX_BYTES ((size_t)256 << 20)

struct tuf_options {
	const char *metadata_dir, *metadata_url, *target_name, *target_base_url, *target_dir;
	bool help;
};

#define FIELD(member) .offset = offsetof(struct tuf_options, member)

static const struct flag flags[] = {
	{.group = "Flags",
		.name = "metadata-dir",
		.type = FLAG_DIRECTORY,
		.value = "DIR",
		FIELD(metadata_dir),
		.help = "where trusted metadata is kept",
		.details = "Only its owner and root may be able to write it"},
	{.name = "metadata-url",
		.type = FLAG_TEXT,
		.value = "URL",
		FIELD(metadata_url),
		.help = "where the repository has its metadata"},
	{.name = "target-name",
		.type = FLAG_TEXT,
		.value = "PATH",
		FIELD(target_name),
		.help = "download: the target, as the metadata calls it"},
	{.name = "target-base-url",
		.type = FLAG_TEXT,
		.value = "URL",
		FIELD(target_base_url),
		.help = "download: where the repository has its targets"},
	{.name = "target-dir",
		.type = FLAG_DIRECTORY,
		.value = "DIR",
		FIELD(target_dir),
		.help = "download: where to put it",
		.details = "A file that is there already and has the right bytes is not fetched "
			   "again"},
	{.name = "help",
		.type = FLAG_BOOL,
		FIELD(help),
		.ends_parsing = true,
		.help = "print this and stop"},
};
const struct flag_set cmd_tuf_flags = {
	.flags = flags, .count = sizeof(flags) / sizeof(flags[0]), .max_positional = 2};

static bool init(const struct tuf_options *options, const char *root, struct err **err)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(TUF_ROOT_MAX_BYTES);

	if (!fs_read_file(root, &bytes, err))
		return false;
	return tuf_client_init(options->metadata_dir, str_text(&bytes), bytes.len, err) ||
		err_prefix(err, "%s", root);
}

static struct tuf_client *refreshed(
	const struct tuf_options *options, struct http *http, struct err **err)
{
	const struct tuf_client_options client_options = {.http = http,
		.directory = options->metadata_dir,
		.metadata_url = options->metadata_url};
	CLEANUP(tuf_client_freep)
	struct tuf_client *client = tuf_client_new(&client_options, err);

	if (!client || !tuf_client_refresh(client, err))
		return NULL;
	return steal_ptr(&client);
}

static bool download(const struct tuf_options *options, struct tuf_client *client, struct err **err)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(TARGET_MAX_BYTES);
	CLEANUP(mem_freep) char *name = tuf_quote(options->target_name);
	CLEANUP(mem_freep) char *path = fs_join(options->target_dir, name);
	bool from_cache;

	if (!tuf_client_fetch(client, options->target_name, options->target_base_url, path, &bytes,
		    &from_cache, err))
		return false;
	return from_cache ||
		(fs_make_directories(options->target_dir, err) &&
			fs_write_atomic(path, str_text(&bytes), bytes.len, 0644, err));
}

/* *ret_signal: what interrupted it, 0 if nothing did. */
static bool run(const struct tuf_options *options, const struct flag_given *given, int *ret_signal,
	struct err **err)
{
	CLEANUP(connection_release) struct connection connection = {0};
	CLEANUP(tuf_client_freep) struct tuf_client *client = NULL;
	const char *verb = given->positional[0];
	bool done;

	if (strcmp(verb, "init") == 0)
		return init(options, given->positional[1], err);
	if (!connection_open(&connection, 0, err))
		return false;
	client = refreshed(options, connection.http, err);
	done = client && (strcmp(verb, "download") != 0 || download(options, client, err));
	*ret_signal = signals_received(connection.signals);
	return done;
}

static bool needs(const char *value, const char *flag, const char *verb, struct err **err)
{
	return value || err_set(err, ERR_USAGE, "tuf %s needs --%s", verb, flag);
}

static bool check_usage(
	const struct tuf_options *options, const struct flag_given *given, struct err **err)
{
	const char *verb = given->positional_count ? given->positional[0] : "";
	bool downloads = strcmp(verb, "download") == 0;

	if (strcmp(verb, "init") == 0)
		return needs(options->metadata_dir, "metadata-dir", verb, err) &&
			(given->positional_count == 2 ||
				err_set(err, ERR_USAGE, "tuf init needs the file of the root"));
	if ((!downloads && strcmp(verb, "refresh") != 0) || given->positional_count != 1)
		return err_set(err, ERR_USAGE,
			"tuf: one of \"init ROOT\", \"refresh\", \"download\" is needed");
	if (!needs(options->metadata_dir, "metadata-dir", verb, err) ||
		!needs(options->metadata_url, "metadata-url", verb, err))
		return false;
	return !downloads ||
		(needs(options->target_name, "target-name", verb, err) &&
			needs(options->target_base_url, "target-base-url", verb, err) &&
			needs(options->target_dir, "target-dir", verb, err));
}

int cmd_tuf(const struct program *program, const char *const *arguments)
{
	CLEANUP(err_freep) struct err *error = NULL;
	struct tuf_options options;
	struct flag_given given;
	int signal = 0;

	if (!flag_parse(&cmd_tuf_flags, arguments, &options, &given, &error))
		return command_usage_error(error);
	if (options.help)
		return help_command(program, command_find(program, "tuf"), stdout);
	if (!check_usage(&options, &given, &error))
		return command_usage_error(error);
	if (run(&options, &given, &signal, &error))
		return EXIT_CODE_OK;
	log_error("tuf: %s", error->msg);
	return exit_code_of_error(error, signal);
}
