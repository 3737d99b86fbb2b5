/*
 * `cip verify-bundle`: is this Sigstore bundle a signature of that artifact by this identity? Offline, but for
 * the trust root if that is not given; the command line of sigstore-conformance. How it is verified: signer/verify.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/fs.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/policy_flags.h"
#include "cli/signing_flags.h"
#include "cli/verify_output.h"
#include "image/digest.h"
#include "signer/verify.h"

struct verify_options {
	const char *bundle;
	struct policy_flags who;
	struct trust_flags trust;
	const char *output;
	bool help;
};

#define FIELD(name) .offset = offsetof(struct verify_options, name)

static const struct flag flags[] = {
	{.group = "What is verified",
		.name = "bundle",
		.type = FLAG_FILE,
		FIELD(bundle),
		.value = "FILE",
		.help = "the Sigstore bundle (JSON, version 0.1 to 0.3)"},
	POLICY_FLAGS(struct verify_options, who),
	TRUST_FLAGS(struct verify_options, trust),
	{.group = "Other",
		.name = "output",
		.type = FLAG_CHOICE,
		FIELD(output),
		.value = "FORMAT",
		.choices = "text|json",
		.initial = "text",
		.help = "lines for people, or one JSON object (docs/signing.md)"},
	{.name = "help",
		.type = FLAG_BOOL,
		FIELD(help),
		.ends_parsing = true,
		.help = "print this and stop"},
};
const struct flag_set cmd_verify_bundle_flags = {
	.flags = flags,
	.count = sizeof(flags) / sizeof(flags[0]),
	.max_positional = 1,
};

static bool options_check(
	const struct verify_options *options, const struct flag_given *given, struct err **err)
{
	if (!options->bundle)
		return err_set(err, ERR_USAGE, "--bundle says what to verify");
	if (given->positional_count != 1)
		return err_set(err, ERR_USAGE,
			"the artifact is missing: a file, or its digest as sha256:HEX");
	return policy_flags_check(&options->who, err);
}

static bool artifact_read(const char *name, struct message *ret_artifact, struct err **err)
{
	struct digest digest;

	if (strncmp(name, "sha256:", 7) != 0)
		return message_of_file(name, ret_artifact, err);
	if (!digest_parse(name, &digest, err))
		return false;
	*ret_artifact = message_of_sha256(digest.bytes);
	return true;
}

/* Everything but the bundle, which is what is being judged. */
struct inputs {
	struct loaded_policy policy;
	struct trust_source trust;
	struct message artifact;
	struct str bundle;
};

static void inputs_release(struct inputs *inputs)
{
	loaded_policy_release(&inputs->policy);
	trust_source_release(&inputs->trust);
	str_release(&inputs->bundle);
}

/* *ret_signal: what interrupted it, 0 if nothing did. */
static bool trust_read(const struct verify_options *options, struct trust_source *ret_trust,
	int *ret_signal, struct err **err)
{
	CLEANUP(connection_release) struct connection connection = {0};

	if (!trust_flags_need_network(&options->trust))
		return trust_flags_load(&options->trust, NULL, NULL, ret_trust, err);
	bool ok = connection_open(&connection, 0, err) &&
		trust_flags_load(&options->trust, NULL, connection.http, ret_trust, err);
	*ret_signal = signals_received(connection.signals);
	return ok;
}

/* What needs the network last. */
static bool inputs_read(const struct verify_options *options, const char *artifact,
	struct inputs *inputs, int *ret_signal, struct err **err)
{
	str_init(&inputs->bundle, BUNDLE_MAX_SIZE);
	return policy_flags_load(&options->who, options->trust.ignore_sct, &inputs->policy, err) &&
		artifact_read(artifact, &inputs->artifact, err) &&
		fs_read_file(options->bundle, &inputs->bundle, err) &&
		trust_read(options, &inputs->trust, ret_signal, err);
}

static int say_error(const char *what, const struct err *error, int code)
{
	CLEANUP(mem_freep) char *text = escape_terminal_text(error->msg);

	fprintf(stderr, "cip: %s%s\n", what, text);
	return code;
}

/* `error` is NULL if it passed. */
static int print(const struct verify_options *options, const struct verify_result *result,
	const struct err *error)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	bool written = true;

	if (strcmp(options->output, "json") == 0) {
		written = verify_output_json(result, error, stdout);
	} else if (!error) {
		verify_output_text(result, &text);
		written = fwrite(str_text(&text), 1, text.len, stdout) == text.len &&
			fflush(stdout) == 0;
	}
	if (!written) {
		fputs("cip: standard output could not be written\n", stderr);
		return EXIT_CODE_NOT_DONE;
	}
	if (!error)
		return EXIT_CODE_OK;
	CLEANUP(mem_freep)
	char *what = mem_printf("not verified, at %s: ", verify_step_name(result->failed));
	return say_error(what, error, EXIT_CODE_FINDINGS);
}

static int verify(const struct verify_options *options, const struct inputs *inputs)
{
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(verify_result_release) struct verify_result result = {0};
	CLEANUP(err_freep) struct err *error = NULL;
	if (bundle_parse(str_text(&inputs->bundle), inputs->bundle.len, &bundle, &error))
		verify_bundle(inputs->trust.root, bundle, &inputs->artifact, &inputs->policy.policy,
			&result, &error);
	return print(options, &result, error);
}

int cmd_verify_bundle(const struct program *program, const char *const *arguments)
{
	CLEANUP(err_freep) struct err *error = NULL;
	CLEANUP(inputs_release) struct inputs inputs = {0};
	struct verify_options options;
	struct flag_given given;
	int signal = 0;

	if (!flag_parse(&cmd_verify_bundle_flags, arguments, &options, &given, &error))
		return command_usage_error(error);
	if (options.help)
		return help_command(program, command_find(program, "verify-bundle"), stdout);
	if (!options_check(&options, &given, &error))
		return command_usage_error(error);
	if (inputs_read(&options, given.positional[0], &inputs, &signal, &error))
		return verify(&options, &inputs);
	return err_is(error, ERR_USAGE) ? command_usage_error(error)
					: say_error("", error, exit_code_of_error(error, signal));
}
