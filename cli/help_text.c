/*
 * Prose that help and manual page share. What flags and exit codes mean stands in their own tables.
 */
#include "cli/help.h"

static const struct help_item environment[] = {
	{"CIP_GIT_TOKEN", "token for --manifest-repo over https, unless --git-token-file is given"},
	{"HTTPS_PROXY, HTTP_PROXY, NO_PROXY",
		"proxy for registries and for --manifest-repo over https"},
	{"SSL_CERT_FILE, SSL_CERT_DIR", "certificates to trust instead of the system's"},
	{"TUF_MIRROR, TUF_ROOT_JSON, TUF_ROOT",
		"repository of Sigstore's trust root, where trust in it begins, and the directory "
		"of its cache, unless flags name them"},
	{"NO_COLOR", "no colours on a terminal"},
};

static const struct help_item examples[] = {
	{"cip --thin-manifest-dir=registry.k8s.io --parse-only",
		"checks a tree of manifests, as before a merge"},
	{"cip --thin-manifest-dir=registry.k8s.io", "shows what would be done"},
	{"cip --thin-manifest-dir=registry.k8s.io --confirm", "does it"},
	{"cip --manifest-repo=https://git.example.com/manifests --manifest-ref=main "
	 "--cache-dir=/var/cache/cip --confirm --report-file=report.json",
		"the same from a Git repository, with a report, as in a periodic job"},
};

static const struct help_item files[] = {
	{"cip.yaml", "settings of registries; read only when given with --config"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct help_section help_sections[] = {
	{.title = "Environment", .items = environment, .count = COUNT(environment)},
	{.title = "Files", .items = files, .count = COUNT(files), .only_man = true},
	{.title = "Output",
		.text = "Standard output carries what was asked for: the plan, the snapshot, the "
			"counts of --parse-only, or after a run with --confirm the summary. Log, "
			"findings and progress go to standard error. A finding is one line: "
			"file:line:column: kind: message.",
		.only_man = true},
	{.title = "Signals",
		.text = "After SIGINT or SIGTERM nothing new is begun; requests in flight may go "
			"on for --grace, then they are cancelled. A second signal cancels at once. "
			"The report is written in every case, and the next run goes on where this "
			"one ended.",
		.only_man = true},
	{.title = "Examples", .items = examples, .count = COUNT(examples), .is_code = true},
};
const size_t help_section_count = COUNT(help_sections);
