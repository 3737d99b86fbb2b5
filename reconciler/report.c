/*
 * The shape of the report. How JSON is written is json_out.c's business, how a file appears
 * atomically report_file.c's, and which job runs us report_job.c's.
 */
#include "reconciler/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "reconciler/json_out.h"
#include "reconciler/report_file.h"
#include "reconciler/report_job.h"

/* What is kept of a look until the records are over. */
struct kept_look {
	const char *repository, *project; /* interned */
	char *error;
	bool is_source;
	uint64_t digests, in_place, requests, bytes_received;
};

struct kept_finding {
	enum finding_kind kind;
	struct place place;  /* file interned */
	const char *project; /* interned or NULL */
	char *message;
};

struct kept_mirrored {
	const char *destination, *primary; /* interned */
	char *tag, *error;
	enum replica_end end;
};

/* More are counted only, so that a run that has everything to bring stays small. */
#define MIRRORED_MAX 10000

struct kept_registry {
	const char *host; /* interned */
	uint64_t requests, retries, throttled, paused_ms;
	double ceiling; /* the lowest of its buckets; 0: none */
};

struct report {
	struct report_file file;
	struct json_out out;
	const struct clock *clock;
	struct intern *strings;
	VEC(struct kept_look) looks;
	VEC(struct kept_finding) findings;
	VEC(struct kept_registry) registries;
	VEC(struct kept_mirrored) mirrored;
	uint64_t mirrored_left_out;
	struct plan_totals totals;
	uint64_t requests, bytes_received, bytes_sent;
};

static void write_id(struct json_out *out, const struct clock *clock)
{
	char id[40];

	snprintf(id, sizeof(id), "%016" PRIx64 "%016" PRIx64, clock->random(clock->ctx),
		clock->random(clock->ctx));
	json_out_text(out, "id", id);
}

static void write_head(struct report *report, const struct report_options *options)
{
	struct json_out *out = &report->out;

	json_out_open(out, NULL, '{');
	json_out_number(out, "version", REPORT_VERSION);
	write_id(out, report->clock);
	json_out_time(out, "start", clock_unix_ms(report->clock));
	json_out_break(out);
	json_out_open(out, "program", '{');
	json_out_text(out, "version", options->program_version);
	json_out_text(out, "commit", options->program_commit);
	json_out_close(out, '}');
	json_out_break(out);
	json_out_open(out, "source", '{');
	json_out_text(out, "description", options->source);
	json_out_text(out, "commit", options->commit);
	json_out_close(out, '}');
	json_out_break(out);
	json_out_open(out, "options", '{');
	json_out_bool(out, "confirm", options->confirm);
	json_out_bool(out, "records_for_all", options->records_for_all);
	json_out_number(out, "threads", options->threads);
	json_out_close(out, '}');
	json_out_break(out);
	report_job_write(out, "job");
	json_out_break(out);
	json_out_open(out, "records", '[');
}

struct report *report_new(const struct report_options *options, struct err **err)
{
	CLEANUP(report_freep) struct report *report = mem_new(1, sizeof(*report));

	if (!report_file_open(&report->file, options->path, err)) {
		err_prefix(err, "report");
		return NULL;
	}
	report->out.stream = report->file.stream;
	report->clock = options->clock ? options->clock : &clock_system;
	report->strings = intern_new();
	write_head(report, options);
	return steal_ptr(&report);
}

void report_free(struct report *report)
{
	if (!report)
		return;
	for (size_t i = 0; i < report->looks.len; i++)
		mem_free(report->looks.items[i].error);
	vec_release(&report->looks);
	for (size_t i = 0; i < report->findings.len; i++)
		mem_free(report->findings.items[i].message);
	vec_release(&report->findings);
	vec_release(&report->registries);
	for (size_t i = 0; i < report->mirrored.len; i++) {
		mem_free(report->mirrored.items[i].tag);
		mem_free(report->mirrored.items[i].error);
	}
	vec_release(&report->mirrored);
	intern_free(report->strings);
	report_file_release(&report->file);
	mem_free(report);
}

static void write_place(struct json_out *out, const struct place *place)
{
	json_out_text(out, "file", place->file);
	json_out_number(out, "line", place->line);
	json_out_number(out, "column", place->column);
}

static void write_digest(struct json_out *out, const char *key, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];

	json_out_text(out, key, digest ? digest_format(digest, text) : NULL);
}

static void write_tag(struct json_out *out, const struct record_tag *tag)
{
	json_out_open(out, NULL, '{');
	json_out_text(out, "name", tag->name);
	json_out_text(out, "found", tag_found_name(tag->found));
	if (tag->found == TAG_ELSEWHERE)
		write_digest(out, "found_digest", &tag->found_digest);
	json_out_text(out, "done", tag_done_name(tag->done));
	if (record_tag_moves_from(tag))
		write_digest(out, "moved_from", record_tag_moves_from(tag));
	if (tag->done == TAG_DONE_QUARANTINED)
		json_out_text(out, "reason", finding_kind_name(tag->reason));
	if (tag->why)
		json_out_text(out, "message", tag->why);
	if (tag->written_unix_ms)
		json_out_time(out, "written", tag->written_unix_ms);
	write_place(out, &tag->place);
	json_out_close(out, '}');
}

static void write_reasons(struct json_out *out, const struct record *record)
{
	json_out_open(out, "reasons", '[');
	for (unsigned kind = 0; kind < FINDING_KINDS; kind++)
		if (record->reasons & 1U << kind)
			json_out_text(out, NULL, finding_kind_name(kind));
	json_out_close(out, ']');
	if (!record->reasons)
		return;
	json_out_text(out, "reason", finding_kind_name(record->reason));
	json_out_text(out, "message", record->error);
	if (record->reason == FINDING_ERROR)
		json_out_text(out, "error_kind", err_kind_name(record->error_kind));
}

static void write_logged(struct json_out *out, const struct record_logged *logged)
{
	json_out_open(out, NULL, '{');
	json_out_text(out, "type", logged->type);
	json_out_text(out, "form", logged->form);
	json_out_text(out, "certificate_serial", logged->serial);
	json_out_text(out, "log", logged->log);
	json_out_number(out, "log_index", logged->index);
	json_out_time(out, "time", logged->unix_ms);
	json_out_close(out, '}');
}

static void write_carried(struct json_out *out, const struct record_carried *carried)
{
	bool any = carried->left > 0 || carried->why;

	for (int kind = 0; kind < CARRIED_KINDS; kind++)
		any |= carried->brought[kind] > 0;
	if (!any)
		return;
	json_out_open(out, "carried", '{');
	for (int kind = 0; kind < CARRIED_KINDS; kind++)
		json_out_number(out, carried_kind_name(kind), carried->brought[kind]);
	json_out_number(out, "left", carried->left);
	json_out_bool(out, "failed", carried->failed);
	if (carried->why)
		json_out_text(out, "message", carried->why);
	json_out_close(out, '}');
}

static void write_signing(struct json_out *out, const struct record_signing *signing)
{
	if (!signing->identity) {
		json_out_text(out, "signing", NULL);
		return;
	}
	json_out_open(out, "signing", '{');
	json_out_text(out, "identity", signing->identity);
	json_out_text(out, "primary", signing->primary);
	json_out_text(out, "signature", signed_state_name(signing->signature));
	json_out_text(out, "attestation", signed_state_name(signing->attestation));
	json_out_bool(out, "verified", signing->verified);
	if (signing->error) {
		json_out_text(out, "message", signing->error);
		json_out_text(out, "error_kind", err_kind_name(signing->error_kind));
	}
	json_out_open(out, "logged", '[');
	for (size_t i = 0; i < signing->logged.len; i++)
		write_logged(out, &signing->logged.items[i]);
	json_out_close(out, ']');
	write_carried(out, &signing->carried);
	json_out_close(out, '}');
}

static void write_record(struct json_out *out, const struct record *record)
{
	json_out_break(out);
	json_out_open(out, NULL, '{');
	json_out_text(out, "project", record->project);
	json_out_text(out, "source", record->source);
	json_out_text(out, "destination", record->destination);
	write_digest(out, "digest", record->digest_malformed ? NULL : &record->digest);
	write_place(out, &record->place);
	json_out_text(out, "outcome", outcome_name(record->outcome));
	write_reasons(out, record);
	json_out_text(out, "found", known_name(record->digest_found));
	json_out_text(out, "done", tag_done_name(record->digest_done));
	json_out_open(out, "tags", '[');
	for (size_t i = 0; i < record->tags.len; i++)
		write_tag(out, &record->tags.items[i]);
	json_out_close(out, ']');
	write_signing(out, &record->signing);
	json_out_time(out, "started", record->started_unix_ms);
	json_out_time(out, "ended", record->ended_unix_ms);
	json_out_number(out, "requests", record->requests);
	json_out_number(out, "bytes_received", record->bytes_received);
	json_out_number(out, "bytes_sent", record->bytes_sent);
	json_out_close(out, '}');
}

static void add_record(struct report *report, const struct record *record)
{
	report->requests += record->requests;
	report->bytes_received += record->bytes_received;
	report->bytes_sent += record->bytes_sent;
	write_record(&report->out, record);
}

static void add_look(struct report *report, const struct repository_look *look)
{
	report->requests += look->requests;
	report->bytes_received += look->bytes_received;
	*vec_push(&report->looks) = (struct kept_look){
		.repository = intern_text(report->strings, look->repository),
		.project = intern_text(report->strings, look->project),
		.error = look->error ? mem_strdup(look->error) : NULL,
		.is_source = look->is_source,
		.digests = look->digests,
		.in_place = look->in_place,
		.requests = look->requests,
		.bytes_received = look->bytes_received,
	};
}

static const char *keep_text(struct report *report, const char *text)
{
	return text ? intern_text(report->strings, text) : NULL;
}

static void add_finding(struct report *report, const struct finding *finding)
{
	struct kept_finding *kept = vec_push(&report->findings);

	*kept = (struct kept_finding){
		.kind = finding->kind,
		.place = finding->place,
		.project = keep_text(report, finding->project),
		.message = mem_strdup(finding->message),
	};
	kept->place.file = keep_text(report, finding->place.file);
}

static void add_mirrored(struct report *report, const struct mirrored *mirrored)
{
	if (report->mirrored.len == MIRRORED_MAX) {
		report->mirrored_left_out++;
		return;
	}
	*vec_push(&report->mirrored) = (struct kept_mirrored){
		.destination = intern_text(report->strings, mirrored->destination),
		.primary = intern_text(report->strings, mirrored->primary),
		.tag = mirrored->tag ? mem_strdup(mirrored->tag) : NULL,
		.error = mirrored->error ? mem_strdup(mirrored->error) : NULL,
		.end = mirrored->end,
	};
}

void report_add_event(struct report *report, const struct event *event)
{
	switch (event->kind) {
	case EVENT_RECORD:
		add_record(report, &event->record);
		break;
	case EVENT_LOOK:
		add_look(report, &event->look);
		break;
	case EVENT_FINDING:
		add_finding(report, &event->finding);
		break;
	case EVENT_TOTALS:
		report->totals = event->totals;
		break;
	case EVENT_MIRROR:
		add_mirrored(report, &event->mirrored);
		break;
	case EVENT_LOG:
	case EVENT_PHASE:
		break;
	}
}

static struct kept_registry *registry_of(struct report *report, const struct http_quota *quota)
{
	CLEANUP(mem_freep) char *name = mem_strndup(quota->name, strcspn(quota->name, " "));
	const char *host = intern_text(report->strings, name);
	struct kept_registry *registry;

	for (size_t i = 0; i < report->registries.len; i++)
		if (report->registries.items[i].host == host)
			return &report->registries.items[i];
	registry = vec_push(&report->registries);
	registry->host = host;
	return registry;
}

void report_add_quota(struct report *report, const struct http_quota *quota)
{
	struct kept_registry *registry = registry_of(report, quota);

	registry->requests += quota->requests;
	registry->retries += quota->retries;
	registry->throttled += quota->throttled;
	registry->paused_ms += quota->paused_ms;
	if (quota->ceiling > 0 && (registry->ceiling <= 0 || quota->ceiling < registry->ceiling))
		registry->ceiling = quota->ceiling;
}

static void write_findings(struct report *report)
{
	struct json_out *out = &report->out;

	json_out_open(out, "findings", '[');
	for (size_t i = 0; i < report->findings.len; i++) {
		const struct kept_finding *finding = &report->findings.items[i];

		json_out_break(out);
		json_out_open(out, NULL, '{');
		json_out_text(out, "kind", finding_kind_name(finding->kind));
		json_out_text(out, "project", finding->project);
		write_place(out, &finding->place);
		json_out_text(out, "message", finding->message);
		json_out_close(out, '}');
	}
	json_out_close(out, ']');
}

static int compare_looks(const void *left, const void *right)
{
	const struct kept_look *a = left, *b = right;
	int order = strcmp(a->repository, b->repository);

	return order ? order : a->is_source - b->is_source;
}

static void write_looks(struct report *report)
{
	struct json_out *out = &report->out;

	if (report->looks.len)
		qsort(report->looks.items, report->looks.len, sizeof(*report->looks.items),
			compare_looks);
	json_out_open(out, "repositories", '[');
	for (size_t i = 0; i < report->looks.len; i++) {
		const struct kept_look *look = &report->looks.items[i];

		json_out_break(out);
		json_out_open(out, NULL, '{');
		json_out_text(out, "repository", look->repository);
		json_out_text(out, "project", look->project);
		json_out_text(out, "role", look->is_source ? "source" : "destination");
		if (!look->is_source) {
			json_out_number(out, "digests", look->digests);
			json_out_number(out, "in_place", look->in_place);
		}
		json_out_number(out, "requests", look->requests);
		json_out_number(out, "bytes_received", look->bytes_received);
		json_out_text(out, "error", look->error);
		json_out_close(out, '}');
	}
	json_out_close(out, ']');
}

static int compare_mirrored(const void *left, const void *right)
{
	const struct kept_mirrored *a = left, *b = right;
	int order = strcmp(a->destination, b->destination);

	return order ? order : strcmp(a->tag ? a->tag : "", b->tag ? b->tag : "");
}

static void write_mirrors(struct report *report, const struct run_result *result)
{
	struct json_out *out = &report->out;

	if (report->mirrored.len)
		qsort(report->mirrored.items, report->mirrored.len, sizeof(*report->mirrored.items),
			compare_mirrored);
	json_out_open(out, "mirrors", '{');
	json_out_open(out, "totals", '{');
	for (enum replica_end end = 0; end < REPLICA_ENDS; end++)
		json_out_number(out, replica_end_name(end), result ? result->mirrored[end] : 0);
	json_out_close(out, '}');
	json_out_open(out, "objects", '[');
	for (size_t i = 0; i < report->mirrored.len; i++) {
		const struct kept_mirrored *mirrored = &report->mirrored.items[i];

		json_out_break(out);
		json_out_open(out, NULL, '{');
		json_out_text(out, "destination", mirrored->destination);
		json_out_text(out, "primary", mirrored->tag ? mirrored->primary : NULL);
		json_out_text(out, "tag", mirrored->tag);
		json_out_text(out, "outcome",
			mirrored->tag ? replica_end_name(mirrored->end) : "unlisted");
		json_out_text(out, "error", mirrored->error);
		json_out_close(out, '}');
	}
	json_out_close(out, ']');
	json_out_number(out, "left_out", report->mirrored_left_out);
	json_out_number(out, "requests", result ? result->mirror_requests : 0);
	json_out_close(out, '}');
}

static int compare_registries(const void *left, const void *right)
{
	const struct kept_registry *a = left, *b = right;

	return strcmp(a->host, b->host);
}

static void write_registries(struct report *report)
{
	struct json_out *out = &report->out;

	if (report->registries.len)
		qsort(report->registries.items, report->registries.len,
			sizeof(*report->registries.items), compare_registries);
	json_out_open(out, "registries", '[');
	for (size_t i = 0; i < report->registries.len; i++) {
		const struct kept_registry *registry = &report->registries.items[i];

		json_out_break(out);
		json_out_open(out, NULL, '{');
		json_out_text(out, "host", registry->host);
		json_out_number(out, "requests", registry->requests);
		json_out_number(out, "retries", registry->retries);
		json_out_number(out, "throttled", registry->throttled);
		json_out_number(out, "paused_ms", registry->paused_ms);
		if (registry->ceiling > 0)
			json_out_tenths(out, "ceiling", registry->ceiling);
		else
			json_out_text(out, "ceiling", NULL);
		json_out_close(out, '}');
	}
	json_out_close(out, ']');
}

static void write_signatures(struct json_out *out, const struct run_result *result)
{
	json_out_open(out, "signatures", '{');
	json_out_number(out, "signed", result ? result->signed_images : 0);
	json_out_number(out, "recorded", result ? result->recorded_images : 0);
	json_out_number(out, "verified", result ? result->verified_images : 0);
	json_out_number(out, "assumed", result ? result->assumed_images : 0);
	json_out_close(out, '}');
}

static void write_totals(struct report *report, const struct run_result *result)
{
	struct json_out *out = &report->out;

	json_out_open(out, "totals", '{');
	json_out_number(out, "digests", report->totals.digests);
	json_out_number(out, "edges", report->totals.edges);
	json_out_number(out, "destinations", report->totals.repositories);
	json_out_number(out, "sources", report->totals.sources);
	json_out_number(out, "requests", report->requests + (result ? result->mirror_requests : 0));
	json_out_number(out, "bytes_received",
		report->bytes_received + (result ? result->mirror_bytes_received : 0));
	json_out_number(
		out, "bytes_sent", report->bytes_sent + (result ? result->mirror_bytes_sent : 0));
	json_out_open(out, "outcomes", '{');
	for (unsigned i = 0; i < OUTCOMES; i++)
		json_out_number(out, outcome_name(i), result ? result->outcomes[i] : 0);
	json_out_close(out, '}');
	json_out_open(out, "findings", '{');
	for (unsigned i = 0; i < FINDING_KINDS; i++)
		json_out_number(out, finding_kind_name(i), result ? result->findings[i] : 0);
	json_out_close(out, '}');
	write_signatures(out, result);
	json_out_close(out, '}');
}

static void write_end(
	struct report *report, const struct run_result *result, const struct err *run_error)
{
	struct json_out *out = &report->out;

	json_out_bool(out, "interrupted", result && result->interrupted);
	if (run_error) {
		json_out_open(out, "error", '{');
		json_out_text(out, "kind", err_kind_name(run_error->kind));
		json_out_text(out, "message", run_error->msg);
		json_out_close(out, '}');
	} else {
		json_out_text(out, "error", NULL);
	}
	json_out_time(out, "end", clock_unix_ms(report->clock));
	json_out_close(out, '}');
	out->follows = false;
	json_out_break(out);
}

bool report_finish(struct report *report, const struct run_result *result,
	const struct err *run_error, struct err **err)
{
	struct json_out *out = &report->out;

	json_out_close(out, ']');
	json_out_break(out);
	write_findings(report);
	json_out_break(out);
	write_looks(report);
	json_out_break(out);
	write_registries(report);
	json_out_break(out);
	write_mirrors(report, result);
	json_out_break(out);
	write_totals(report, result);
	json_out_break(out);
	write_end(report, result, run_error);
	if (report_file_commit(&report->file, out->error, err))
		return true;
	return err_prefix(err, "report");
}
