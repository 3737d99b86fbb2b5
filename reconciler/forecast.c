/*
 * Without --confirm: which digests of a unit its sources hold. Asked only about what has to be
 * copied; a source that is itself filled by this run is not asked, its own look has told already.
 */
#include <stdlib.h>

#include "reconciler/schedule_private.h"

static bool needs_source(const struct unit *unit, const struct group *group)
{
	for (uint32_t i = 0; i < group->member_count; i++) {
		const struct member *member = &unit->members.items[group->first_member + i];

		if (unit->sites[member->site].plan.pairs.items[member->pair].action == PLAN_COPY)
			return true;
	}
	return false;
}

static void collect_origins(struct unit *unit)
{
	for (size_t g = 0; g < unit->groups.len; g++) {
		const struct group *group = &unit->groups.items[g];

		if (!needs_source(unit, group))
			continue;
		for (uint32_t i = 0; i < group->digest->source_count; i++) {
			uint32_t digest,
				source = group->wanted->sources
						 .items[group->digest->first_source + i];

			if (!group_feeder(unit, source, group->digest->sha256, &digest))
				*vec_push(&unit->origins) = (struct origin){
					.source = source, .sha256 = group->digest->sha256};
		}
	}
}

/* The same question comes from several groups only where source lists differ. */
static void drop_repeated(struct unit *unit)
{
	size_t kept = 0;

	for (size_t i = 0; i < unit->origins.len; i++)
		if (!kept ||
			origin_compare(&unit->origins.items[kept - 1], &unit->origins.items[i]) !=
				0)
			unit->origins.items[kept++] = unit->origins.items[i];
	unit->origins.len = kept;
}

static uint32_t end_of_source(const struct unit *unit, uint32_t from)
{
	uint32_t to = from;

	while (to < unit->origins.len &&
		unit->origins.items[to].source == unit->origins.items[from].source)
		to++;
	return to;
}

bool forecast_start(struct unit *unit)
{
	uint32_t sources = 0;

	collect_origins(unit);
	if (!unit->origins.len)
		return false;
	qsort(unit->origins.items, unit->origins.len, sizeof(*unit->origins.items), origin_compare);
	drop_repeated(unit);
	for (uint32_t i = 0; i < unit->origins.len; i = end_of_source(unit, i))
		sources++;
	unit->pending = sources;
	/* Ends are found before the jobs run: the last one may end the stage and the unit. */
	for (uint32_t from = 0, to, i = 0; i < sources; i++, from = to) {
		to = end_of_source(unit, from);
		schedule_add(unit, POOL_URGENT,
			(struct job){.kind = JOB_SOURCE, .from = from, .to = to});
	}
	return true;
}

void forecast_source(struct unit *unit, uint32_t from, uint32_t to)
{
	struct schedule *schedule = unit->schedule;
	uint32_t source = unit->origins.items[from].source;
	bool settled = schedule_is_stopped(schedule) ||
		origin_list(&unit->origins.items[from], to - from,
			registry_for_sources(schedule->options->registry), schedule->promoter.hosts,
			&schedule->list->sources.items[source].repository,
			&schedule->sources[source].tally);

	if (!settled) {
		uint32_t batch = schedule_batch(schedule, to - from);
		uint32_t batches = (to - from + batch - 1) / batch;

		/* This job counts as the last batch. */
		unit->pending += batches - 1;
		for (uint32_t i = 0; i + 1 < batches; i++, from += batch)
			schedule_add(unit, POOL_URGENT,
				(struct job){
					.kind = JOB_SOURCE_ASK, .from = from, .to = from + batch});
		forecast_ask(unit, from, to);
		return;
	}
	if (unit->origins.items[from].err)
		schedule_source_failed(schedule, source, unit->origins.items[from].err);
	unit_step(unit);
}

void forecast_ask(struct unit *unit, uint32_t from, uint32_t to)
{
	struct schedule *schedule = unit->schedule;

	for (uint32_t i = from; i < to && !schedule_is_stopped(schedule); i++) {
		struct origin *origin = &unit->origins.items[i];

		origin_ask(origin, registry_for_sources(schedule->options->registry),
			schedule->promoter.hosts,
			&schedule->list->sources.items[origin->source].repository,
			&schedule->sources[origin->source].tally);
		if (origin->err)
			schedule_source_failed(schedule, origin->source, origin->err);
	}
	unit_step(unit);
}

static enum plan_source known_of_one(
	struct unit *unit, uint32_t source, const uint8_t *sha256, const struct err **ret_err)
{
	uint32_t digest;
	const struct site *feeder = group_feeder(unit, source, sha256, &digest);
	const struct origin *origin;

	if (feeder)
		return feeder->observed.digests[digest] == KNOWN_PRESENT ? PLAN_SOURCE_PRESENT
									 : PLAN_SOURCE_COMING;
	origin = origin_find(unit->origins.items, unit->origins.len, source, sha256);
	if (!origin)
		return PLAN_SOURCE_UNKNOWN;
	if (origin->known == KNOWN_NOTHING && !*ret_err)
		*ret_err = origin->err;
	switch (origin->known) {
	case KNOWN_PRESENT:
		return PLAN_SOURCE_PRESENT;
	case KNOWN_ABSENT:
		return PLAN_SOURCE_ABSENT;
	case KNOWN_NOTHING:
		break;
	}
	return PLAN_SOURCE_UNKNOWN;
}

enum plan_source forecast_known(
	struct unit *unit, const struct group *group, const struct err **ret_err)
{
	enum plan_source known = PLAN_SOURCE_ABSENT;

	for (uint32_t i = 0; i < group->digest->source_count; i++) {
		enum plan_source one = known_of_one(unit,
			group->wanted->sources.items[group->digest->first_source + i],
			group->digest->sha256, ret_err);

		known = plan_source_join(known, one);
	}
	return known;
}
