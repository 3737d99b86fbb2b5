/*
 * Admission of units, dispatch of jobs, and the one way by which results leave: counted here,
 * posted to the event queue. It knows the order of things but does none of them.
 */
#include "reconciler/schedule.h"

#include "reconciler/mirroring.h"
#include "reconciler/schedule_private.h"

enum {
	THREADS_DEFAULT = 20,
	/*
	 * What units under way may weigh. Lacking pairs are remembered until their unit ends, so
	 * this bounds memory. It is far more than the workers need: a host that does not answer keeps
	 * units from ending, and others are to have something to do meanwhile.
	 */
	ACTIVE_WEIGHT = 100 * 1000,
	/* Of a destination beside its pairs. */
	DESTINATION_WEIGHT = 16,
	BATCH_MAX = 8,
	BATCHES_A_WORKER = 4,
};

static void run_job(void *ctx, void *arg)
{
	CLEANUP(mem_freep) struct job *job = arg;

	(void)ctx;
	switch (job->kind) {
	case JOB_LIST:
		unit_list(job->unit, job->index);
		break;
	case JOB_ASK:
		unit_ask(job->unit, job->index, job->from, job->to);
		break;
	case JOB_SOURCE:
		forecast_source(job->unit, job->from, job->to);
		break;
	case JOB_SOURCE_ASK:
		forecast_ask(job->unit, job->from, job->to);
		break;
	case JOB_GROUP:
		group_run(job->unit, job->index);
		break;
	case JOB_MIRROR:
		mirroring_run(job->unit, job->index);
		break;
	}
}

static void find_hosts(const struct unit *unit, const struct job *job, struct host_numbers *hosts)
{
	const struct worklist *list = unit->schedule->list;

	switch (job->kind) {
	case JOB_LIST:
	case JOB_ASK:
		*vec_push(&hosts->all) =
			list->destinations.items[unit->sites[job->index].destination].host;
		break;
	case JOB_SOURCE:
	case JOB_SOURCE_ASK:
		*vec_push(&hosts->all) =
			list->sources.items[unit->origins.items[job->from].source].host;
		break;
	case JOB_GROUP:
		group_hosts(unit, job->index, hosts);
		break;
	case JOB_MIRROR:
		mirroring_hosts(unit, job->index, hosts);
		break;
	}
}

void schedule_add(struct unit *unit, enum pool_lane lane, struct job job)
{
	struct host_numbers hosts = {0};

	job.unit = unit;
	find_hosts(unit, &job, &hosts);
	pool_add(unit->schedule->pool, lane, (struct pool_keys){hosts.all.items, hosts.all.len},
		mem_dup(&job, sizeof(job)));
	vec_release(&hosts.all);
}

uint32_t schedule_batch(const struct schedule *schedule, uint32_t questions)
{
	uint32_t batch = questions / (schedule->threads * BATCHES_A_WORKER);

	return batch < 1 ? 1 : batch > BATCH_MAX ? BATCH_MAX : batch;
}

bool schedule_is_stopped(const struct schedule *schedule)
{
	return schedule->options->cancel && cancel_get(schedule->options->cancel) != CANCEL_NONE;
}

void schedule_post(struct schedule *schedule, struct event *event)
{
	event->unix_ms = clock_unix_ms(schedule->clock);
	event_post(schedule->options->events, event);
}

/* Findings of the declared state are counted once, where they were found, not again by pair. */
static void count_reasons(struct schedule *schedule, uint32_t reasons)
{
	static const enum finding_kind shown[] = {
		FINDING_TAG_MOVE, FINDING_LOST, FINDING_ERROR, FINDING_UNSIGNED};

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (reasons & PLAN_REASON(shown[i]))
			schedule->findings[shown[i]]++;
}

static void count_signing(struct schedule *schedule, const struct record_signing *signing)
{
	if (!signing->leads)
		return;
	if (signing->signature == SIGNED_NOW)
		schedule->signed_images++;
	if (signing->attestation == SIGNED_NOW)
		schedule->recorded_images++;
	if (signing->signature == SIGNED_BEFORE && signing->verified)
		schedule->verified_images++;
}

void schedule_tell(struct schedule *schedule, struct record *record)
{
	schedule->outcomes[record->outcome]++;
	count_reasons(schedule, record->reasons);
	count_signing(schedule, &record->signing);
	schedule_post(schedule, &(struct event){.kind = EVENT_RECORD, .record = *record});
	*record = (struct record){0};
}

void schedule_source_failed(struct schedule *schedule, uint32_t source, const struct err *err)
{
	if (err->kind == ERR_CANCELLED)
		return;
	pthread_mutex_lock(&schedule->lock);
	if (!schedule->sources[source].error)
		schedule->sources[source].error = mem_strdup(err->msg);
	pthread_mutex_unlock(&schedule->lock);
}

void schedule_unit_ended(struct schedule *schedule, uint64_t weight)
{
	pthread_mutex_lock(&schedule->lock);
	schedule->active_weight -= weight;
	pthread_cond_signal(&schedule->ended);
	pthread_mutex_unlock(&schedule->lock);
}

static void announce(void *ctx, enum phase phase)
{
	schedule_post(ctx, &(struct event){.kind = EVENT_PHASE, .phase = phase});
}

/* Without --confirm nobody is asked who we are, so nothing can be verified unless that is said. */
static bool can_verify(const struct run_options *options)
{
	return options->confirm || options->signing->reader_identity;
}

static struct signing_rules rules_of(const struct schedule *schedule)
{
	const struct run_options *options = schedule->options;
	struct signing_rules rules = {.wanted = options->signing->wanted};

	if (!can_verify(options))
		return rules;
	rules.depth = options->verify_depth;
	rules.sweep = options->sweep;
	rules.unix_hour = (uint64_t)(clock_unix_ms(schedule->clock) / (3600 * 1000));
	return rules;
}

static void start_signers(struct schedule *schedule)
{
	const struct run_options *options = schedule->options;
	unsigned ops;

	if (!options->signing)
		return;
	schedule->rules = rules_of(schedule);
	schedule->signing = signing_new(options->signing, options->registry, schedule->clock,
		options->cancel, announce, schedule);
	if (!can_verify(options))
		return;
	ops = options->signing->max_ops ? options->signing->max_ops : SIGNING_OPS_DEFAULT;
	schedule->signers = pool_new("signer", ops, signing_group_run, NULL);
}

static void start_moves(struct schedule *schedule)
{
	const struct tag_moves_options options = {
		.registry = schedule->options->registry,
		.signing = schedule->signing,
		.signing_options = schedule->options->signing,
		.source = schedule->options->source,
	};

	schedule->moves = tag_moves_new(&options);
}

static uint64_t count_pairs(const struct worklist *list, const struct work_unit *unit)
{
	uint64_t pairs = 0;

	for (uint32_t i = 0; i < unit->destination_count; i++)
		pairs += list->destinations.items[unit->first_destination + i].pairs;
	return pairs;
}

/* Workers need not keep half of them free for what cannot come. */
static void wait_for_room(struct schedule *schedule)
{
	pool_expect(schedule->pool, false);
	pthread_cond_wait(&schedule->ended, &schedule->lock);
	pool_expect(schedule->pool, true);
}

static void admit(struct schedule *schedule, uint64_t weight)
{
	pthread_mutex_lock(&schedule->lock);
	while (schedule->active_weight && schedule->active_weight + weight > ACTIVE_WEIGHT)
		wait_for_room(schedule);
	schedule->active_weight += weight;
	pthread_mutex_unlock(&schedule->lock);
}

static void work_through(struct schedule *schedule)
{
	const struct worklist *list = schedule->list;

	pool_expect(schedule->pool, true);
	for (size_t i = 0; i < list->units.len; i++) {
		const struct work_unit *unit = &list->units.items[i];
		uint64_t pairs = count_pairs(list, unit);
		uint64_t weight = pairs + (uint64_t)unit->destination_count * DESTINATION_WEIGHT;

		admit(schedule, weight);
		if (schedule_is_stopped(schedule)) {
			schedule->outcomes[OUTCOME_NOT_DONE] += pairs;
			schedule_unit_ended(schedule, weight);
		} else {
			unit_start(schedule, unit, weight);
		}
	}
	/* Both pools give work to each other until the last unit has ended. */
	pthread_mutex_lock(&schedule->lock);
	while (schedule->active_weight)
		wait_for_room(schedule);
	pthread_mutex_unlock(&schedule->lock);
	pool_wait_idle(schedule->pool);
	if (schedule->signers)
		pool_wait_idle(schedule->signers);
}

/* Sources are read by many units: told once, at the end. */
static void tell_sources(struct schedule *schedule)
{
	const struct worklist *list = schedule->list;

	for (size_t i = 0; i < list->sources.len; i++) {
		struct source_state *state = &schedule->sources[i];
		uint32_t project = list->sources.items[i].project;

		if (!state->tally.requests && !state->error)
			continue;
		schedule_post(schedule,
			&(struct event){.kind = EVENT_LOOK,
				.look = {
					.repository = list->sources.items[i].name,
					.project = list->declared->projects.items[project].name,
					.is_source = true,
					.requests = state->tally.requests,
					.bytes_received = state->tally.bytes_received,
					.error = steal_ptr(&state->error),
				}});
	}
}

void schedule_run(
	const struct run_options *options, const struct worklist *list, struct run_result *result)
{
	unsigned threads = options->threads ? options->threads : THREADS_DEFAULT;
	const struct clock *clock = options->clock ? options->clock : &clock_system;
	CLEANUP(hosts_freep) struct hosts *hosts = hosts_new();
	const struct copy_limits limits = {.slow_destination_ms = options->slow_destination_ms};
	CLEANUP(copier_freep)
	struct copier *copier = options->confirm
		? copier_new(options->registry, &limits, clock, options->cancel)
		: NULL;
	if (copier && (options->verify_writes || options->verify_depth == VERIFY_FULL))
		copier_verify_writes(copier);
	struct schedule schedule = {
		.options = options,
		.list = list,
		.clock = clock,
		.threads = threads,
		.promoter = {options->registry, copier, hosts, clock, options->cancel},
		.sources = mem_new(list->sources.len + 1, sizeof(*schedule.sources)),
	};

	pthread_mutex_init(&schedule.lock, NULL);
	pthread_cond_init(&schedule.ended, NULL);
	schedule.pool = pool_new("worker", threads, run_job, NULL);
	start_signers(&schedule);
	schedule.replicator = mirroring_replicator(&schedule);
	if (options->confirm)
		start_moves(&schedule);
	work_through(&schedule);
	pool_free(schedule.pool);
	if (schedule.signers)
		pool_free(schedule.signers);
	tag_moves_free(schedule.moves);
	signing_free(schedule.signing);
	replicator_free(schedule.replicator);
	tell_sources(&schedule);
	for (size_t i = 0; i < OUTCOMES; i++)
		result->outcomes[i] += schedule.outcomes[i];
	for (size_t i = 0; i < FINDING_KINDS; i++)
		result->findings[i] += schedule.findings[i];
	for (size_t i = 0; i < REPLICA_ENDS; i++)
		result->mirrored[i] += schedule.mirrored[i];
	result->mirror_requests += schedule.mirror_tally.requests;
	result->mirror_bytes_received += schedule.mirror_tally.bytes_received;
	result->mirror_bytes_sent += schedule.mirror_tally.bytes_sent;
	result->signed_images += schedule.signed_images;
	result->recorded_images += schedule.recorded_images;
	result->assumed_images += schedule.assumed_images;
	result->verified_images += schedule.verified_images;
	pthread_mutex_destroy(&schedule.lock);
	pthread_cond_destroy(&schedule.ended);
	mem_free(schedule.sources);
}
