/*
 * The life of a unit: its destinations are looked at, each is planned as soon as its look is
 * complete, and after the last one the unit goes on to its sources (without --confirm) and its
 * groups. What a destination showed to be in place is forgotten at once.
 */
#include "reconciler/mirroring.h"
#include "reconciler/schedule_private.h"

static const struct wanted *share_wanted(struct unit *unit, uint32_t site)
{
	const struct worklist *list = unit->schedule->list;
	struct wanted *wanted;

	/* The destinations of an image follow each other. */
	if (site &&
		wanted_is_shared(
			list, unit->sites[site - 1].destination, unit->sites[site].destination))
		return unit->sites[site - 1].wanted;
	wanted = mem_new(1, sizeof(*wanted));
	wanted_init(wanted, list, unit->sites[site].destination);
	*vec_push(&unit->wanted) = wanted;
	return wanted;
}

/* So that a host can be asked for one token for a source and its destination. */
static void expect_promotions(const struct schedule *schedule, uint32_t destination)
{
	const struct worklist *list = schedule->list;
	const struct work_destination *work = &list->destinations.items[destination];

	for (uint32_t i = 0; i < work->claim_count; i++) {
		uint32_t source = list->claims.items[work->first_claim + i].source;

		registry_expect_promotion(schedule->options->registry,
			&list->sources.items[source].repository, &work->repository);
	}
}

static void find_primaries(struct unit *unit)
{
	const struct worklist *list = unit->schedule->list;
	uint32_t sites = unit->work->destination_count;

	unit->names = mem_new(sites, sizeof(*unit->names));
	for (uint32_t i = 0; i < sites; i++)
		unit->names[i] = (struct primary_site){
			list->destinations.items[unit->sites[i].destination].name,
			unit->sites[i].wanted};
	unit->primaries = primaries_new(list->declared->identities, unit->names, sites);
}

void unit_start(struct schedule *schedule, const struct work_unit *work, uint64_t weight)
{
	struct unit *unit = mem_new(1, sizeof(*unit));
	uint32_t sites = work->destination_count;

	unit->schedule = schedule;
	unit->work = work;
	unit->weight = weight;
	unit->sites = mem_new(sites, sizeof(*unit->sites));
	for (uint32_t i = 0; i < sites; i++) {
		unit->sites[i].destination = work->first_destination + i;
		unit->sites[i].wanted = share_wanted(unit, i);
		observed_init(&unit->sites[i].observed, unit->sites[i].wanted);
		unit->sites[i].observed.believes_tags =
			schedule->options->verify_depth == VERIFY_PRESENCE;
		if (schedule->options->extra_tags)
			observed_want_extra(&unit->sites[i].observed);
		unit->sites[i].observed.keeps_attached = sites > 1;
		expect_promotions(schedule, unit->sites[i].destination);
	}
	if (sites > 1)
		unit->mirroring = mirroring_new();
	find_primaries(unit);
	for (uint32_t i = 0; i < sites; i++)
		signing_site_start(unit, &unit->sites[i]);
	unit->pending = sites;
	/* The unit may end during the last turn. */
	for (uint32_t i = 0; i < sites; i++)
		schedule_add(unit, POOL_NORMAL, (struct job){.kind = JOB_LIST, .index = i});
}

static void unit_free(struct unit *unit)
{
	for (uint32_t i = 0; i < unit->work->destination_count; i++) {
		observed_release(&unit->sites[i].observed);
		plan_release(&unit->sites[i].plan);
	}
	mem_free(unit->sites);
	primaries_free(unit->primaries);
	mem_free(unit->names);
	for (size_t i = 0; i < unit->wanted.len; i++) {
		wanted_release(unit->wanted.items[i]);
		mem_free(unit->wanted.items[i]);
	}
	vec_release(&unit->wanted);
	for (size_t i = 0; i < unit->groups.len; i++)
		vec_release(&unit->groups.items[i].dependants);
	vec_release(&unit->groups);
	vec_release(&unit->members);
	mem_free(unit->group_of);
	for (size_t i = 0; i < unit->origins.len; i++)
		err_free(unit->origins.items[i].err);
	vec_release(&unit->origins);
	mirroring_free(unit->mirroring);
	mem_free(unit);
}

static bool begin_stage(struct unit *unit, enum unit_stage stage)
{
	unit->stage = stage;
	if (stage == UNIT_SOURCES)
		return !unit->schedule->options->confirm && forecast_start(unit);
	return stage == UNIT_GROUPS ? group_start(unit) : mirroring_start(unit);
}

void unit_step(struct unit *unit)
{
	struct schedule *schedule = unit->schedule;
	uint64_t weight = unit->weight;

	if (atomic_fetch_sub(&unit->pending, 1) != 1)
		return;
	if (unit->stage == UNIT_LOOKS) {
		group_collect(unit);
		if (begin_stage(unit, UNIT_SOURCES))
			return;
	}
	if (unit->stage < UNIT_GROUPS && begin_stage(unit, UNIT_GROUPS))
		return;
	if (unit->stage < UNIT_MIRRORS && begin_stage(unit, UNIT_MIRRORS))
		return;
	unit_free(unit);
	schedule_unit_ended(schedule, weight);
}

/* The first that is worth telling: being stopped is no fault of a registry. */
static const struct err *first_error(const struct observed *observed)
{
	if (observed->err)
		return err_is(observed->err, ERR_CANCELLED) ? NULL : observed->err;
	for (size_t i = 0; i < observed->questions.len; i++) {
		const struct err *err = observed->questions.items[i].err;

		if (err && !err_is(err, ERR_CANCELLED))
			return err;
	}
	return NULL;
}

/* Where a project cannot be read, what it declares is not known to be extra. */
static struct extra_tags take_extra(const struct worklist *list, struct site *site)
{
	struct extra_tags extra = {0};
	const char *name = list->destinations.items[site->destination].name;

	if (!site->observed.extra || declared_frozen_by(list->declared, name, WORK_NONE))
		return extra;
	extra = *site->observed.extra;
	*site->observed.extra = (struct extra_tags){0};
	return extra;
}

static void tell_look(struct unit *unit, struct site *site)
{
	const struct worklist *list = unit->schedule->list;
	const struct work_destination *work = &list->destinations.items[site->destination];
	uint32_t image = list->claims.items[work->first_claim].image;
	uint32_t project = list->declared->images.items[image].project;
	const struct err *err = first_error(&site->observed);
	struct event event = {
		.kind = EVENT_LOOK,
		.look =
			{
				.repository = work->name,
				.project = list->declared->projects.items[project].name,
				.digests = work->pairs,
				.in_place = site->plan.in_place,
				.requests = site->observed.tally.requests,
				.bytes_received = site->observed.tally.bytes_received,
				.error = err ? mem_strdup(err->msg) : NULL,
				.extra = take_extra(list, site),
			},
	};

	schedule_post(unit->schedule, &event);
}

/* Pairs for which nothing will be done: blocked ones, and with records_for_all those in place. */
static void tell_settled(struct unit *unit, struct site *site)
{
	struct schedule *schedule = unit->schedule;

	for (size_t i = 0; i < site->plan.pairs.len; i++) {
		const struct plan_pair *pair = &site->plan.pairs.items[i];
		struct record record;

		if (!plan_is_settled(pair))
			continue;
		record_init(&record, schedule->list, site->destination, &site->observed,
			&site->plan, pair);
		signing_site_note(unit, site, pair->digest, &record.signing);
		record_settle(&record, schedule->list->declared, RECORD_END_DONE);
		record.in_look = record.outcome == OUTCOME_IN_PLACE;
		if (record.in_look)
			schedule->outcomes[OUTCOME_IN_PLACE]--; /* counted by the plan already */
		schedule_tell(schedule, &record);
	}
}

static bool was_cancelled(const struct observed *observed)
{
	if (err_is(observed->err, ERR_CANCELLED))
		return true;
	for (size_t i = 0; i < observed->questions.len; i++)
		if (err_is(observed->questions.items[i].err, ERR_CANCELLED))
			return true;
	return false;
}

static void end_look(struct unit *unit, struct site *site)
{
	struct schedule *schedule = unit->schedule;
	const struct work_destination *work =
		&schedule->list->destinations.items[site->destination];
	CLEANUP(mem_freep) uint8_t *sign = NULL;

	if (was_cancelled(&site->observed))
		site->stopped = true;
	if (site->stopped) {
		schedule->outcomes[OUTCOME_NOT_DONE] += work->pairs;
		tell_look(unit, site);
		unit_step(unit);
		return;
	}
	observed_finish(&site->observed);
	sign = signing_site(unit, site);
	plan_init(&site->plan, schedule->list->declared, work->name, &site->observed, sign,
		schedule->options->records_for_all);
	schedule->outcomes[OUTCOME_IN_PLACE] += site->plan.in_place;
	tell_look(unit, site);
	tell_settled(unit, site);
	unit_step(unit);
}

static bool look(struct unit *unit, struct site *site, const struct repository *repository)
{
	struct schedule *schedule = unit->schedule;
	struct observed *observed = &site->observed;
	bool listed;

	site->observed_ms = clock_monotonic_ms(schedule->clock);
	if (!hosts_check(schedule->promoter.hosts, repository->host, &observed->err))
		return false;
	listed = observed_list(observed, schedule->options->registry, repository, NULL);
	hosts_note(schedule->promoter.hosts, repository->host, observed->err);
	return listed;
}

void unit_list(struct unit *unit, uint32_t index)
{
	struct site *site = &unit->sites[index];
	const struct repository *repository =
		&unit->schedule->list->destinations.items[site->destination].repository;
	uint32_t questions, batch, batches;

	if (schedule_is_stopped(unit->schedule))
		site->stopped = true;
	if (site->stopped || !look(unit, site, repository) || !site->observed.questions.len) {
		end_look(unit, site);
		return;
	}
	questions = (uint32_t)site->observed.questions.len;
	batch = schedule_batch(unit->schedule, questions);
	batches = (questions + batch - 1) / batch;
	site->pending = batches;
	/* Urgent: what was begun is finished first. The last batch is done here. */
	for (uint32_t i = 0; i + 1 < batches; i++)
		schedule_add(unit, POOL_URGENT,
			(struct job){.kind = JOB_ASK,
				.index = index,
				.from = i * batch,
				.to = (i + 1) * batch});
	unit_ask(unit, index, (batches - 1) * batch, questions);
}

void unit_ask(struct unit *unit, uint32_t index, uint32_t from, uint32_t to)
{
	struct schedule *schedule = unit->schedule;
	struct site *site = &unit->sites[index];
	const struct repository *repository =
		&schedule->list->destinations.items[site->destination].repository;

	for (uint32_t i = from; i < to && !site->stopped; i++) {
		struct observed_question *question = &site->observed.questions.items[i];

		if (schedule_is_stopped(schedule)) {
			site->stopped = true;
			break;
		}
		if (!hosts_check(schedule->promoter.hosts, repository->host, &question->err))
			continue;
		observed_ask(&site->observed, schedule->options->registry, repository, i, NULL);
		hosts_note(schedule->promoter.hosts, repository->host, question->err);
	}
	if (atomic_fetch_sub(&site->pending, 1) == 1)
		end_look(unit, site);
}
