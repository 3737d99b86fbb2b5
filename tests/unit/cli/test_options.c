/* cli/options.h */
#include "cli/options.h"

#include <criterion/criterion.h>
#include <string.h>

#include "reconciler/finding.h"

static struct options options;
static struct err *error;

#define PARSE(...)                                                                                 \
	(err_freep(&error), error = NULL,                                                          \
		options_parse(&options_flags,                                                      \
			(const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL}, &options, &error))

#define REFUSED(message, ...)                                                                      \
	do {                                                                                       \
		cr_assert_not(PARSE(__VA_ARGS__));                                                 \
		cr_assert_eq(error->kind, ERR_USAGE);                                              \
		cr_assert_str_eq(error->msg, message);                                             \
	} while (0)

static void done(void)
{
	err_freep(&error);
}

TestSuite(options, .fini = done);

Test(options, defaults)
{
	cr_assert(PARSE("--thin-manifest-dir=d"));
	cr_assert_str_eq(options.thin_manifest_dir, "d");
	cr_assert_eq(options.threads, 20);
	cr_assert_eq(options.grace_ms, 20000);
	cr_assert(options.sign && !options.confirm && !options.strict);
	cr_assert_str_eq(options.output, "yaml");
	cr_assert_eq(options.log_level, LOG_INFO);
	cr_assert_eq(options.fail_on & 1u << FINDING_LOST, 0);
	cr_assert_eq(options.fail_on & 1u << FINDING_WARNING, 0);
	cr_assert_neq(options.fail_on & 1u << FINDING_CYCLE, 0);
}

Test(options, a_prow_job_of_kpromo)
{
	cr_assert(PARSE("--thin-manifest-dir=/home/prow/go/src/k8s.io/registry.k8s.io", "--confirm",
			  "--threads=20", "--log-level=debug", "--sign=false",
			  "--signer-account=a@b.iam.gserviceaccount.com", "--max-signature-ops=100",
			  "--certificate-identity", "x", "--certificate-identity-regexp=",
			  "--certificate-oidc-issuer=https://accounts.google.com",
			  "--max-image-size=2048", "--vuln-severity-threshold=-1",
			  "--use-prow-manifest-diff=false"),
		"%s", error ? error->msg : "");
	cr_assert(options.confirm);
	cr_assert_eq(options.log_level, LOG_DEBUG);
}

Test(options, flags_of_later_versions_are_refused)
{
	REFUSED("--use-prow-manifest-diff: this version of cip cannot narrow the run to the change "
		"under test yet",
		"--manifest=m", "--use-prow-manifest-diff");
	REFUSED("--snapshot: this version of cip cannot list what a registry holds yet",
		"--snapshot=gcr.io/x");
	REFUSED("--vuln-severity-threshold: this version of cip cannot refuse images with "
		"vulnerabilities yet",
		"--manifest=m", "--vuln-severity-threshold", "4");
	cr_assert_not(PARSE("--manifest=m", "--minimal-snapshot"));
	cr_assert_not(PARSE("--manifest=m", "--manifest-diff-since=7 days"));
	cr_assert_not(PARSE("--manifest=m", "--snapshot-tag=v1"));
	cr_assert(PARSE("--manifest=m", "--snapshot=", "--signer-account="));
}

Test(options, one_source)
{
	REFUSED("say where the manifests are: --thin-manifest-dir, --manifest or --manifest-repo",
		"--confirm");
	cr_assert_not(PARSE("--manifest="));
	REFUSED("only one of --thin-manifest-dir, --manifest and --manifest-repo can be given",
		"--manifest=a", "--thin-manifest-dir=b");
	REFUSED("--manifest-path goes with --manifest-repo only", "--thin-manifest-dir=b",
		"--manifest-path=x");
	cr_assert(PARSE("--manifest-repo=https://h/r", "--manifest-path=x", "--manifest-ref=main",
		"--cache-dir=c", "--git-token-file=t", "--git-username=u", "--git-ssh-key=k"));
}

Test(options, what_does_not_go_together)
{
	cr_assert_not(PARSE("--manifest=a", "--parse-only", "--manifest-based-snapshot-of=r"));
	cr_assert_not(PARSE("--manifest=a", "--confirm", "--manifest-based-snapshot-of=r"));
	cr_assert_not(PARSE("--manifest=a", "--parse-only", "--report-file=r"));
	cr_assert_not(PARSE("--manifest=a", "--report-all"));
	cr_assert(PARSE("--manifest=a", "--report-all", "--report-file=r"));
	cr_assert(PARSE("--manifest=a", "--parse-only", "--confirm"));
}

Test(options, values)
{
	REFUSED("unexpected argument \"x\"", "--manifest=a", "x");
	REFUSED("--log-level: \"loud\" is no level (panic, fatal, error, warning, info, debug, "
		"trace)",
		"--manifest=a", "--log-level=loud");
	cr_assert(PARSE("--manifest=a", "--log-level=WARN"));
	cr_assert_eq(options.log_level, LOG_WARNING);
	cr_assert_not(PARSE("--manifest=a", "--threads=0"));
	cr_assert_not(PARSE("--manifest=a", "--fail-on=everything"));
	cr_assert(PARSE("--manifest=a", "--fail-on=none"));
	cr_assert_eq(options.fail_on, 0);
}

Test(options, secrets_are_not_taken_from_the_command_line)
{
	REFUSED("--dest-creds: a secret on the command line can be read by every process: log in "
		"with docker login or podman login, or give a file with --src-authfile or "
		"--dest-authfile",
		"--manifest=a", "--dest-creds=user:hidden");
	cr_assert_not(PARSE("--manifest=a", "--src-password", "hidden"));
	cr_assert(PARSE("--manifest=a", "--src-authfile=s", "--dest-authfile", "d"));
	cr_assert_str_eq(options.src_authfile, "s");
	cr_assert_str_eq(options.dest_authfile, "d");
}

Test(options, help_and_version_need_nothing_else)
{
	cr_assert(PARSE("--help"));
	cr_assert(options.help);
	cr_assert(PARSE("--confirm", "--version"));
	cr_assert(options.version);
}

/* What help and manual page are made from must be complete. */
Test(options, the_table_is_whole)
{
	for (size_t i = 0; i < options_flags.count; i++) {
		const struct flag *flag = &options_flags.flags[i];

		cr_assert(flag->help && *flag->help, "%s", flag->name);
		cr_assert_neq(flag->help[strlen(flag->help) - 1], '.', "%s", flag->name);
		cr_assert_eq(flag->value != NULL, flag->type != FLAG_BOOL, "%s", flag->name);
		for (size_t j = 0; j < i; j++)
			cr_assert_str_neq(flag->name, options_flags.flags[j].name);
	}
	cr_assert_leq(options_flags.count, FLAG_MAX);
}
