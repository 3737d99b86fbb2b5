/*
 * Turns the compact form of a plan into what is told about a pair, and decides which of several
 * truths is its outcome: the worst. It knows the words for people, not how anything is done.
 */
#include "reconciler/record.h"

#include <string.h>

static const struct declared_project *project_at(const struct declared *declared, uint32_t index)
{
	return &declared->projects.items[index];
}

static struct digest found_digest(const struct observed *observed, uint32_t slot)
{
	const struct observed_tag *tag = &observed->tags[slot];

	if (tag->elsewhere)
		return *tag->elsewhere;
	return digest_from_sha256(observed->wanted->digests.items[tag->digest].sha256);
}

static void add_tag(struct record *record, const struct observed *observed,
	const struct wanted_tag *wanted, const struct plan_tag *planned)
{
	struct record_tag *tag = vec_push(&record->tags);

	*tag = (struct record_tag){
		.name = wanted->name,
		.place = wanted->place,
		.found = planned->found,
		.done = planned->done,
		.reason = planned->reason,
	};
	if (tag->found == TAG_ELSEWHERE)
		tag->found_digest = found_digest(observed, wanted->slot);
}

/* The error of whatever is unknown about the pair, the digest's own first. */
static const struct err *first_error(const struct observed *observed,
	const struct wanted_digest *digest, const struct plan_pair *pair)
{
	const struct err *err = NULL;

	if (digest->by_digest && pair->found == KNOWN_NOTHING)
		err = observed_error(observed, true, pair->digest);
	for (uint32_t t = 0; t < digest->tag_count && !err; t++) {
		uint32_t slot = observed->wanted->tags.items[digest->first_tag + t].slot;

		if (slot != WORK_NONE && observed->tags[slot].found == TAG_UNKNOWN)
			err = observed_error(observed, false, slot);
	}
	return err;
}

void record_init(struct record *record, const struct worklist *list, uint32_t destination,
	const struct observed *observed, const struct plan *plan, const struct plan_pair *pair)
{
	const struct wanted *wanted = observed->wanted;
	const struct wanted_digest *digest = &wanted->digests.items[pair->digest];
	const struct work_destination *work = &list->destinations.items[destination];
	uint32_t source = digest->source_count ? wanted->sources.items[digest->first_source]
					       : list->claims.items[work->first_claim].source;

	*record = (struct record){
		.project = project_at(list->declared, digest->project)->name,
		.source = list->sources.items[source].name,
		.destination = work->name,
		.place = digest->place,
		.digest_malformed = !digest->sha256,
		.digest_found = pair->found,
		.digest_done = pair->action == PLAN_COPY ? TAG_DONE_PLANNED : TAG_DONE_NOTHING,
		.reasons = pair->reasons,
	};
	if (digest->sha256)
		record->digest = digest_from_sha256(digest->sha256);
	for (uint32_t t = 0; t < digest->tag_count; t++)
		add_tag(record, observed, &wanted->tags.items[digest->first_tag + t],
			&plan->tags.items[pair->first_tag + t]);
	if (record->reasons & PLAN_REASON(FINDING_ERROR)) {
		const struct err *err = first_error(observed, digest, pair);

		if (err)
			record_add_error(record, err);
	}
}

void record_add_error(struct record *record, const struct err *err)
{
	record->reasons |= PLAN_REASON(FINDING_ERROR);
	if (record->error)
		return;
	record->error_kind = err->kind;
	record->error = mem_strdup(err->msg);
}

void record_add_unsigned(struct record *record, const struct err *err)
{
	record->reasons |= PLAN_REASON(FINDING_UNSIGNED);
	if (record->signing.error)
		return;
	record->signing.error_kind = err->kind;
	record->signing.error = mem_strdup(err->msg);
}

/* From the worst to the mildest. */
static enum finding_kind worst_reason(uint32_t reasons)
{
	static const enum finding_kind order[] = {FINDING_ERROR, FINDING_TAG_MOVE, FINDING_OVERLAP,
		FINDING_CYCLE, FINDING_INVALID_FILE, FINDING_MALFORMED, FINDING_LOST};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (reasons & PLAN_REASON(order[i]))
			return order[i];
	return FINDING_UNSIGNED;
}

bool record_has_done(const struct record *record, enum tag_done done)
{
	if (record->digest_done == done)
		return true;
	for (size_t i = 0; i < record->tags.len; i++)
		if (record->tags.items[i].done == done)
			return true;
	return false;
}

/* Signature or statement, once for all that share it. */
static bool is_made(const struct record *record, enum signed_state state)
{
	const struct record_signing *signing = &record->signing;

	return signing->leads && (signing->signature == state || signing->attestation == state);
}

static enum outcome judge(const struct record *record, enum record_end end)
{
	if (record->reasons & PLAN_REASON(FINDING_ERROR))
		return OUTCOME_FAILED;
	if (end == RECORD_END_NOT_DONE)
		return OUTCOME_NOT_DONE;
	if (record->reasons & PLAN_QUARANTINES)
		return OUTCOME_QUARANTINED;
	if (record->reasons & PLAN_REASON(FINDING_LOST))
		return OUTCOME_LOST;
	if (end == RECORD_END_WAITING)
		return OUTCOME_WAITING;
	if (record_has_done(record, TAG_DONE_PLANNED) || is_made(record, SIGNED_PLANNED))
		return OUTCOME_PLANNED;
	if (record->reasons & PLAN_REASON(FINDING_UNSIGNED))
		return OUTCOME_UNSIGNED;
	if (record_has_done(record, TAG_DONE_WRITTEN))
		return OUTCOME_PROMOTED;
	return is_made(record, SIGNED_NOW) ? OUTCOME_SIGNED : OUTCOME_IN_PLACE;
}

static void drop_plans(struct record *record)
{
	if (record->digest_done == TAG_DONE_PLANNED)
		record->digest_done = TAG_DONE_NOTHING;
	for (size_t i = 0; i < record->tags.len; i++)
		if (record->tags.items[i].done == TAG_DONE_PLANNED)
			record->tags.items[i].done = TAG_DONE_NOTHING;
}

static const struct record_tag *quarantined_for(
	const struct record *record, enum finding_kind reason)
{
	for (size_t i = 0; i < record->tags.len; i++)
		if (record->tags.items[i].done == TAG_DONE_QUARANTINED &&
			record->tags.items[i].reason == reason)
			return &record->tags.items[i];
	return NULL;
}

static char *explain_move(const struct record *record)
{
	const struct record_tag *tag = quarantined_for(record, FINDING_TAG_MOVE);
	char text[DIGEST_TEXT_SIZE];

	CLEANUP(mem_freep) char *policy = mem_printf(DECLARED_POLICY_FILE, record->project);

	if (!tag)
		return mem_strdup("a tag points at another digest; tags are not moved");
	digest_format(&tag->found_digest, text);
	if (tag->why)
		return mem_printf("tag %s is at %s there; %s", tag->name, text, tag->why);
	return mem_printf("tag %s is at %s there; tags are not moved%s%s", tag->name, text,
		*record->project ? ", unless they are mutable by " : "",
		*record->project ? policy : "");
}

static char *explain_overlap(const struct record *record, const struct declared *declared)
{
	const struct record_tag *tag = quarantined_for(record, FINDING_OVERLAP);
	const struct declared_dispute *dispute =
		tag ? declared_dispute(declared, record->destination, tag->name) : NULL;

	if (!dispute)
		return mem_strdup("another entry claims the same tag");
	return mem_printf("tag %s: %s", tag->name, dispute->reason);
}

static uint32_t project_named(const struct declared *declared, const char *name)
{
	uint32_t i = 0;

	while (i < declared->projects.len && declared->projects.items[i].name != name)
		i++;
	return i;
}

static char *explain_frozen(const struct record *record, const struct declared *declared)
{
	const struct declared_project *other = declared_frozen_by(
		declared, record->destination, project_named(declared, record->project));

	return mem_printf("project %s promotes below the same prefix and cannot be read; no new "
			  "tag is made there until it can",
		other ? other->name : "another");
}

static char *explain(const struct record *record, const struct declared *declared)
{
	switch (record->reason) {
	case FINDING_TAG_MOVE:
		return explain_move(record);
	case FINDING_OVERLAP:
		return explain_overlap(record, declared);
	case FINDING_CYCLE:
		return mem_printf("%s is promoted in a circle", record->destination);
	case FINDING_INVALID_FILE:
		return explain_frozen(record, declared);
	case FINDING_MALFORMED:
		return mem_strdup(record->digest_malformed ? "the digest is malformed"
							   : "a tag is malformed");
	case FINDING_LOST:
		return mem_printf("neither %s nor the destination holds it", record->source);
	case FINDING_UNSIGNED:
		return mem_printf("not signed: %s", record->signing.error);
	default:
		return mem_strdup("could not be looked at");
	}
}

void record_settle(struct record *record, const struct declared *declared, enum record_end end)
{
	if (end != RECORD_END_PLANNED || (record->reasons & PLAN_REASON(FINDING_LOST)))
		drop_plans(record);
	record->outcome = judge(record, end);
	if (!record->reasons)
		return;
	record->reason = worst_reason(record->reasons);
	if (!record->error)
		record->error = explain(record, declared);
}
