/*
 * The tables of flags: those that several commands have, and the job's. Nothing but words and limits;
 * sorted as --help shows them.
 */
#include "cli/options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIELD(name) .offset = offsetof(struct options, name)

/* Of skopeo, crane and others. */
#define SECRET(flag)                                                                               \
	{                                                                                          \
		.name = flag, .type = FLAG_TEXT, .state = FLAG_SECRET, FIELD(ignored),             \
		.value = "SECRET",                                                                 \
		.help = "a secret on the command line can be read by every process: log in with "  \
			"docker login or podman login, or give a file with --src-authfile or "     \
			"--dest-authfile"                                                          \
	}

static const struct flag manifest_flags[] = {
	{.group = "Where the manifests come from (one of the first three)",
		.name = "thin-manifest-dir",
		.type = FLAG_DIRECTORY,
		FIELD(thin_manifest_dir),
		.value = "DIR",
		.help = "tree of thin manifests: DIR/manifests/*/promoter-manifest.yaml and "
			"DIR/images/*/images.yaml",
		.details = "DIR/policies/*/tag-policy.yaml, where it is, says which tags of a "
			   "project may move; "
			   "others never do (docs/manifests.md)."},
	{.name = "manifest",
		.type = FLAG_FILE,
		FIELD(manifest),
		.value = "FILE",
		.help = "one plain manifest"},
	{.name = "manifest-repo",
		.type = FLAG_TEXT,
		FIELD(manifest_repo),
		.value = "URL",
		.help = "Git repository that holds a tree of thin manifests: https, ssh or a path",
		.details = "The repository is read straight from its objects; nothing is checked "
			   "out and no git program is started. The commit that was read is logged "
			   "and written to the report."},
	{.name = "manifest-ref",
		.type = FLAG_TEXT,
		FIELD(manifest_ref),
		.value = "REF",
		.help = "branch, tag or commit of --manifest-repo (default: its HEAD)"},
	{.name = "manifest-path",
		.type = FLAG_TEXT,
		FIELD(manifest_path),
		.value = "DIR",
		.help = "where in --manifest-repo the tree is (default: its root)"},
	{.name = "cache-dir",
		.type = FLAG_DIRECTORY,
		FIELD(cache_dir),
		.value = "DIR",
		.help = "keeps a mirror of --manifest-repo here, so that the next run fetches only "
			"what is new",
		.details = "Several runs may share it. A damaged mirror is made anew. Without it a "
			   "temporary mirror is used and removed."},
	{.name = "git-token-file",
		.type = FLAG_FILE,
		FIELD(git_token_file),
		.value = "FILE",
		.help = "token for --manifest-repo over https (default: the variable "
			"CIP_GIT_TOKEN, if set)"},
	{.name = "git-username",
		.type = FLAG_TEXT,
		FIELD(git_username),
		.value = "NAME",
		.help = "user name that goes with the token (default: x-access-token)"},
	{.name = "git-ssh-key",
		.type = FLAG_FILE,
		FIELD(git_ssh_key),
		.value = "FILE",
		.help = "private key for --manifest-repo over ssh (default: the agent and the "
			"configuration of ssh)"},
};
const struct flag_set options_manifest_flags = {
	.flags = manifest_flags,
	.count = COUNT(manifest_flags),
};

static const struct flag registry_flags[] = {
	{.group = "Registries",
		.name = "config",
		.type = FLAG_FILE,
		FIELD(config),
		.value = "FILE",
		.help = "settings of registries: endpoints, certificates, deadlines (cip.yaml)",
		.details = "It is never searched for, and refused when it lies below the manifests "
			   "it governs. docs/configuration.md describes it."},
	{.name = "src-authfile",
		.type = FLAG_FILE,
		FIELD(src_authfile),
		.value = "FILE",
		.help = "credentials with which images are read from their sources",
		.details = "In the format of docker's config.json or of containers' auth.json. "
			   "Before it nothing is looked at; what it has nothing for is looked up "
			   "where docker and podman keep what they log in with. "
			   "docs/registries.md describes the order."},
	{.name = "dest-authfile",
		.type = FLAG_FILE,
		FIELD(dest_authfile),
		.value = "FILE",
		.help = "credentials with which destinations are looked at and written"},
	{.name = "cert-dir",
		.type = FLAG_DIRECTORY,
		FIELD(cert_dir),
		.value = "DIR",
		.help = "certificates of registries: DIR/HOST[:PORT]/ with *.crt to trust, and "
			"*.cert with *.key to show",
		.details = "Looked at before the certs.d directories of containers and docker, "
			   "which have the same form."},
	SECRET("creds"),
	SECRET("src-creds"),
	SECRET("dest-creds"),
	SECRET("password"),
	SECRET("src-password"),
	SECRET("dest-password"),
	SECRET("registry-token"),
	SECRET("src-registry-token"),
	SECRET("dest-registry-token"),
};
const struct flag_set options_registry_flags = {
	.flags = registry_flags,
	.count = COUNT(registry_flags),
};

static const struct flag log_flags[] = {
	{.group = "What is told",
		.name = "log-level",
		.type = FLAG_TEXT,
		FIELD(log_level_text),
		.value = "LEVEL",
		.choices = "panic|fatal|error|warning|info|debug|trace",
		.initial = "info",
		.help = "how much is logged: panic, fatal, error, warning, info, debug or trace"},
	{.name = "log-format",
		.type = FLAG_CHOICE,
		FIELD(log_format),
		.value = "FORMAT",
		.choices = "text|json",
		.initial = "text",
		.help = "log as text, or as json with one object on each line"},
};
const struct flag_set options_log_flags = {
	.flags = log_flags,
	.count = COUNT(log_flags),
};

static const struct flag job_flags[] = {
	{.group = "What to do",
		.name = "confirm",
		.type = FLAG_BOOL,
		FIELD(confirm),
		.help = "write to the registries; without it the plan is printed and nothing is "
			"changed"},
	{.name = "verify-writes",
		.type = FLAG_BOOL,
		FIELD(verify_writes),
		.help = "look again at every tag that was written; one request for each",
		.details =
			"The registry's answer to a write is always checked. This finds one that "
			"says more than it did, and a tag that somebody moved meanwhile."},
	{.name = "verify-depth",
		.type = FLAG_CHOICE,
		FIELD(verify_depth_text),
		.value = "DEPTH",
		.choices = "presence|digest|full",
		.initial = "digest",
		.help = "how much of what is listed is believed: presence (all of it), digest "
			"(where tags point is asked), full (every signature is read, and "
			"every write looked at again)",
		.details = "docs/convergence.md says what each costs."},
	{.name = "sweep",
		.type = FLAG_NUMBER,
		FIELD(sweep),
		.value = "N",
		.initial = "167",
		.max = OPTIONS_SWEEP_MAX,
		.help = "read and verify signatures of one in N images that are in place, in "
			"each hour others; 0: none",
		.details = "A prime number comes to all of them whatever the interval of runs."},
	{.name = "replicate",
		.type = FLAG_BOOL,
		FIELD(replicate),
		.help = "bring signatures, attestations and SBOMs from each primary to its mirrors",
		.details = "What cip replicate-signatures does, for the digests that are declared, "
			   "as the "
			   "last step of each image. Without it, what the lists show to be missing "
			   "there is reported. Neither changes the exit code."},
	{.name = "parse-only",
		.type = FLAG_BOOL,
		FIELD(parse_only),
		.help = "read and check the manifests, print counts and findings, then stop; no "
			"registry is contacted"},
	{.name = "strict",
		.type = FLAG_BOOL,
		FIELD(strict),
		.help = "promote nothing at all if the manifests have findings; without it the "
			"rest is promoted"},
	{.name = "fail-on",
		.type = FLAG_TEXT,
		FIELD(fail_on_text),
		.value = "LIST",
		.initial = "malformed,invalid-file,overlap,tag-move,cycle,error,unsigned",
		.help = "findings that change the exit code, separated by commas; also: lost, all, "
			"none"},
	{.name = "sign",
		.type = FLAG_BOOL,
		FIELD(sign),
		.initial = "true",
		.help = "sign what is promoted and state its promotion"},
	{.name = "threads",
		.type = FLAG_NUMBER,
		FIELD(threads),
		.value = "N",
		.initial = "20",
		.min = 1,
		.max = OPTIONS_THREADS_MAX,
		.help = "images and repositories worked on at the same time"},
	{.name = "grace",
		.type = FLAG_DURATION,
		FIELD(grace_ms),
		.value = "TIME",
		.initial = "20s",
		.max = OPTIONS_GRACE_MAX_MS,
		.help = "how long requests in flight may go on after SIGINT or SIGTERM; a second "
			"signal ends them at once"},
};
static const struct flag_set job_flag_set = {.flags = job_flags, .count = COUNT(job_flags)};

static const struct flag signing_flags[] = {
	{.group = "Signing",
		.name = "signature-format",
		.type = FLAG_CHOICE,
		FIELD(signature_format),
		.value = "FORMAT",
		.choices = "legacy|bundle|both",
		.help = "legacy (cosign's .sig and .att, the default), bundle (Sigstore bundles as "
			"referrers), or both",
		.details =
			"The older form needs a transparency log of version 1. Where an image has "
			"a "
			"bundle already, ours is made too, whatever is said here: clients that see "
			"one look at nothing else."},
	{.name = "slsa",
		.type = FLAG_BOOL,
		FIELD(slsa),
		.initial = "true",
		.help = "beside the promotion record, also write SLSA provenance of the promotion"},
	{.name = "comment",
		.type = FLAG_TEXT,
		FIELD(comment),
		.value = "TEXT",
		.help = "goes into promotion records, as a claim (default: the subject of the "
			"commit that is promoted)"},
	{.name = "max-signature-ops",
		.type = FLAG_NUMBER,
		FIELD(max_signature_ops),
		.value = "N",
		.initial = "50",
		.min = 1,
		.max = OPTIONS_THREADS_MAX,
		.help = "images signed at the same time"},
	{.name = "certificate-identity",
		.type = FLAG_TEXT,
		FIELD(certificate_identity),
		.value = "IDENTITY",
		.help = "sign as nobody but this: e-mail address or URI in the certificate, "
			"exactly"},
	{.name = "certificate-identity-regexp",
		.type = FLAG_TEXT,
		FIELD(certificate_identity_regexp),
		.value = "REGEXP",
		.help = "instead: a regular expression (RE2) found anywhere in it"},
	{.name = "certificate-oidc-issuer",
		.type = FLAG_TEXT,
		FIELD(certificate_issuer),
		.value = "URL",
		.help = "who must have vouched for that identity, exactly"},
	{.name = "certificate-oidc-issuer-regexp",
		.type = FLAG_TEXT,
		FIELD(certificate_issuer_regexp),
		.value = "REGEXP",
		.help = "instead: a regular expression (RE2) found anywhere in it"},
	IDENTITY_FLAGS(struct options, identity),
	SIGNING_FLAGS(struct options, services),
	TRUST_FLAGS(struct options, trust),
};
static const struct flag_set signing_flag_set = {
	.flags = signing_flags,
	.count = COUNT(signing_flags),
};

static const struct flag snapshot_flags[] = {
	{.group = "Snapshot",
		.name = "manifest-based-snapshot-of",
		.type = FLAG_TEXT,
		FIELD(snapshot_of),
		.value = "REGISTRY",
		.help = "print what the manifests would put below REGISTRY, then stop; no registry "
			"is contacted"},
	{.name = "output",
		.type = FLAG_CHOICE,
		FIELD(output),
		.value = "FORMAT",
		.choices = "yaml|csv",
		.initial = "yaml",
		.help = "format of the snapshot: yaml or csv"},
};
static const struct flag_set snapshot_flag_set = {
	.flags = snapshot_flags,
	.count = COUNT(snapshot_flags),
};

static const struct flag other_flags[] = {
	{.name = "report-file",
		.type = FLAG_FILE,
		FIELD(report_file),
		.value = "FILE",
		.help = "write a report in JSON, in every case, also when interrupted",
		.details = "docs/report.md describes it. It is written to a temporary file and "
			   "renamed, so a reader never sees half of it."},
	{.name = "report-all",
		.type = FLAG_BOOL,
		FIELD(report_all),
		.help = "let the report list what was simply in place, too"},
	{.name = "metrics-file",
		.type = FLAG_FILE,
		FIELD(metrics_file),
		.value = "FILE",
		.help = "write metrics of the run in the text format of Prometheus, in every case",
		.details = "Meant for the textfile collector of node_exporter. docs/operations.md "
			   "lists them. Replaced at the end, in one step."},
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
	{.name = "version",
		.type = FLAG_BOOL,
		FIELD(version),
		.ends_parsing = true,
		.help = "print the version and stop"},

	{.name = "max-image-size",
		.type = FLAG_TEXT,
		.state = FLAG_HIDDEN,
		FIELD(ignored),
		.value = "MIB",
		.help = "accepted without effect, as in kpromo"},

	{.name = "use-prow-manifest-diff",
		.type = FLAG_BOOL,
		.state = FLAG_LATER,
		FIELD(ignored_bool),
		.harmless = "false",
		.help = "narrow the run to the change under test"},
	{.name = "manifest-diff-since",
		.type = FLAG_TEXT,
		.state = FLAG_LATER,
		FIELD(ignored),
		.value = "DATE",
		.help = "narrow the run to recent changes"},
	{.name = "snapshot",
		.type = FLAG_TEXT,
		.state = FLAG_LATER,
		FIELD(ignored),
		.value = "REGISTRY",
		.help = "list what a registry holds"},
	{.name = "snapshot-tag",
		.type = FLAG_TEXT,
		.state = FLAG_LATER,
		FIELD(ignored),
		.value = "TAG",
		.help = "list what a registry holds under a tag"},
	{.name = "minimal-snapshot",
		.type = FLAG_BOOL,
		.state = FLAG_LATER,
		FIELD(ignored_bool),
		.harmless = "false",
		.help = "leave untagged children out of a snapshot"},
	{.name = "vuln-severity-threshold",
		.type = FLAG_TEXT,
		.state = FLAG_LATER,
		FIELD(ignored),
		.value = "N",
		.harmless = "-1",
		.help = "refuse images with vulnerabilities"},
	{.name = "max-signature-copies",
		.type = FLAG_TEXT,
		.state = FLAG_HIDDEN,
		FIELD(ignored),
		.value = "N",
		.help = "accepted without effect: signatures are not copied to mirrors yet"},
};
static const struct flag_set *const parts[] = {
	&options_manifest_flags,
	&job_flag_set,
	&signing_flag_set,
	&options_registry_flags,
	&snapshot_flag_set,
	&options_log_flags,
	NULL,
};
const struct flag_set options_flags = {
	.parts = parts,
	.flags = other_flags,
	.count = COUNT(other_flags),
};
