/*
 * From arguments to options: parsing by the table, then the rules between flags. Touches neither
 * files nor network, so every message here costs the person who typed nothing.
 */
#include "cli/options.h"

#include <string.h>

#include "cli/fail_on.h"

static bool asks_for_something(const struct flag *flag, const char *value)
{
	bool is_harmless = *value == '\0' || (flag->harmless && strcmp(value, flag->harmless) == 0);

	if (flag->type == FLAG_BOOL)
		return !strchr("0fF", *value);
	return !is_harmless;
}

/*
 * Flags of kpromo that come later must not be ignored: somebody who narrows a run would believe to
 * have got it. Values that ask for nothing are fine.
 */
static bool check_later(
	const struct flag_set *flags, const struct flag_given *given, struct err **err)
{
	for (size_t i = 0; i < flag_count(flags); i++) {
		const struct flag *flag = flag_at(flags, i);
		const char *value = given->values[i];

		if (!value)
			continue;
		if (flag->state == FLAG_LATER && asks_for_something(flag, value))
			return err_set(err, ERR_USAGE, "--%s: this version of cip cannot %s yet",
				flag->name, flag->help);
	}
	return true;
}

static bool check_source(const struct options *options, struct err **err)
{
	const struct {
		const char *name, *value;
	} only_git[] = {
		{"manifest-ref", options->manifest_ref},
		{"manifest-path", options->manifest_path},
		{"cache-dir", options->cache_dir},
		{"git-token-file", options->git_token_file},
		{"git-username", options->git_username},
		{"git-ssh-key", options->git_ssh_key},
	};
	int sources = !!options->manifest + !!options->thin_manifest_dir + !!options->manifest_repo;

	if (sources == 0)
		return err_set(err, ERR_USAGE,
			"say where the manifests are: --thin-manifest-dir, --manifest or "
			"--manifest-repo");
	if (sources > 1)
		return err_set(err, ERR_USAGE,
			"only one of --thin-manifest-dir, --manifest and --manifest-repo can be "
			"given");
	for (size_t i = 0; i < sizeof(only_git) / sizeof(only_git[0]) && !options->manifest_repo;
		i++) {
		if (only_git[i].value)
			return err_set(err, ERR_USAGE, "--%s goes with --manifest-repo only",
				only_git[i].name);
	}
	return true;
}

static bool check_modes(const struct options *options, struct err **err)
{
	if (options->parse_only && options->snapshot_of)
		return err_set(err, ERR_USAGE,
			"--parse-only and --manifest-based-snapshot-of do not go together");
	if (options->confirm && options->snapshot_of)
		return err_set(err, ERR_USAGE,
			"--confirm and --manifest-based-snapshot-of do not go together: a snapshot "
			"writes nothing");
	if (options->report_file && (options->parse_only || options->snapshot_of))
		return err_set(err, ERR_USAGE,
			"--report-file needs a run; --parse-only and snapshots have none");
	if (options->metrics_file && (options->parse_only || options->snapshot_of))
		return err_set(err, ERR_USAGE,
			"--metrics-file needs a run; --parse-only and snapshots have none");
	if (options->report_all && !options->report_file)
		return err_set(err, ERR_USAGE, "--report-all needs --report-file=FILE");
	return true;
}

bool options_read_log_level(struct options *options, struct err **err)
{
	options->log_level = LOG_INFO;
	if (options->log_level_text &&
		!log_level_parse(options->log_level_text, &options->log_level))
		return err_set(err, ERR_USAGE,
			"--log-level: \"%s\" is no level (panic, fatal, error, warning, info, "
			"debug, trace)",
			options->log_level_text);
	return true;
}

static void read_verify_depth(struct options *options)
{
	const char *text = options->verify_depth_text;

	options->verify_depth = VERIFY_DIGEST;
	if (text && strcmp(text, "presence") == 0)
		options->verify_depth = VERIFY_PRESENCE;
	else if (text && strcmp(text, "full") == 0)
		options->verify_depth = VERIFY_FULL;
}

static bool check_signer(const struct options *options, struct err **err)
{
	if (options->certificate_identity && options->certificate_identity_regexp)
		return err_set(err, ERR_USAGE,
			"--certificate-identity and --certificate-identity-regexp exclude each "
			"other");
	if (options->certificate_issuer && options->certificate_issuer_regexp)
		return err_set(err, ERR_USAGE,
			"--certificate-oidc-issuer and --certificate-oidc-issuer-regexp exclude "
			"each other");
	return true;
}

void options_release(struct options *options)
{
	identity_flags_release(&options->identity);
}

static void hand_over(struct options *options, struct options *ret_options)
{
	*ret_options = *options;
	options->identity = (struct identity_flags){0};
}

bool options_parse(const struct flag_set *flags, const char *const *arguments,
	struct options *ret_options, struct err **err)
{
	CLEANUP(options_release) struct options options = {0};
	struct flag_given given;
	bool parsed = flag_parse(flags, arguments, &options, &given, err);

	identity_flags_hide(&options.identity);
	if (!parsed)
		return false;
	if (options.help || options.version) {
		hand_over(&options, ret_options);
		return true;
	}
	if (!check_later(flags, &given, err) || !check_source(&options, err) ||
		!check_modes(&options, err) || !check_signer(&options, err))
		return false;
	if (!fail_on_parse(options.fail_on_text, &options.fail_on, err))
		return false;
	if (!options_read_log_level(&options, err))
		return false;
	read_verify_depth(&options);
	hand_over(&options, ret_options);
	return true;
}
