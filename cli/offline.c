/*
 * Counts and snapshots. Nothing here touches a network, starts a thread or loads more than it was
 * given: a presubmit job runs this for every change.
 */
#include "cli/offline.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/exit_code.h"
#include "cli/fail_on.h"
#include "reconciler/snapshot.h"

void offline_count_findings(const struct declared *declared, uint64_t *ret_counts)
{
	for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++)
		ret_counts[kind] = declared_findings(declared, kind);
}

static bool write_out(const struct str *text)
{
	return fwrite(str_text(text), 1, text->len, stdout) == text->len && fflush(stdout) == 0;
}

static int cannot_write(void)
{
	log_error("standard output could not be written");
	return EXIT_CODE_NOT_DONE;
}

static void add_count(struct str *out, const char *name, uint64_t count)
{
	str_addf(out, "%-20s %8llu\n", name, (unsigned long long)count);
}

static void add_findings(struct str *out, const uint64_t *findings)
{
	uint64_t sum = 0;
	const char *before = "  ";

	for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++)
		sum += findings[kind];
	str_addf(out, "%-20s %8llu", "findings", (unsigned long long)sum);
	for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++) {
		if (findings[kind] == 0)
			continue;
		str_addf(out, "%s%s %llu", before, finding_kind_name(kind),
			(unsigned long long)findings[kind]);
		before = ", ";
	}
	str_add_char(out, '\n');
}

int offline_parse_only(const struct options *options, const struct declared *declared)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	CLEANUP(str_release) struct str reasons = STR_INIT(STR_TEXT_MAX);
	uint64_t findings[FINDING_KINDS];
	struct declared_counts counts;

	declared_count(declared, &counts);
	offline_count_findings(declared, findings);
	add_count(&text, "projects", counts.projects);
	add_count(&text, "images", counts.images);
	add_count(&text, "digests", counts.digests);
	add_count(&text, "tags", counts.tags);
	add_count(&text, "edges", counts.edges);
	add_count(&text, "repositories", counts.repositories);
	add_count(&text, "source repositories", counts.source_repositories);
	add_findings(&text, findings);
	if (!write_out(&text))
		return cannot_write();
	if (findings[FINDING_TREE] || fail_on_met(options->fail_on, findings, &reasons))
		return EXIT_CODE_USAGE;
	return EXIT_CODE_OK;
}

int offline_snapshot(const struct options *options, const struct declared *declared)
{
	CLEANUP(str_release) struct str text = STR_INIT((size_t)1 << 30);
	CLEANUP(str_release) struct str reasons = STR_INIT(STR_TEXT_MAX);
	CLEANUP(err_freep) struct err *error = NULL;
	bool csv = strcmp(options->output, "csv") == 0;
	uint64_t findings[FINDING_KINDS], left_out;

	if (!snapshot_of_manifests(declared, options->snapshot_of,
		    csv ? SNAPSHOT_CSV : SNAPSHOT_YAML, &text, &left_out, &error)) {
		log_error("%s", error->msg);
		return EXIT_CODE_NOT_DONE;
	}
	if (left_out)
		log_warning("%llu digests are quarantined and not in the snapshot",
			(unsigned long long)left_out);
	if (!write_out(&text))
		return cannot_write();
	offline_count_findings(declared, findings);
	return fail_on_met(options->fail_on, findings, &reasons) ? EXIT_CODE_FINDINGS
								 : EXIT_CODE_OK;
}
