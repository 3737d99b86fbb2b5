/*
 * Everything a unit lacks, sorted by digest and sources, so that each source manifest and blob is
 * read once for all destinations. What only has to be signed, or looked at for that, is among it. A group whose source is itself to be filled in this run waits
 * for the group that fills it; circles were taken out before, so somebody can always begin.
 */
#include <stdlib.h>
#include <string.h>

#include "reconciler/schedule_private.h"

static const struct wanted_digest *digest_of_member(
	const struct unit *unit, const struct member *member)
{
	const struct site *site = &unit->sites[member->site];

	return &site->wanted->digests.items[site->plan.pairs.items[member->pair].digest];
}

static int compare_sources(const struct unit *unit, const struct member *a, const struct member *b)
{
	const struct wanted_digest *x = digest_of_member(unit, a), *y = digest_of_member(unit, b);
	const struct wanted *left = unit->sites[a->site].wanted;
	const struct wanted *right = unit->sites[b->site].wanted;

	if (x->source_count != y->source_count)
		return x->source_count < y->source_count ? -1 : 1;
	for (uint32_t i = 0; i < x->source_count; i++) {
		uint32_t s = left->sources.items[x->first_source + i];
		uint32_t t = right->sources.items[y->first_source + i];

		if (s != t)
			return s < t ? -1 : 1;
	}
	return 0;
}

static int compare_groups(const struct unit *unit, const struct member *a, const struct member *b)
{
	int order = memcmp(digest_of_member(unit, a)->sha256, digest_of_member(unit, b)->sha256,
		DIGEST_SHA256_SIZE);

	return order ? order : compare_sources(unit, a, b);
}

static bool is_to_write(const struct unit *unit, const struct member *member)
{
	return unit->sites[member->site].plan.pairs.items[member->pair].action != PLAN_NOTHING;
}

/* Within a group, those that are in place come last. */
static int compare_members(const void *left, const void *right, void *ctx)
{
	const struct member *a = left, *b = right;
	int order = compare_groups(ctx, a, b);
	bool left_works = is_to_write(ctx, a), right_works = is_to_write(ctx, b);

	if (order)
		return order;
	if (left_works != right_works)
		return left_works ? -1 : 1;
	return a->site < b->site ? -1 : a->site > b->site;
}

static void collect_members(struct unit *unit)
{
	uint32_t pairs = 0;

	for (uint32_t s = 0; s < unit->work->destination_count; s++) {
		struct site *site = &unit->sites[s];

		site->first_pair = pairs;
		pairs += (uint32_t)site->plan.pairs.len;
		for (uint32_t i = 0; i < site->plan.pairs.len; i++)
			if (!plan_is_settled(&site->plan.pairs.items[i]))
				*vec_push(&unit->members) = (struct member){s, i};
	}
	unit->group_of = mem_new((size_t)pairs + 1, sizeof(*unit->group_of));
	memset(unit->group_of, 0xff, pairs * sizeof(*unit->group_of));
}

static void cut_groups(struct unit *unit)
{
	for (uint32_t first = 0, end; first < unit->members.len; first = end) {
		const struct member *members = unit->members.items;
		const struct site *site = &unit->sites[members[first].site];
		uint32_t work = 0;

		for (end = first + 1; end < unit->members.len; end++)
			if (compare_groups(unit, &members[first], &members[end]) != 0)
				break;
		for (uint32_t i = first; i < end; i++) {
			work += is_to_write(unit, &members[i]);
			unit->group_of[unit->sites[members[i].site].first_pair + members[i].pair] =
				(uint32_t)unit->groups.len;
		}
		*vec_push(&unit->groups) = (struct group){
			.digest = digest_of_member(unit, &members[first]),
			.wanted = site->wanted,
			.first_member = first,
			.member_count = end - first,
			.work_count = work,
		};
	}
}

const struct site *group_feeder(
	const struct unit *unit, uint32_t source, const uint8_t *sha256, uint32_t *ret_digest)
{
	uint32_t destination = unit->schedule->list->sources.items[source].destination;
	uint32_t index = destination - unit->work->first_destination;

	if (destination == WORK_NONE || destination < unit->work->first_destination ||
		index >= unit->work->destination_count)
		return NULL;
	*ret_digest = wanted_find(unit->sites[index].wanted, sha256);
	return *ret_digest == WORK_NONE ? NULL : &unit->sites[index];
}

static uint32_t source_at(const struct group *group, uint32_t index)
{
	return group->wanted->sources.items[group->digest->first_source + index];
}

static void find_blockers(struct unit *unit, uint32_t index)
{
	struct group *group = &unit->groups.items[index];

	for (uint32_t i = 0; i < group->digest->source_count && group->work_count; i++) {
		uint32_t digest, blocker;
		const struct site *feeder =
			group_feeder(unit, source_at(group, i), group->digest->sha256, &digest);
		const struct plan_pair *pair = feeder ? plan_find(&feeder->plan, digest) : NULL;

		if (!pair || pair->action == PLAN_NOTHING)
			continue;
		blocker = unit->group_of[feeder->first_pair +
			(uint32_t)(pair - feeder->plan.pairs.items)];
		*vec_push(&unit->groups.items[blocker].dependants) = index;
		group->blockers++;
	}
}

void group_collect(struct unit *unit)
{
	collect_members(unit);
	if (!unit->members.len)
		return;
	qsort_r(unit->members.items, unit->members.len, sizeof(*unit->members.items),
		compare_members, unit);
	cut_groups(unit);
	/* Without --confirm nothing is filled, so nobody waits. */
	for (uint32_t i = 0; i < unit->groups.len && unit->schedule->options->confirm; i++)
		find_blockers(unit, i);
}

static bool is_any_to_write(const struct unit *unit)
{
	for (size_t i = 0; i < unit->groups.len; i++)
		if (unit->groups.items[i].work_count)
			return true;
	return false;
}

static void announce_promotion(const struct unit *unit)
{
	struct schedule *schedule = unit->schedule;

	if (schedule->options->confirm && is_any_to_write(unit) &&
		!atomic_exchange(&schedule->promoting, true))
		schedule_post(
			schedule, &(struct event){.kind = EVENT_PHASE, .phase = PHASE_PROMOTE});
}

bool group_start(struct unit *unit)
{
	uint32_t count = (uint32_t)unit->groups.len;
	VEC(uint32_t) ready = {0};

	if (!count)
		return false;
	announce_promotion(unit);
	unit->pending = count;
	/* Chosen before any runs: a group that ends frees others by itself. */
	for (uint32_t i = 0; i < count; i++)
		if (!unit->groups.items[i].blockers)
			*vec_push(&ready) = i;
	for (size_t i = 0; i < ready.len; i++)
		schedule_add(unit, POOL_URGENT,
			(struct job){.kind = JOB_GROUP, .index = ready.items[i]});
	vec_release(&ready);
	return true;
}

static int compare_numbers(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

void group_hosts(const struct unit *unit, uint32_t index, struct host_numbers *hosts)
{
	const struct worklist *list = unit->schedule->list;
	const struct group *group = &unit->groups.items[index];
	size_t kept = 1;
	uint32_t first;

	if (!group->work_count)
		return;
	first = list->sources.items[source_at(group, 0)].host;
	for (uint32_t i = 0; i < group->digest->source_count; i++)
		*vec_push(&hosts->all) = list->sources.items[source_at(group, i)].host;
	for (uint32_t i = 0; i < group->work_count; i++) {
		uint32_t site = unit->members.items[group->first_member + i].site;

		*vec_push(&hosts->all) =
			list->destinations.items[unit->sites[site].destination].host;
	}
	qsort(hosts->all.items + 1, hosts->all.len - 1, sizeof(*hosts->all.items), compare_numbers);
	for (size_t i = 1; i < hosts->all.len; i++) {
		uint32_t host = hosts->all.items[i];

		if (host != first && (kept == 1 || host != hosts->all.items[kept - 1]))
			hosts->all.items[kept++] = host;
	}
	hosts->all.len = kept;
}

static struct promote_source *sources_of(struct unit *unit, const struct group *group)
{
	struct schedule *schedule = unit->schedule;
	struct promote_source *sources = mem_new(group->digest->source_count, sizeof(*sources));

	for (uint32_t i = 0; i < group->digest->source_count; i++) {
		uint32_t source = source_at(group, i), digest;
		const struct work_source *work = &schedule->list->sources.items[source];

		sources[i] = (struct promote_source){
			.name = work->name,
			.repository = &work->repository,
			.tally = &schedule->sources[source].tally,
			.coming =
				group_feeder(unit, source, group->digest->sha256, &digest) != NULL,
		};
	}
	return sources;
}

static void make_targets(struct unit *unit, const struct group *group, struct record *records,
	struct promote_target *targets)
{
	const struct worklist *list = unit->schedule->list;

	for (uint32_t i = 0; i < group->member_count; i++) {
		const struct member *member = &unit->members.items[group->first_member + i];
		const struct site *site = &unit->sites[member->site];

		record_init(&records[i], list, site->destination, &site->observed, &site->plan,
			&site->plan.pairs.items[member->pair]);
		targets[i] = (struct promote_target){
			.repository = &list->destinations.items[site->destination].repository,
			.record = &records[i],
			.observed_ms = site->observed_ms,
			.has_images = site->observed.listed_tags > 0 ||
				site->observed.listed_manifests > 0,
			.end = RECORD_END_DONE,
		};
	}
}

static void carry_out(struct unit *unit, const struct group *group, struct record *records,
	struct promote_target *targets)
{
	struct schedule *schedule = unit->schedule;
	const struct digest digest = digest_from_sha256(group->digest->sha256);
	CLEANUP(mem_freep) struct promote_source *sources = sources_of(unit, group);
	int64_t started = clock_unix_ms(schedule->clock), ended;

	group_check_moves(unit, group, records, targets);
	promote_group(&schedule->promoter, &digest, sources, group->digest->source_count, targets,
		group->work_count);
	for (uint32_t i = 0; i < group->digest->source_count; i++) {
		if (sources[i].err)
			schedule_source_failed(schedule, source_at(group, i), sources[i].err);
		err_free(sources[i].err);
	}
	ended = clock_unix_ms(schedule->clock);
	for (uint32_t i = 0; i < group->work_count; i++) {
		targets[i].record->started_unix_ms = started;
		targets[i].record->ended_unix_ms = ended;
	}
}

/* Without --confirm: what would come of it. */
static void forecast(struct unit *unit, const struct group *group, struct promote_target *targets)
{
	struct schedule *schedule = unit->schedule;
	const struct digest digest = digest_from_sha256(group->digest->sha256);
	const struct err *err = NULL;
	enum plan_source known = forecast_known(unit, group, &err);

	for (uint32_t i = 0; i < group->member_count; i++) {
		targets[i].end = RECORD_END_PLANNED;
		if (i >= group->work_count)
			continue;
		if (err_is(err, ERR_CANCELLED))
			targets[i].end = RECORD_END_NOT_DONE;
		else
			promote_resolve(&schedule->promoter, &digest, &targets[i], known, err);
	}
}

static void free_dependants(struct unit *unit, const struct group *group)
{
	for (size_t i = 0; i < group->dependants.len; i++) {
		uint32_t next = group->dependants.items[i];

		if (atomic_fetch_sub(&unit->groups.items[next].blockers, 1) == 1)
			schedule_add(
				unit, POOL_URGENT, (struct job){.kind = JOB_GROUP, .index = next});
	}
}

void group_settle(struct promoted *promoted)
{
	struct unit *unit = promoted->unit;
	struct schedule *schedule = unit->schedule;

	for (uint32_t i = 0; i < promoted->group->member_count; i++) {
		record_settle(
			&promoted->records[i], schedule->list->declared, promoted->targets[i].end);
		schedule_tell(schedule, &promoted->records[i]);
	}
	mem_free(promoted->records);
	mem_free(promoted->targets);
	unit_step(unit);
}

void group_run(struct unit *unit, uint32_t index)
{
	struct schedule *schedule = unit->schedule;
	const struct group *group = &unit->groups.items[index];
	struct promoted promoted = {
		.unit = unit,
		.group = group,
		.records = mem_new(group->member_count, sizeof(*promoted.records)),
		.targets = mem_new(group->member_count, sizeof(*promoted.targets)),
	};

	make_targets(unit, group, promoted.records, promoted.targets);
	if (schedule_is_stopped(schedule))
		for (uint32_t i = 0; i < group->member_count; i++)
			promoted.targets[i].end = RECORD_END_NOT_DONE;
	else if (schedule->options->confirm && group->work_count)
		carry_out(unit, group, promoted.records, promoted.targets);
	else if (!schedule->options->confirm)
		forecast(unit, group, promoted.targets);
	free_dependants(unit, group);
	/* The last group to end frees the unit. */
	if (schedule->signing)
		signing_group(&promoted);
	else
		group_settle(&promoted);
}
