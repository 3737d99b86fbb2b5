/*
 * Words for records. Names of repositories, tags and files were checked when the manifests were
 * read; what registries said is escaped here, since lines go to a terminal as they are.
 */
#include "reconciler/plan_text.h"

#include <string.h>

#include "base/escape.h"
#include "reconciler/sorter.h"

/* Of a registry's message, in a line of the plan. */
#define MESSAGE_MAX ((size_t)1000)

static void add_subject(const struct record *record, struct str *out)
{
	char digest[DIGEST_TEXT_SIZE];

	str_add_text(out, record->destination);
	if (!record->digest_malformed)
		str_addf(out, "@%s", digest_format(&record->digest, digest));
}

static void add_tags(const struct record *record, enum tag_done done, struct str *out)
{
	const char *separator = " tags ";

	for (size_t i = 0; i < record->tags.len; i++) {
		const struct record_tag *tag = &record->tags.items[i];

		if (tag->done != done || tag->found == TAG_AT_DIGEST || record_tag_moves_from(tag))
			continue;
		str_addf(out, "%s%s", separator, tag->name);
		separator = ",";
	}
}

static void add_moves(const struct record *record, struct str *out)
{
	char digest[DIGEST_TEXT_SIZE];

	for (size_t i = 0; i < record->tags.len; i++) {
		const struct record_tag *tag = &record->tags.items[i];

		if (tag->done == TAG_DONE_PLANNED && record_tag_moves_from(tag))
			str_addf(out, " moving %s from %s", tag->name,
				digest_format(record_tag_moves_from(tag), digest));
	}
}

static void add_reason(const struct record *record, const struct place *place, struct str *out)
{
	if (record->error) {
		str_add_text(out, ": ");
		escape_terminal(out, record->error, strlen(record->error), MESSAGE_MAX);
	}
	if (place->file)
		str_addf(out, " (%s:%u)", place->file, place->line);
	str_add_char(out, '\n');
}

static bool has_planned_tag(const struct record *record)
{
	for (size_t i = 0; i < record->tags.len; i++)
		if (record->tags.items[i].done == TAG_DONE_PLANNED)
			return true;
	return false;
}

static void add_planned(const struct record *record, struct str *out)
{
	bool copies = record->digest_done == TAG_DONE_PLANNED;

	if (!copies && !has_planned_tag(record))
		return;
	str_add_text(out, copies ? "promote      " : "tag          ");
	add_subject(record, out);
	if (copies)
		str_addf(out, " from %s", record->source);
	add_tags(record, TAG_DONE_PLANNED, out);
	add_moves(record, out);
	str_add_char(out, '\n');
}

static void add_quarantined_tag(
	const struct record *record, const struct record_tag *tag, struct str *out)
{
	char digest[DIGEST_TEXT_SIZE];

	str_addf(out, "quarantined  %s:", record->destination);
	escape_terminal(out, tag->name, strlen(tag->name), MESSAGE_MAX);
	str_addf(out, " %s", finding_kind_name(tag->reason));
	if (tag->found == TAG_ELSEWHERE)
		str_addf(out, ": is at %s", digest_format(&tag->found_digest, digest));
	if (!record->digest_malformed)
		str_addf(out, ", declared for %s", digest_format(&record->digest, digest));
	if (tag->why) {
		str_add_text(out, ": ");
		escape_terminal(out, tag->why, strlen(tag->why), MESSAGE_MAX);
	}
	str_addf(out, " (%s:%u)\n", tag->place.file, tag->place.line);
}

static void add_quarantined(const struct record *record, struct str *out)
{
	bool any = false;

	for (size_t i = 0; i < record->tags.len; i++) {
		if (record->tags.items[i].done != TAG_DONE_QUARANTINED)
			continue;
		add_quarantined_tag(record, &record->tags.items[i], out);
		any = true;
	}
	if (any || record->outcome != OUTCOME_QUARANTINED)
		return;
	str_add_text(out, "quarantined  ");
	add_subject(record, out);
	str_addf(out, " %s", finding_kind_name(record->reason));
	add_reason(record, &record->place, out);
}

/* Once for all destinations with one identity, at the one that is signed. */
static void add_signing(const struct record *record, struct str *out)
{
	const struct record_signing *signing = &record->signing;
	bool signs = signing->signature == SIGNED_PLANNED;
	char digest[DIGEST_TEXT_SIZE];

	if (!signing->leads || (!signs && signing->attestation != SIGNED_PLANNED))
		return;
	str_addf(out, "%s%s@%s as %s", signs ? "sign         " : "record       ", signing->primary,
		digest_format(&record->digest, digest), signing->identity);
	if (signs && signing->attestation == SIGNED_PLANNED)
		str_add_text(out, ", with a promotion record");
	str_add_char(out, '\n');
}

void plan_text_lines(const struct record *record, struct str *out)
{
	add_planned(record, out);
	add_signing(record, out);
	add_quarantined(record, out);
	switch (record->outcome) {
	case OUTCOME_LOST:
	case OUTCOME_FAILED:
	case OUTCOME_UNSIGNED:
		str_addf(out, "%-13s", outcome_name(record->outcome));
		add_subject(record, out);
		add_reason(record, &record->place, out);
		break;
	case OUTCOME_WAITING:
		str_add_text(out, "waiting      ");
		add_subject(record, out);
		str_addf(out, " for %s", record->source);
		add_tags(record, TAG_DONE_NOTHING, out);
		str_add_char(out, '\n');
		break;
	case OUTCOME_NOT_DONE:
		str_add_text(out, "not-done     ");
		add_subject(record, out);
		str_add_char(out, '\n');
		break;
	default:
		break;
	}
}

struct plan_text {
	struct sorter *sorter;
	struct str line, key;
	struct err *err;
};

struct plan_text *plan_text_new(void)
{
	struct plan_text *text = mem_new(1, sizeof(*text));

	text->sorter = sorter_new(0);
	str_init(&text->line, STR_TEXT_MAX);
	str_init(&text->key, STR_TEXT_MAX);
	return text;
}

void plan_text_free(struct plan_text *text)
{
	if (!text)
		return;
	sorter_free(text->sorter);
	str_release(&text->line);
	str_release(&text->key);
	err_free(text->err);
	mem_free(text);
}

/* Parts end with NUL, so that "a" with "bc" and "ab" with "c" differ and short comes first. */
static void make_key(const struct record *record, struct str *key)
{
	char digest[DIGEST_TEXT_SIZE] = "";

	if (!record->digest_malformed)
		digest_format(&record->digest, digest);
	str_clear(key);
	str_add(key, record->project, strlen(record->project) + 1);
	str_add(key, record->destination, strlen(record->destination) + 1);
	str_add(key, digest, strlen(digest) + 1);
}

void plan_text_add(struct plan_text *text, const struct record *record)
{
	if (text->err)
		return;
	str_clear(&text->line);
	plan_text_lines(record, &text->line);
	if (!text->line.len)
		return;
	make_key(record, &text->key);
	sorter_add(text->sorter, text->key.bytes, text->key.len, text->line.bytes, text->line.len,
		&text->err);
}

bool plan_text_write(struct plan_text *text,
	bool (*write)(void *ctx, const char *bytes, size_t len, struct err **err), void *ctx,
	struct err **err)
{
	if (text->err) {
		if (err)
			*err = err_copy(text->err);
		return false;
	}
	return sorter_finish(text->sorter, write, ctx, err);
}
