/*
 * Counting and layout of the summary. Which outcome an image has is not decided here.
 */
#include "cli/summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "cli/format.h"

#define NAME_MAX_BYTES 60

/* Not here: what an interrupted run did not come to, which nobody knows by project. */
static const struct {
	enum outcome outcome;
	const char *title;
} columns[] = {
	{OUTCOME_IN_PLACE, "IN PLACE"},
	{OUTCOME_PLANNED, "TO PROMOTE"},
	{OUTCOME_PROMOTED, "PROMOTED"},
	{OUTCOME_SIGNED, "SIGNED"},
	{OUTCOME_QUARANTINED, "QUARANTINED"},
	{OUTCOME_LOST, "LOST"},
	{OUTCOME_FAILED, "FAILED"},
	{OUTCOME_UNSIGNED, "UNSIGNED"},
	{OUTCOME_WAITING, "WAITING"},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

void summary_init(struct summary *summary)
{
	*summary = (struct summary){.names = intern_new()};
}

void summary_release(struct summary *summary)
{
	strmap_release(&summary->index);
	vec_release(&summary->projects);
	intern_free(summary->names);
}

static struct summary_project *project_of(struct summary *summary, const char *name)
{
	uintptr_t index = (uintptr_t)strmap_get(&summary->index, name);

	if (index == 0) {
		name = intern_text(summary->names, name);
		vec_push(&summary->projects)->name = name;
		index = summary->projects.len;
		*strmap_put(&summary->index, name) = (void *)index;
	}
	return &summary->projects.items[index - 1];
}

static void count_record(struct summary *summary, const struct record *record)
{
	struct summary_project *project = project_of(summary, record->project);

	/* Looks count what is in place; a report of everything adds records of the same images. */
	if (record->in_look)
		return;
	project->outcomes[record->outcome]++;
	if (record->outcome == OUTCOME_QUARANTINED || record->outcome == OUTCOME_FAILED ||
		record->outcome == OUTCOME_UNSIGNED)
		project->reasons[record->reason]++;
}

void summary_event(struct summary *summary, const struct event *event)
{
	if (event->kind == EVENT_RECORD)
		count_record(summary, &event->record);
	else if (event->kind == EVENT_LOOK && !event->look.is_source)
		project_of(summary, event->look.project)->outcomes[OUTCOME_IN_PLACE] +=
			event->look.in_place;
	else if (event->kind == EVENT_FINDING && event->finding.kind == FINDING_INVALID_FILE &&
		event->finding.project)
		/* A project that cannot be read has no image that could tell why. */
		project_of(summary, event->finding.project)->reasons[FINDING_INVALID_FILE]++;
}

static int by_name(const void *a, const void *b)
{
	const struct summary_project *x = *(const struct summary_project *const *)a;
	const struct summary_project *y = *(const struct summary_project *const *)b;

	return strcmp(x->name, y->name);
}

/* The name as it is shown, in fresh memory. */
static char *shown_name(const char *name)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	if (*name == '\0')
		return mem_strdup(SUMMARY_UNNAMED);
	escape_terminal(&text, name, strlen(name), NAME_MAX_BYTES);
	return str_steal(&text, NULL);
}

static void add_reasons(struct str *out, const struct summary_project *project)
{
	const char *before = "  ";

	for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++) {
		if (project->reasons[kind] == 0)
			continue;
		str_addf(out, "%s%s ", before, finding_kind_name(kind));
		format_count(out, project->reasons[kind]);
		before = ", ";
	}
}

struct layout {
	int name_width;
	bool shown[COLUMNS];
	bool reasons;
};

static void print_row(const struct layout *layout, const char *name,
	const struct summary_project *row, struct str *out)
{
	str_addf(out, "%-*s", layout->name_width, name);
	for (size_t i = 0; i < COLUMNS; i++) {
		CLEANUP(str_release) struct str number = STR_INIT(64);

		if (!layout->shown[i])
			continue;
		format_count(&number, row->outcomes[columns[i].outcome]);
		str_addf(out, "  %*s", (int)strlen(columns[i].title) + 1, str_text(&number));
	}
	add_reasons(out, row);
	str_add_char(out, '\n');
}

static void print_head(const struct layout *layout, struct str *out)
{
	str_addf(out, "%-*s", layout->name_width, "PROJECT");
	for (size_t i = 0; i < COLUMNS; i++) {
		if (layout->shown[i])
			str_addf(out, "   %s", columns[i].title);
	}
	if (layout->reasons)
		str_add_text(out, "  REASONS");
	str_add_char(out, '\n');
}

static struct summary_project total_of(const struct summary *summary)
{
	struct summary_project total = {.name = "total"};

	for (size_t i = 0; i < summary->projects.len; i++) {
		const struct summary_project *project = &summary->projects.items[i];

		for (size_t j = 0; j < OUTCOMES; j++)
			total.outcomes[j] += project->outcomes[j];
		for (size_t j = 0; j < FINDING_KINDS; j++)
			total.reasons[j] += project->reasons[j];
	}
	return total;
}

static void lay_out(struct layout *layout, const struct summary_project *total, char *const *names,
	size_t count)
{
	layout->name_width = (int)strlen("PROJECT");
	for (size_t i = 0; i < count; i++) {
		int width = (int)strlen(names[i]);

		layout->name_width = width > layout->name_width ? width : layout->name_width;
	}
	for (size_t i = 0; i < COLUMNS; i++)
		layout->shown[i] = columns[i].outcome == OUTCOME_IN_PLACE ||
			total->outcomes[columns[i].outcome] > 0;
	for (size_t i = 0; i < FINDING_KINDS; i++)
		layout->reasons = layout->reasons || total->reasons[i] > 0;
}

void summary_print(const struct summary *summary, struct str *out)
{
	const struct summary_project total = total_of(summary);
	size_t count = summary->projects.len;
	const struct summary_project **rows;
	struct layout layout = {0};
	char **names;

	if (count == 0)
		return;
	rows = mem_new(count, sizeof(const struct summary_project *));
	names = mem_new(count, sizeof(*names));
	for (size_t i = 0; i < count; i++)
		rows[i] = &summary->projects.items[i];
	qsort(rows, count, sizeof(const struct summary_project *), by_name);
	for (size_t i = 0; i < count; i++)
		names[i] = shown_name(rows[i]->name);
	lay_out(&layout, &total, names, count);
	print_head(&layout, out);
	for (size_t i = 0; i < count; i++) {
		print_row(&layout, names[i], rows[i], out);
		mem_free(names[i]);
	}
	if (count > 1)
		print_row(&layout, "total", &total, out);
	mem_free(names);
	mem_free(rows);
}
