/*
 * Writing the two statements. kpromo's fields keep kpromo's names and meaning; ours (`replaced`,
 * `claimed`) are additions that its readers pass over. What is empty is left out.
 */
#include "reconciler/promotion_record.h"

#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "reconciler/json_out.h"

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define BUILDER "https://k8s.io/promo-tools/cip"

const char *promotion_type(enum promotion_statement statement)
{
	return statement == PROMOTION_SLSA ? PROMOTION_SLSA_TYPE : PROMOTION_RECORD_TYPE;
}

static void write_given(struct json_out *out, const char *key, const char *text)
{
	if (text && *text)
		json_out_text(out, key, text);
}

static void write_digest_set(struct json_out *out, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	bool is_sha512 = digest->algorithm == DIGEST_SHA512;

	digest_format(digest, text);
	json_out_open(out, "digest", '{');
	json_out_text(out, is_sha512 ? "sha512" : "sha256", strchr(text, ':') + 1);
	json_out_close(out, '}');
}

static void write_named(
	struct json_out *out, const char *key, const char *name, const struct digest *digest)
{
	json_out_open(out, key, '{');
	json_out_text(out, "name", name);
	write_digest_set(out, digest);
	json_out_close(out, '}');
}

static void write_source_reference(
	struct json_out *out, const char *key, const struct promotion *promotion)
{
	char digest[DIGEST_TEXT_SIZE];
	CLEANUP(mem_freep)
	char *text =
		mem_printf("%s@%s", promotion->source, digest_format(&promotion->digest, digest));

	json_out_text(out, key, text);
}

/* To the second, so that kpromo's readers and ours agree on its digits. */
static void write_time(struct json_out *out, const char *key, int64_t unix_s)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(unix_s * 1000, text);
	memcpy(strchr(text, '.'), "Z", 2);
	json_out_text(out, key, text);
}

static void write_tags(struct json_out *out, const struct promotion *promotion)
{
	if (!promotion->tag_count)
		return;
	json_out_open(out, "tags", '[');
	for (size_t i = 0; i < promotion->tag_count; i++)
		json_out_text(out, NULL, promotion->tags[i]);
	json_out_close(out, ']');
}

static void write_replaced(struct json_out *out, const struct promotion *promotion)
{
	if (!promotion->replaced_count)
		return;
	json_out_open(out, "replaced", '[');
	for (size_t i = 0; i < promotion->replaced_count; i++)
		write_named(out, NULL, promotion->replaced[i].tag, &promotion->replaced[i].digest);
	json_out_close(out, ']');
}

static char *builder_of(const struct promotion *promotion)
{
	return mem_printf("%s@v%s", BUILDER, promotion->run->program_version);
}

/*
 * As a URI of SPDX's form, which in-toto and SLSA use. NULL for a path on this machine, which means nothing to
 * others.
 */
static char *repository_uri(const struct promotion_run *run)
{
	const char *url = run->manifest_repository;
	const char *colon = url ? strchr(url, ':') : NULL;

	if (!colon || memchr(url, '/', (size_t)(colon - url)))
		return NULL;
	if (strncmp(url, "file:", strlen("file:")) == 0)
		return NULL;
	if (strncmp(colon, "://", 3) == 0)
		return mem_printf("git+%s", url);
	/* "[user@]host:path" of ssh. */
	return mem_printf("git+ssh://%.*s/%s", (int)(colon - url), url, colon + 1);
}

/* Of a promotion whose manifest is known. */
static void write_manifest(struct json_out *out, const char *key, const struct promotion *promotion)
{
	const struct promotion_run *run = promotion->run;
	const char *directory = run->manifest_directory;
	CLEANUP(mem_freep) char *uri = repository_uri(run);
	CLEANUP(mem_freep)
	char *name = mem_printf(
		"%s%s%s", directory ? directory : "", directory ? "/" : "", promotion->manifest);

	json_out_open(out, key, '{');
	json_out_text(out, "name", name);
	write_given(out, "uri", uri);
	if (run->commit) {
		json_out_open(out, "digest", '{');
		json_out_text(out, "gitCommit", run->commit);
		json_out_close(out, '}');
	}
	json_out_close(out, '}');
}

static void write_promoter(struct json_out *out, const struct promotion_run *run)
{
	CLEANUP(mem_freep) char *version = mem_printf("cip-v%s", run->program_version);

	json_out_open(out, "promoter", '{');
	json_out_text(out, "version", version);
	write_given(out, "gitCommit", run->program_commit);
	json_out_close(out, '}');
}

static void write_job(struct json_out *out, const struct promotion_run *run)
{
	if (!run->job_name && !run->job_type && !run->job_id && !run->prow_job_id)
		return;
	json_out_open(out, "job", '{');
	write_given(out, "name", run->job_name);
	write_given(out, "type", run->job_type);
	write_given(out, "buildId", run->job_id);
	write_given(out, "prowJobId", run->prow_job_id);
	json_out_close(out, '}');
}

static void write_claimed(struct json_out *out, const struct promotion_run *run)
{
	if (!run->comment && !run->merged_by)
		return;
	json_out_open(out, "claimed", '{');
	write_given(out, "comment", run->comment);
	write_given(out, "mergedBy", run->merged_by);
	json_out_close(out, '}');
}

static void write_record(struct json_out *out, const struct promotion *promotion)
{
	char digest[DIGEST_TEXT_SIZE];
	CLEANUP(mem_freep) char *builder = builder_of(promotion);

	write_source_reference(out, "srcRef", promotion);
	json_out_text(out, "dstRef", promotion->destination);
	json_out_text(out, "digest", digest_format(&promotion->digest, digest));
	write_time(out, "timestamp", promotion->unix_s);
	json_out_text(out, "builderId", builder);
	write_tags(out, promotion);
	write_replaced(out, promotion);
	write_named(out, "source", promotion->source, &promotion->digest);
	write_named(out, "destination", promotion->destination, &promotion->digest);
	if (promotion->manifest)
		write_manifest(out, "manifest", promotion);
	write_promoter(out, promotion->run);
	write_job(out, promotion->run);
	write_claimed(out, promotion->run);
}

static void write_definition(struct json_out *out, const struct promotion *promotion)
{
	json_out_open(out, "buildDefinition", '{');
	json_out_text(out, "buildType", PROMOTION_RECORD_TYPE);
	json_out_open(out, "externalParameters", '{');
	write_source_reference(out, "source", promotion);
	json_out_text(out, "destination", promotion->destination);
	write_tags(out, promotion);
	write_replaced(out, promotion);
	json_out_close(out, '}');
	json_out_open(out, "resolvedDependencies", '[');
	write_named(out, NULL, promotion->source, &promotion->digest);
	if (promotion->manifest)
		write_manifest(out, NULL, promotion);
	json_out_close(out, ']');
	json_out_close(out, '}');
}

static void write_provenance(struct json_out *out, const struct promotion *promotion)
{
	CLEANUP(mem_freep) char *builder = builder_of(promotion);

	write_definition(out, promotion);
	json_out_open(out, "runDetails", '{');
	json_out_open(out, "builder", '{');
	json_out_text(out, "id", builder);
	json_out_close(out, '}');
	json_out_open(out, "metadata", '{');
	write_given(out, "invocationId", promotion->run->job_id);
	write_time(out, "startedOn", promotion->unix_s);
	json_out_close(out, '}');
	json_out_close(out, '}');
}

void promotion_write(
	enum promotion_statement statement, const struct promotion *promotion, struct str *out)
{
	struct json_out json = {.text = out};

	json_out_open(&json, NULL, '{');
	json_out_text(&json, "_type", STATEMENT_TYPE);
	json_out_open(&json, "subject", '[');
	write_named(&json, NULL, promotion->destination, &promotion->digest);
	json_out_close(&json, ']');
	json_out_text(&json, "predicateType", promotion_type(statement));
	json_out_open(&json, "predicate", '{');
	if (statement == PROMOTION_SLSA)
		write_provenance(&json, promotion);
	else
		write_record(&json, promotion);
	json_out_close(&json, '}');
	json_out_close(&json, '}');
}
