/*
 * The flags of the job and of whoever shares some of them: tables, from which parsing, --help, the
 * manual page and the completions come, and the values after parsing.
 */
#ifndef CIP_CLI_OPTIONS_H
#define CIP_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "cli/flag.h"
#include "cli/identity_flags.h"
#include "cli/signing_flags.h"
#include "reconciler/signing_due.h"

/* Far below what would exhaust sockets and stacks; kpromo's own default is 20. */
#define OPTIONS_THREADS_MAX 500
#define OPTIONS_SWEEP_MAX 1000000
#define OPTIONS_GRACE_MAX_MS ((uint64_t)3600 * 1000)

/*
 * Texts point into the argument vector; NULL: not given, or no flag of the command. To be released:
 * a token that was given is kept apart.
 */
struct options {
	const char *manifest;
	const char *thin_manifest_dir;
	const char *manifest_repo;
	const char *manifest_ref;
	const char *manifest_path;
	const char *cache_dir;
	const char *git_token_file;
	const char *git_username;
	const char *git_ssh_key;
	const char *config;
	const char *src_authfile;
	const char *dest_authfile;
	const char *cert_dir;

	bool confirm;
	bool verify_writes;
	const char *verify_depth_text;
	uint64_t sweep;
	bool replicate;
	bool parse_only;
	bool strict;
	const char *fail_on_text;
	uint64_t threads;
	int64_t grace_ms;
	bool sign, slsa;
	const char *signature_format;
	const char *comment;
	uint64_t max_signature_ops;
	uint64_t max_signature_copies;
	const char *replicate_scope;
	const char *referrers;
	const char *certificate_identity, *certificate_identity_regexp;
	const char *certificate_issuer, *certificate_issuer_regexp;
	struct identity_flags identity;
	struct signing_flags services;
	struct trust_flags trust;
	const char *snapshot_of;
	const char *output;

	const char *log_level_text;
	const char *log_format;
	const char *progress;
	const char *report_file;
	const char *metrics_file;
	bool status_all;
	bool report_all;

	bool help;
	bool version;
	const char *ignored; /* flags that are accepted without effect, or refused */
	bool ignored_bool;

	enum verify_depth verify_depth;
	unsigned fail_on; /* bit 1 << finding_kind; cli/fail_on.h */
	enum log_level log_level;
};

void options_release(struct options *options);

extern const struct flag_set options_flags; /* of the job */

/* Its parts that other commands have too. */
extern const struct flag_set options_manifest_flags; /* where the manifests come from */
extern const struct flag_set options_registry_flags; /* how registries are reached */
extern const struct flag_set options_log_flags;

/*
 * Parses `arguments` (without program name and command) by a set of flags whose target is struct
 * options: options_flags, or one that is made of its parts. Checks which of them go together. With --help or --version nothing else is checked. ERR_USAGE with one sentence that says
 * what to change.
 */
bool options_parse(const struct flag_set *flags, const char *const *arguments,
	struct options *ret_options, struct err **err);

/* What --log-level means, for those who parse their own flags. ERR_USAGE. */
bool options_read_log_level(struct options *options, struct err **err);

#endif
