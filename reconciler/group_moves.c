/*
 * Before a group is promoted: which of its tags that are to move may. One question for each digest that a
 * tag leaves, at the primary, however many mirrors have it there; and one answer for a tag everywhere,
 * so that a run that must not move it at the primary does not move it on a mirror that is behind.
 */
#include <string.h>

#include "reconciler/schedule_private.h"

/* A tag of all destinations with one primary, and a digest that it is to leave on some of them. */
struct leave {
	uint32_t primary; /* site */
	const char *tag;
	struct digest from;
	char *why;	 /* owned; it must not */
	struct err *err; /* owned; that cannot be told */
};

struct leaves {
	VEC(struct leave) all;
};

static void leaves_release(struct leaves *leaves)
{
	for (size_t i = 0; i < leaves->all.len; i++) {
		mem_free(leaves->all.items[i].why);
		err_free(leaves->all.items[i].err);
	}
	vec_release(&leaves->all);
}

static struct primary_pair pair_of(const struct unit *unit, const struct member *member)
{
	return (struct primary_pair){
		member->site, unit->sites[member->site].plan.pairs.items[member->pair].digest};
}

static uint32_t primary_of_member(const struct unit *unit, const struct member *member)
{
	return primary_of(unit->primaries, pair_of(unit, member)).site;
}

static void add_leave(
	struct leaves *leaves, uint32_t primary, const char *tag, const struct digest *from)
{
	for (size_t i = 0; i < leaves->all.len; i++) {
		const struct leave *leave = &leaves->all.items[i];

		if (leave->primary == primary && strcmp(leave->tag, tag) == 0 &&
			digest_equal(&leave->from, from))
			return;
	}
	*vec_push(&leaves->all) = (struct leave){.primary = primary, .tag = tag, .from = *from};
}

static void collect(const struct unit *unit, const struct group *group,
	const struct record *records, struct leaves *leaves)
{
	for (uint32_t i = 0; i < group->work_count; i++) {
		const struct member *member = &unit->members.items[group->first_member + i];

		for (size_t t = 0; t < records[i].tags.len; t++) {
			const struct record_tag *tag = &records[i].tags.items[t];

			if (record_tag_moves_from(tag))
				add_leave(leaves, primary_of_member(unit, member), tag->name,
					record_tag_moves_from(tag));
		}
	}
}

static void ask(struct unit *unit, struct leave *leave, struct http_tally *tally)
{
	struct schedule *schedule = unit->schedule;
	uint32_t destination = unit->sites[leave->primary].destination;
	const struct work_destination *primary = &schedule->list->destinations.items[destination];

	if (hosts_check(schedule->promoter.hosts, primary->repository.host, &leave->err) &&
		tag_moves_check(schedule->moves, &primary->repository, &leave->from, leave->tag,
			tally, &leave->why, &leave->err))
		return;
	err_prefix(&leave->err, "whether tag %s may be moved cannot be told from %s", leave->tag,
		primary->name);
}

/* The answer for a tag: a refusal before a failure before leave, which is NULL. */
static const struct leave *find_answer(
	const struct leaves *leaves, uint32_t primary, const char *tag)
{
	const struct leave *answer = NULL;

	for (size_t i = 0; i < leaves->all.len; i++) {
		const struct leave *leave = &leaves->all.items[i];

		if (leave->primary != primary || strcmp(leave->tag, tag) != 0)
			continue;
		if (leave->why)
			return leave;
		if (leave->err)
			answer = leave;
	}
	return answer;
}

static void apply_to_tag(
	struct promote_target *target, struct record_tag *tag, const struct leave *answer)
{
	struct record *record = target->record;

	if (answer->why) {
		tag->done = TAG_DONE_QUARANTINED;
		tag->reason = FINDING_TAG_MOVE;
		tag->why = mem_strdup(answer->why);
		record->reasons |= PLAN_REASON(FINDING_TAG_MOVE);
		return;
	}
	tag->done = TAG_DONE_NOTHING;
	if (err_is(answer->err, ERR_CANCELLED))
		target->end = RECORD_END_NOT_DONE;
	else
		record_add_error(record, answer->err);
}

static bool has_work(const struct wanted_digest *digest, const struct record *record)
{
	for (size_t i = 0; i < record->tags.len; i++)
		if (record->tags.items[i].done == TAG_DONE_PLANNED)
			return true;
	return digest->by_digest && record->digest_found != KNOWN_PRESENT;
}

static void apply(const struct leaves *leaves, uint32_t primary, const struct wanted_digest *digest,
	struct promote_target *target)
{
	for (size_t i = 0; i < target->record->tags.len; i++) {
		struct record_tag *tag = &target->record->tags.items[i];
		const struct leave *answer =
			record_tag_moves_from(tag) ? find_answer(leaves, primary, tag->name) : NULL;

		if (answer)
			apply_to_tag(target, tag, answer);
	}
	target->is_done = !has_work(digest, target->record);
}

void group_check_moves(struct unit *unit, const struct group *group, struct record *records,
	struct promote_target *targets)
{
	CLEANUP(leaves_release) struct leaves leaves = {0};
	struct http_tally tally = {0};

	collect(unit, group, records, &leaves);
	if (!leaves.all.len)
		return;
	for (size_t i = 0; i < leaves.all.len; i++)
		ask(unit, &leaves.all.items[i], &tally);
	records[0].requests += tally.requests;
	records[0].bytes_received += tally.bytes_received;
	records[0].bytes_sent += tally.bytes_sent;
	for (uint32_t i = 0; i < group->work_count; i++) {
		const struct member *member = &unit->members.items[group->first_member + i];

		struct primary_pair pair = pair_of(unit, member);

		apply(&leaves, primary_of(unit->primaries, pair).site,
			&unit->sites[pair.site].wanted->digests.items[pair.digest], &targets[i]);
	}
}
