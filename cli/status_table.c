/*
 * The words for drift. Judges nothing: what counts as drift is decided in reconciler/drift.c.
 */
#include "cli/status_table.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "cli/format.h"
#include "cli/metrics_text.h"
#include "cli/summary.h"
#include "reconciler/json_out.h"

/* ---- For people: the table ---- */

enum column { IMAGES, IMAGES_IN_PLACE, TAGS, TAGS_IN_PLACE, UNKNOWN, FIRST_DRIFT };
#define COLUMNS (FIRST_DRIFT + DRIFT_KINDS)
#define NAME_MAX_BYTES 60

static const char *title_of(unsigned column)
{
	static const char *const titles[COLUMNS] = {"IMAGES", "IN PLACE", "TAGS", "IN PLACE",
		"UNKNOWN", [FIRST_DRIFT + DRIFT_TAG_ELSEWHERE] = "ELSEWHERE",
		[FIRST_DRIFT + DRIFT_MISSING_TAG] = "NO TAG",
		[FIRST_DRIFT + DRIFT_MISSING_IMAGE] = "NO IMAGE",
		[FIRST_DRIFT + DRIFT_LOST] = "LOST", [FIRST_DRIFT + DRIFT_UNSIGNED] = "UNSIGNED",
		[FIRST_DRIFT + DRIFT_FOREIGN_BUNDLE] = "FOREIGN",
		[FIRST_DRIFT + DRIFT_UNRECORDED] = "UNRECORDED",
		[FIRST_DRIFT + DRIFT_MIRROR] = "MIRROR", [FIRST_DRIFT + DRIFT_EXTRA_TAG] = "EXTRA",
		[FIRST_DRIFT + DRIFT_UNREADABLE] = "UNREADABLE",
		[FIRST_DRIFT + DRIFT_INVALID] = "INVALID"};

	return titles[column];
}

static uint64_t cell_of(const struct drift_project *project, unsigned column)
{
	switch (column) {
	case IMAGES:
		return project->images;
	case IMAGES_IN_PLACE:
		return project->images_in_place;
	case TAGS:
		return project->tags;
	case TAGS_IN_PLACE:
		return project->tags_in_place;
	case UNKNOWN:
		return project->images_unknown;
	default:
		return project->drift[column - FIRST_DRIFT];
	}
}

struct layout {
	int name_width;
	int widths[COLUMNS]; /* 0: not shown */
};

/* Fresh text, as it is shown. */
static char *shown_name(const struct drift_project *project)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	if (*project->name == '\0')
		return mem_strdup(SUMMARY_UNNAMED);
	escape_terminal(&text, project->name, strlen(project->name), NAME_MAX_BYTES);
	return str_steal(&text, NULL);
}

static void lay_out(
	struct layout *layout, const struct drift *drift, const struct drift_project *total)
{
	*layout = (struct layout){.name_width = (int)strlen("PROJECT")};
	for (size_t i = 0; i < drift->projects.len; i++) {
		CLEANUP(mem_freep) char *name = shown_name(&drift->projects.items[i]);

		if ((int)strlen(name) > layout->name_width)
			layout->name_width = (int)strlen(name);
	}
	for (unsigned column = 0; column < COLUMNS; column++) {
		CLEANUP(str_release) struct str number = STR_INIT(64);
		uint64_t largest = cell_of(total, column);
		int width = (int)strlen(title_of(column));

		if (!largest && column >= UNKNOWN)
			continue;
		format_count(&number, largest);
		layout->widths[column] = (int)number.len > width ? (int)number.len : width;
	}
}

static void print_head(const struct layout *layout, FILE *out)
{
	fprintf(out, "%-*s", layout->name_width, "PROJECT");
	for (unsigned column = 0; column < COLUMNS; column++)
		if (layout->widths[column])
			fprintf(out, "   %*s", layout->widths[column], title_of(column));
	fputc('\n', out);
}

static void print_row(
	const struct layout *layout, const char *name, const struct drift_project *row, FILE *out)
{
	fprintf(out, "%-*s", layout->name_width, name);
	for (unsigned column = 0; column < COLUMNS; column++) {
		CLEANUP(str_release) struct str number = STR_INIT(64);

		if (!layout->widths[column])
			continue;
		format_count(&number, cell_of(row, column));
		fprintf(out, "   %*s", layout->widths[column], str_text(&number));
	}
	fputc('\n', out);
}

static void print_projects(const struct drift *drift, FILE *out)
{
	struct drift_project total = drift_total(drift);
	struct layout layout;

	if (!drift->projects.len)
		return;
	lay_out(&layout, drift, &total);
	print_head(&layout, out);
	for (size_t i = 0; i < drift->projects.len; i++) {
		CLEANUP(mem_freep) char *name = shown_name(&drift->projects.items[i]);

		print_row(&layout, name, &drift->projects.items[i], out);
	}
	if (drift->projects.len > 1)
		print_row(&layout, total.name, &total, out);
}

/* ---- For people: what drifted ---- */

static void print_image(const struct drift_item *item, FILE *out)
{
	char digest[DIGEST_TEXT_SIZE], found[DIGEST_TEXT_SIZE];

	if (item->repository)
		fprintf(out, "  %s", item->repository);
	if (item->tag)
		fprintf(out, ":%s", item->tag);
	else if (item->has_digest)
		fprintf(out, "@%s", digest_format(&item->digest, digest));
	if (item->tag && item->has_digest)
		fprintf(out, "  declared %s", digest_format(&item->digest, digest));
	if (item->has_found)
		fprintf(out, "  found %s", digest_format(&item->found, found));
	if (item->count > 1)
		fprintf(out, "  and %" PRIu64 " more", item->count);
}

static void print_item(const struct drift_item *item, FILE *out)
{
	fprintf(out, "%-13s", drift_kind_name(item->kind));
	print_image(item, out);
	if (item->place.file) {
		CLEANUP(mem_freep) char *file = escape_terminal_text(item->place.file);

		fprintf(out, "  %s", file);
		if (item->place.line)
			fprintf(out, ":%" PRIu32, item->place.line);
	}
	if (item->message) {
		CLEANUP(mem_freep) char *message = escape_terminal_text(item->message);

		fprintf(out, ": %s", message);
	}
	fputc('\n', out);
}

/* Of each kind the first ones: a mirror that is empty must not hide the tag that was moved. */
static void print_items(const struct drift *drift, bool all, FILE *out)
{
	size_t shown = 0, count = drift->items.len;

	if (count)
		fputc('\n', out);
	for (size_t i = 0; i < count; i++) {
		const struct drift_item *item = &drift->items.items[i];
		bool ends = i + 1 == count || drift->items.items[i + 1].kind != item->kind;

		if (all || shown < STATUS_ITEMS_SHOWN)
			print_item(item, out);
		shown++;
		if (!ends)
			continue;
		if (!all && shown > STATUS_ITEMS_SHOWN)
			fprintf(out, "%-13s  ... %zu more; --all shows them\n",
				drift_kind_name(item->kind), shown - STATUS_ITEMS_SHOWN);
		shown = 0;
	}
}

bool status_table_text(const struct status *status, bool all, FILE *out)
{
	print_projects(status->drift, out);
	print_items(status->drift, all, out);
	return fflush(out) == 0 && !ferror(out);
}

/* ---- For machines ---- */

static void write_counts(struct json_out *json, const struct drift_project *project)
{
	json_out_number(json, "images", project->images);
	json_out_number(json, "images_in_place", project->images_in_place);
	json_out_number(json, "images_unknown", project->images_unknown);
	json_out_number(json, "tags", project->tags);
	json_out_number(json, "tags_in_place", project->tags_in_place);
	json_out_open(json, "signed", '{');
	json_out_number(json, "assumed", project->signed_assumed);
	json_out_number(json, "verified", project->signed_verified);
	json_out_close(json, '}');
	json_out_open(json, "drift", '{');
	for (enum drift_kind kind = 0; kind < DRIFT_KINDS; kind++)
		json_out_number(json, drift_kind_name(kind), project->drift[kind]);
	json_out_close(json, '}');
}

static void write_digest(struct json_out *json, const char *key, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];

	json_out_text(json, key, digest_format(digest, text));
}

static void write_item(struct json_out *json, const struct drift_item *item)
{
	json_out_break(json);
	json_out_open(json, NULL, '{');
	json_out_text(json, "kind", drift_kind_name(item->kind));
	json_out_text(json, "project", item->project);
	json_out_text(json, "repository", item->repository);
	json_out_text(json, "tag", item->tag);
	if (item->has_digest)
		write_digest(json, "digest", &item->digest);
	if (item->has_found)
		write_digest(json, "found_digest", &item->found);
	json_out_number(json, "count", item->count);
	if (item->place.file) {
		json_out_text(json, "file", item->place.file);
		json_out_number(json, "line", item->place.line);
		json_out_number(json, "column", item->place.column);
	}
	if (item->message)
		json_out_text(json, "message", item->message);
	json_out_close(json, '}');
}

static void write_head(struct json_out *json, const struct status *status)
{
	struct drift_project total = drift_total(status->drift);

	json_out_number(json, "version", STATUS_VERSION);
	json_out_open(json, "program", '{');
	json_out_text(json, "version", status->program_version);
	json_out_text(json, "commit", status->program_commit);
	json_out_close(json, '}');
	json_out_open(json, "source", '{');
	json_out_text(json, "description", status->source);
	json_out_text(json, "commit", status->commit);
	json_out_close(json, '}');
	json_out_time(json, "start", status->start_unix_ms);
	json_out_time(json, "end", status->end_unix_ms);
	json_out_bool(json, "interrupted", status->result->interrupted);
	json_out_bool(json, "in_sync", !status->result->interrupted && drift_is_none(&total));
	json_out_break(json);
	json_out_open(json, "totals", '{');
	json_out_number(json, "repositories", status->drift->repositories);
	json_out_number(json, "requests", status->requests);
	write_counts(json, &total);
	json_out_close(json, '}');
}

bool status_table_json(const struct status *status, FILE *out)
{
	const struct drift *drift = status->drift;
	struct json_out json = {.stream = out};

	json_out_open(&json, NULL, '{');
	write_head(&json, status);
	json_out_break(&json);
	json_out_open(&json, "projects", '[');
	for (size_t i = 0; i < drift->projects.len; i++) {
		json_out_break(&json);
		json_out_open(&json, NULL, '{');
		json_out_text(&json, "project", drift->projects.items[i].name);
		write_counts(&json, &drift->projects.items[i]);
		json_out_close(&json, '}');
	}
	json_out_close(&json, ']');
	json_out_break(&json);
	json_out_open(&json, "items", '[');
	for (size_t i = 0; i < drift->items.len; i++)
		write_item(&json, &drift->items.items[i]);
	json_out_close(&json, ']');
	json_out_close(&json, '}');
	fputc('\n', out);
	return fflush(out) == 0 && !ferror(out);
}

/* ---- For Prometheus ---- */

struct family {
	const char *name, *help;
	const char *label; /* besides command and project; NULL: none */
};

static void add_sample(struct str *out, const struct family *family, const char *command,
	const struct drift_project *project, const char *of, uint64_t value)
{
	const struct metric_label labels[] = {{"command", command},
		{"project", *project->name ? project->name : SUMMARY_UNNAMED}, {family->label, of},
		{0}};

	metrics_text_sample(out, family->name, labels, value);
}

typedef void add_samples_fn(struct str *out, const struct family *family, const char *command,
	const struct drift_project *project);

static void add_declared(struct str *out, const struct family *family, const char *command,
	const struct drift_project *project)
{
	add_sample(out, family, command, project, "image", project->images);
	add_sample(out, family, command, project, "tag", project->tags);
}

static void add_in_place(struct str *out, const struct family *family, const char *command,
	const struct drift_project *project)
{
	add_sample(out, family, command, project, "image", project->images_in_place);
	add_sample(out, family, command, project, "tag", project->tags_in_place);
}

static void add_unknown(struct str *out, const struct family *family, const char *command,
	const struct drift_project *project)
{
	add_sample(out, family, command, project, NULL, project->images_unknown);
}

static void add_signed(struct str *out, const struct family *family, const char *command,
	const struct drift_project *project)
{
	add_sample(out, family, command, project, "assumed", project->signed_assumed);
	add_sample(out, family, command, project, "verified", project->signed_verified);
}

static void add_drift(struct str *out, const struct family *family, const char *command,
	const struct drift_project *project)
{
	for (enum drift_kind kind = 0; kind < DRIFT_KINDS; kind++)
		add_sample(
			out, family, command, project, drift_kind_name(kind), project->drift[kind]);
}

void status_table_metrics(const struct status *status, const char *command, struct str *out)
{
	static const struct {
		struct family family;
		add_samples_fn *add;
	} families[] = {
		{{"cip_project_declared", "What the manifests declare.", "what"}, add_declared},
		{{"cip_project_in_place", "What of it is as declared.", "what"}, add_in_place},
		{{"cip_project_unknown", "Images that could not be looked at.", NULL}, add_unknown},
		{{"cip_project_signed", "Images with a signature, by how that is known.", "seen"},
			add_signed},
		{{"cip_project_drift", "What is not as declared.", "kind"}, add_drift},
	};
	const struct drift *drift = status->drift;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		metrics_text_family(out, families[i].family.name, families[i].family.help);
		for (size_t j = 0; j < drift->projects.len; j++)
			families[i].add(
				out, &families[i].family, command, &drift->projects.items[j]);
	}
}
