/*
 * `cip sign-bundle`: a keyless signature of one file, as a Sigstore bundle; the command line of
 * sigstore-conformance. How it is signed: signer/signer.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/identity_flags.h"
#include "cli/signing_flags.h"
#include "signer/bundle_write.h"
#include "signer/signer.h"
#include "signer/statement.h"

#define TIMEOUT_MAX_MS (uint64_t)(60 * 60 * 1000)

struct sign_options {
	const char *bundle;
	bool in_toto;
	const char *identity_wanted;
	const char *issuer_wanted;
	struct identity_flags identity;
	struct trust_flags trust;
	struct signing_flags signing;
	int64_t timeout_ms;
	const char *log_level;
	bool help;
};

#define FIELD(name) .offset = offsetof(struct sign_options, name)

static const struct flag flags[] = {
	{.group = "What is signed",
		.name = "bundle",
		.type = FLAG_FILE,
		FIELD(bundle),
		.value = "OUT",
		.help = "where the bundle (JSON, version 0.3) is written, all of it or nothing"},
	{.name = "in-toto",
		.type = FLAG_BOOL,
		FIELD(in_toto),
		.help = "FILE is an in-toto statement: sign it in an envelope (DSSE)"},
	IDENTITY_FLAGS(struct sign_options, identity),
	{.name = "certificate-identity",
		.type = FLAG_TEXT,
		FIELD(identity_wanted),
		.value = "IDENTITY",
		.help = "sign only if the certificate names exactly this identity"},
	{.name = "certificate-oidc-issuer",
		.type = FLAG_TEXT,
		FIELD(issuer_wanted),
		.value = "URL",
		.help = "sign only if exactly this issuer vouches for it"},
	SIGNING_FLAGS(struct sign_options, signing),
	TRUST_FLAGS(struct sign_options, trust),
	{.group = "Other",
		.name = "timeout",
		.type = FLAG_DURATION,
		FIELD(timeout_ms),
		.value = "TIME",
		.initial = "1m",
		.min = 1,
		.max = TIMEOUT_MAX_MS,
		.help = "how long a service may take to answer one request"},
	{.name = "log-level",
		.type = FLAG_CHOICE,
		FIELD(log_level),
		.value = "LEVEL",
		.choices = "panic|fatal|error|warning|info|debug|trace",
		.initial = "info",
		.help = "what is said on standard error"},
	{.name = "help",
		.type = FLAG_BOOL,
		FIELD(help),
		.ends_parsing = true,
		.help = "print this and stop"},
};
const struct flag_set cmd_sign_bundle_flags = {
	.flags = flags,
	.count = sizeof(flags) / sizeof(flags[0]),
	.max_positional = 1,
};

/* Before anything gets into a public log for nothing. A device need not be in a directory of ours. */
static bool out_check(const char *path, struct err **err)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(mem_freep)
	char *directory = slash ? mem_strndup(path, slash == path ? 1 : (size_t)(slash - path))
				: mem_strdup(".");

	return access(path, W_OK) == 0 || access(directory, W_OK) == 0 ||
		err_set_errno(err, errno, "--bundle: cannot write into %s", directory);
}

/* ---- What is signed ---- */

struct input {
	struct str statement;
	struct message artifact;
	struct sign_content content;
};

static void input_release(struct input *input)
{
	str_release(&input->statement);
}

/* The first subject stands for all: what is verified is our own statement. */
static bool subject_of(const struct statement *statement, struct message *ret, struct err **err)
{
	if (!statement->digests.len)
		return err_set(err, ERR_INVALID,
			"the statement names no subject by sha256, sha384 or sha512");
	const struct statement_digest *digest = &statement->digests.items[0];
	*ret = (struct message){.known = 1u << digest->hash};
	memcpy(ret->digests[digest->hash], digest->bytes, hash_size(digest->hash));
	return true;
}

static bool statement_read(struct input *input, struct err **err)
{
	CLEANUP(statement_release) struct statement statement = {0};

	if (!statement_parse(str_text(&input->statement), input->statement.len, &statement, err) ||
		!subject_of(&statement, &input->artifact, err))
		return false;
	input->content = (struct sign_content){
		.bytes = str_text(&input->statement),
		.len = input->statement.len,
		.artifact = &input->artifact,
		.payload_type = DSSE_PAYLOAD_INTOTO,
	};
	return true;
}

static bool input_read(
	const struct sign_options *options, const char *path, struct input *input, struct err **err)
{
	str_init(&input->statement, DSSE_MAX_SIZE);
	if (options->in_toto)
		return fs_read_file(path, &input->statement, err) &&
			(statement_read(input, err) || err_prefix(err, "%s", path));
	input->content.artifact = &input->artifact;
	return message_of_file(path, &input->artifact, err);
}

/* ---- Signing ---- */

/* In the order in which they need each other. */
struct bench {
	struct connection connection;
	struct trust_source trust;
	struct signing_services services;
	struct id_token_source *tokens;
	struct signer *signer;
};

static void bench_release(struct bench *bench)
{
	signer_free(bench->signer);
	id_token_source_free(bench->tokens);
	signing_services_release(&bench->services);
	trust_source_release(&bench->trust);
	connection_release(&bench->connection);
}

static bool bench_open(const struct sign_options *options, struct bench *bench, struct err **err)
{
	struct signer_options signer = {
		.services = &bench->services,
		.scts = options->trust.ignore_sct ? 0 : 1,
		.identity = options->identity_wanted,
		.issuer = options->issuer_wanted,
	};

	if (!connection_open(&bench->connection, options->timeout_ms, err))
		return false;
	bench->tokens = identity_flags_source(&options->identity, bench->connection.http, err);
	if (!bench->tokens ||
		!trust_flags_load(&options->trust, &options->signing, bench->connection.http,
			&bench->trust, err) ||
		!signing_flags_services(&options->signing, &bench->trust, SIGNING_BUNDLE,
			clock_unix_ms(&clock_system) / 1000, &bench->services, err))
		return false;
	signer.http = bench->connection.http;
	signer.root = bench->trust.root;
	signer.tokens = bench->tokens;
	bench->signer = signer_new(&signer, err);
	return bench->signer != NULL;
}

static void say(const struct bundle *bundle, const char *path)
{
	const struct log_entry *entry = &bundle->entries.items[0];

	log_info("%s: signed by \"%.300s\" (issuer %.300s), certificate %s, log index %" PRIu64,
		path, certificate_identity(bundle->certificate),
		certificate_issuer(bundle->certificate), certificate_serial(bundle->certificate),
		entry->index);
}

static bool sign(const struct sign_options *options, const struct input *input, struct bench *bench,
	struct err **err)
{
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(str_release) struct str text = STR_INIT(BUNDLE_MAX_SIZE);

	if (!out_check(options->bundle, err) || !bench_open(options, bench, err) ||
		!signer_sign(bench->signer, SIGN_BUNDLE, &input->content, &bundle, err))
		return false;
	bundle_write(bundle, &text);
	if (!fs_write_atomic(options->bundle, str_text(&text), text.len, 0644, err))
		return false;
	say(bundle, options->bundle);
	return true;
}

static int run(const struct sign_options *options, const char *path)
{
	CLEANUP(err_freep) struct err *error = NULL;
	CLEANUP(input_release) struct input input = {0};
	CLEANUP(bench_release) struct bench bench = {0};

	if (input_read(options, path, &input, &error) && sign(options, &input, &bench, &error))
		return EXIT_CODE_OK;
	if (err_is(error, ERR_USAGE))
		return command_usage_error(error);
	log_error("sign-bundle: %s", error->msg);
	return exit_code_of_error(
		error, bench.connection.signals ? signals_received(bench.connection.signals) : 0);
}

static bool options_check(
	const struct sign_options *options, const struct flag_given *given, struct err **err)
{
	if (!options->bundle)
		return err_set(err, ERR_USAGE, "--bundle says where the signature is written");
	return given->positional_count == 1 ||
		err_set(err, ERR_USAGE, "the file that is to be signed is missing");
}

int cmd_sign_bundle(const struct program *program, const char *const *arguments)
{
	CLEANUP(err_freep) struct err *error = NULL;
	struct sign_options options;
	struct flag_given given;
	enum log_level level;

	if (!flag_parse(&cmd_sign_bundle_flags, arguments, &options, &given, &error))
		return command_usage_error(error);
	identity_flags_hide(&options.identity);
	int code;
	if (options.help) {
		code = help_command(program, command_find(program, "sign-bundle"), stdout);
	} else if (!options_check(&options, &given, &error)) {
		code = command_usage_error(error);
	} else {
		if (log_level_parse(options.log_level, &level))
			log_set_level(level);
		code = run(&options, given.positional[0]);
	}
	identity_flags_release(&options.identity);
	return code;
}
