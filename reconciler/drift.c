/*
 * What of a record, a look or a finding is drift. Nothing is judged twice: what the plan says
 * would be done is what is missing. How it is shown is the business of cli/.
 */
#include "reconciler/drift.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[DRIFT_KINDS] = {
	[DRIFT_TAG_ELSEWHERE] = "tag-elsewhere",
	[DRIFT_MISSING_TAG] = "missing-tag",
	[DRIFT_MISSING_IMAGE] = "missing-image",
	[DRIFT_LOST] = "lost",
	[DRIFT_UNSIGNED] = "unsigned",
	[DRIFT_FOREIGN_BUNDLE] = "foreign-bundle",
	[DRIFT_UNRECORDED] = "unrecorded",
	[DRIFT_MIRROR] = "mirror",
	[DRIFT_EXTRA_TAG] = "extra-tag",
	[DRIFT_UNREADABLE] = "unreadable",
	[DRIFT_INVALID] = "invalid",
};

const char *drift_kind_name(enum drift_kind kind)
{
	return names[kind];
}

void drift_init(struct drift *drift)
{
	*drift = (struct drift){.strings = intern_new()};
}

void drift_release(struct drift *drift)
{
	for (size_t i = 0; i < drift->items.len; i++)
		mem_free(drift->items.items[i].message);
	vec_release(&drift->items);
	vec_release(&drift->projects);
	strmap_release(&drift->index);
	intern_free(drift->strings);
}

static struct drift_project *project_of(struct drift *drift, const char *name)
{
	uintptr_t index = (uintptr_t)strmap_get(&drift->index, name);

	if (index == 0) {
		name = intern_text(drift->strings, name);
		vec_push(&drift->projects)->name = name;
		index = drift->projects.len;
		*strmap_put(&drift->index, name) = (void *)index;
	}
	return &drift->projects.items[index - 1];
}

static const char *keep(struct drift *drift, const char *text)
{
	return text ? intern_text(drift->strings, text) : NULL;
}

/* Valid until the next one is added. */
static struct drift_item *add_item(struct drift *drift, enum drift_kind kind, const char *project,
	const char *repository, uint64_t count)
{
	struct drift_project *row = project_of(drift, project);
	struct drift_item *item = vec_push(&drift->items);

	row->drift[kind] += count;
	item->kind = kind;
	item->project = row->name;
	item->repository = keep(drift, repository);
	item->count = count;
	return item;
}

static void place_item(struct drift *drift, struct drift_item *item, const struct place *place)
{
	item->place = *place;
	item->place.file = keep(drift, place->file);
}

static struct drift_item *add_of_record(
	struct drift *drift, enum drift_kind kind, const struct record *record)
{
	struct drift_item *item = add_item(drift, kind, record->project, record->destination, 1);

	item->has_digest = !record->digest_malformed;
	item->digest = record->digest;
	place_item(drift, item, &record->place);
	return item;
}

/* ---- Records ---- */

static void add_tag(struct drift *drift, const struct record *record, const struct record_tag *tag)
{
	bool elsewhere = tag->found == TAG_ELSEWHERE;
	struct drift_item *item;

	if (tag->found != TAG_ABSENT && !elsewhere)
		return;
	item = add_of_record(drift, elsewhere ? DRIFT_TAG_ELSEWHERE : DRIFT_MISSING_TAG, record);
	item->tag = keep(drift, tag->name);
	item->has_found = elsewhere;
	item->found = tag->found_digest;
	if (tag->why)
		item->message = mem_strdup(tag->why);
	else if (elsewhere && tag->done == TAG_DONE_PLANNED)
		item->message = mem_strdup("the next run moves it");
	place_item(drift, item, &tag->place);
}

static void add_digest(struct drift *drift, const struct record *record)
{
	if (record->reasons & 1U << FINDING_LOST)
		add_of_record(drift, DRIFT_LOST, record);
	else if (!record->digest_malformed && record->digest_found == KNOWN_ABSENT)
		add_of_record(drift, DRIFT_MISSING_IMAGE, record);
}

/* What could not be read says no more than that. */
static void add_unread(struct drift *drift, const struct record *record)
{
	struct drift_item *item = add_of_record(drift, DRIFT_UNREADABLE, record);

	item->repository = keep(drift, record->signing.primary);
	if (record->signing.error)
		item->message = mem_strdup(record->signing.error);
}

static void add_unsigned(struct drift *drift, const struct record *record)
{
	const struct record_signing *signing = &record->signing;
	struct drift_item *item = add_of_record(
		drift, signing->is_hidden ? DRIFT_FOREIGN_BUNDLE : DRIFT_UNSIGNED, record);

	if (signing->instead)
		item->message = mem_strdup(signing->instead);
}

static bool has_plans(const struct record *record)
{
	for (size_t i = 0; i < record->tags.len; i++)
		if (record->tags.items[i].done == TAG_DONE_PLANNED)
			return true;
	return false;
}

/* Of an image that is not there neither is missing by itself. */
static void add_signing(struct drift *drift, const struct record *record)
{
	const struct record_signing *signing = &record->signing;

	if (!signing->leads || record->digest_found != KNOWN_PRESENT)
		return;
	if (signing->signature == SIGNED_FAILED || signing->attestation == SIGNED_FAILED)
		add_unread(drift, record);
	if (signing->signature == SIGNED_BEFORE && signing->verified)
		project_of(drift, record->project)->signed_verified++;
	else if (signing->signature == SIGNED_BEFORE)
		project_of(drift, record->project)->signed_assumed++;
	if (signing->signature == SIGNED_PLANNED)
		add_unsigned(drift, record);
	/* Of a tag that is missing no record can tell. */
	if (signing->attestation == SIGNED_PLANNED && !has_plans(record))
		add_of_record(drift, DRIFT_UNRECORDED, record);
}

static void count_record(struct drift *drift, const struct record *record)
{
	struct drift_project *project = project_of(drift, record->project);

	project->images++;
	project->tags += record->tags.len;
	for (size_t i = 0; i < record->tags.len; i++)
		project->tags_in_place += record->tags.items[i].found == TAG_AT_DIGEST;
	project->images_in_place += record->outcome == OUTCOME_IN_PLACE;
	project->images_unknown +=
		record->outcome == OUTCOME_FAILED || record->outcome == OUTCOME_NOT_DONE;
}

static void add_record(struct drift *drift, const struct record *record)
{
	count_record(drift, record);
	add_digest(drift, record);
	for (size_t i = 0; i < record->tags.len; i++)
		add_tag(drift, record, &record->tags.items[i]);
	add_signing(drift, record);
}

/* ---- Looks and findings ---- */

static void add_extra(struct drift *drift, const struct repository_look *look)
{
	const struct extra_tags *extra = &look->extra;
	uint64_t unnamed = extra->count - extra->names.len;

	for (size_t i = 0; i < extra->names.len; i++)
		add_item(drift, DRIFT_EXTRA_TAG, look->project, look->repository, 1)->tag =
			keep(drift, extra->names.items[i]);
	if (unnamed)
		add_item(drift, DRIFT_EXTRA_TAG, look->project, look->repository, unnamed);
}

static void add_look(struct drift *drift, const struct repository_look *look)
{
	if (look->error)
		add_item(drift, DRIFT_UNREADABLE, look->project, look->repository, 1)->message =
			mem_strdup(look->error);
	if (look->is_source)
		return;
	drift->repositories++;
	add_extra(drift, look);
}

/* A mirror that could not be listed has said so as a repository. */
static void add_mirrored(struct drift *drift, const struct mirrored *mirrored)
{
	struct drift_item *item;
	struct replica_tag tag;

	if (!mirrored->tag ||
		(mirrored->end != REPLICA_MISSING && mirrored->end != REPLICA_DIFFERS))
		return;
	item = add_item(drift, DRIFT_MIRROR, mirrored->project, mirrored->destination, 1);
	item->tag = keep(drift, mirrored->tag);
	item->message =
		mem_printf("%s (from %s)", replica_end_name(mirrored->end), mirrored->primary);
	if (replica_tag_parse(mirrored->tag, &tag)) {
		item->has_digest = true;
		item->digest = digest_from_sha256(tag.image);
	}
}

static void add_finding(struct drift *drift, const struct finding *finding)
{
	struct drift_item *item;

	if (finding->kind == FINDING_WARNING)
		return;
	item = add_item(drift, DRIFT_INVALID, finding->project ? finding->project : "", NULL, 1);
	place_item(drift, item, &finding->place);
	item->message = mem_strdup(finding->message);
}

void drift_event(struct drift *drift, const struct event *event)
{
	switch (event->kind) {
	case EVENT_RECORD:
		add_record(drift, &event->record);
		break;
	case EVENT_LOOK:
		add_look(drift, &event->look);
		break;
	case EVENT_FINDING:
		add_finding(drift, &event->finding);
		break;
	case EVENT_MIRROR:
		add_mirrored(drift, &event->mirrored);
		break;
	case EVENT_TOTALS:
	case EVENT_LOG:
	case EVENT_PHASE:
		break;
	}
}

/* ---- The end ---- */

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_projects(const void *left, const void *right)
{
	const struct drift_project *a = left, *b = right;

	return strcmp(a->name, b->name);
}

/* Named ones before the rest of them, so tags come in order of being there. */
static int compare_items(const void *left, const void *right)
{
	const struct drift_item *a = left, *b = right;
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	if (!order)
		order = strcmp(a->project, b->project);
	if (!order)
		order = compare_texts(a->repository, b->repository);
	if (!order)
		order = (a->count > 1) - (b->count > 1);
	if (!order)
		order = digest_compare(&a->digest, &b->digest);
	if (!order)
		order = compare_texts(a->tag, b->tag);
	if (!order)
		order = compare_texts(a->place.file, b->place.file);
	if (!order)
		order = (a->place.line > b->place.line) - (a->place.line < b->place.line);
	return order ? order : compare_texts(a->message, b->message);
}

void drift_finish(struct drift *drift)
{
	if (drift->projects.len)
		qsort(drift->projects.items, drift->projects.len, sizeof(*drift->projects.items),
			compare_projects);
	if (drift->items.len)
		qsort(drift->items.items, drift->items.len, sizeof(*drift->items.items),
			compare_items);
}

struct drift_project drift_total(const struct drift *drift)
{
	struct drift_project total = {.name = "total"};

	for (size_t i = 0; i < drift->projects.len; i++) {
		const struct drift_project *project = &drift->projects.items[i];

		total.images += project->images;
		total.images_in_place += project->images_in_place;
		total.images_unknown += project->images_unknown;
		total.tags += project->tags;
		total.tags_in_place += project->tags_in_place;
		total.signed_assumed += project->signed_assumed;
		total.signed_verified += project->signed_verified;
		for (enum drift_kind kind = 0; kind < DRIFT_KINDS; kind++)
			total.drift[kind] += project->drift[kind];
	}
	return total;
}

bool drift_is_none(const struct drift_project *project)
{
	for (enum drift_kind kind = 0; kind < DRIFT_KINDS; kind++)
		if (project->drift[kind])
			return false;
	return project->images_unknown == 0;
}
