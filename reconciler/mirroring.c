/*
 * The last stage of a unit: what stands beside images in their primaries is compared with the mirrors'
 * by the lists that the unit has read anyway, and with --replicate brought to those that lack it. Only
 * digests that are declared: what belongs to others is not kept of the lists, so that memory follows what
 * is declared. How bytes travel is replicator/'s matter.
 */
#include "reconciler/mirroring.h"

#include "reconciler/replicate_merge.h"
#include "reconciler/replicate_set.h"
#include "signer/attached.h"

/* Written in this run, whatever the lists say. */
struct written {
	uint32_t site; /* of the unit */
	const uint8_t *sha256;
	unsigned kinds; /* bits of enum attached_kind */
};

/* Bundles that were attached in this run. */
struct bundled {
	size_t primary; /* of the set */
	const uint8_t *sha256;
};

struct mirroring {
	VEC(struct written) written; /* under the schedule's lock */
	struct replicate_set *members;
	struct replica_set set;
	struct replica_look look;
	VEC(struct bundled) bundled;
};

struct mirroring *mirroring_new(void)
{
	return mem_new(1, sizeof(struct mirroring));
}

void mirroring_free(struct mirroring *mirroring)
{
	if (!mirroring)
		return;
	vec_release(&mirroring->written);
	vec_release(&mirroring->bundled);
	replica_look_release(&mirroring->look);
	replicate_set_free(mirroring->members);
	mem_free(mirroring);
}

/* ---- What the replicator tells ---- */

static const char *project_of(
	const struct schedule *schedule, const struct work_destination *destination)
{
	const struct worklist *list = schedule->list;
	uint32_t image = list->claims.items[destination->first_claim].image;

	return list->declared->projects.items[list->declared->images.items[image].project].name;
}

static void on_outcome(
	void *ctx, const struct replica_set *set, const struct replica_outcome *outcome)
{
	struct schedule *schedule = ctx;
	const struct replicate_set *members = set->ctx;
	const struct work_destination *destination = members->sites[outcome->site].destination;
	char tag[REPLICA_TAG_TEXT_SIZE];
	struct event event = {.kind = EVENT_MIRROR};

	if (outcome->tag)
		schedule->mirrored[outcome->end]++;
	if (outcome->end == REPLICA_IN_PLACE || outcome->end == REPLICA_NOT_DONE)
		return;
	event.mirrored = (struct mirrored){
		.destination = destination->name,
		.primary = members->sites[outcome->primary].destination->name,
		.project = project_of(schedule, destination),
		.end = outcome->end,
	};
	if (outcome->tag)
		event.mirrored.tag = mem_strdup(replica_tag_format(outcome->tag, tag));
	if (outcome->err)
		event.mirrored.error = mem_strdup(outcome->err->msg);
	schedule_post(schedule, &event);
}

static bool may_ask(void *ctx, const char *host, struct err **err)
{
	const struct schedule *schedule = ctx;

	return hosts_check(schedule->promoter.hosts, host, err);
}

static void note(void *ctx, const char *host, const struct err *outcome)
{
	const struct schedule *schedule = ctx;

	hosts_note(schedule->promoter.hosts, host, outcome);
}

/* Only a run that signs knows whom to trust. */
static const struct trust_root *trust_root_of(void *ctx, struct err **err)
{
	const struct schedule *schedule = ctx;
	const struct signing_options *signing = schedule->options->signing;

	if (!signing->root)
		err_set(err, ERR_CONFLICT,
			"what only the mirror has can only be verified in a run "
			"that signs, with --confirm");
	return signing->root;
}

static bool merge(void *ctx, const struct replica_merging *merging,
	struct replica_merged *ret_merged, struct err **err)
{
	struct schedule *schedule = ctx;
	const struct signing_options *signing = schedule->options->signing;
	struct replicate_trust trust = {
		.registry = registry_for_signing(schedule->options->registry),
		.tally = &schedule->mirror_tally,
		.root = trust_root_of,
		.ctx = schedule,
	};

	if (signing) {
		trust.signers = signing->carry.signers;
		trust.signer_count = signing->carry.signer_count;
		trust.scts = signing->scts;
	}
	return replicate_merge(&trust, merging, ret_merged, err);
}

struct replicator *mirroring_replicator(struct schedule *schedule)
{
	const struct run_options *options = schedule->options;
	const struct replicator_options how = {
		.registry = registry_for_signing(options->registry),
		.clock = schedule->clock,
		.cancel = options->cancel,
		.confirm = options->confirm,
		.on_outcome = on_outcome,
		.may_ask = may_ask,
		.note = note,
		.merge = merge,
		.ctx = schedule,
		.tally = &schedule->mirror_tally,
		.believes_names = options->verify_depth == VERIFY_PRESENCE,
	};

	return replicator_new(&how);
}

/* ---- What the unit knows ---- */

void mirroring_note_written(
	struct unit *unit, const struct site *site, const uint8_t *sha256, unsigned kinds)
{
	struct schedule *schedule = unit->schedule;

	if (!kinds || !unit->mirroring)
		return;
	pthread_mutex_lock(&schedule->lock);
	*vec_push(&unit->mirroring->written) =
		(struct written){(uint32_t)(site - unit->sites), sha256, kinds};
	pthread_mutex_unlock(&schedule->lock);
}

static void touch(struct unit *unit, const struct written *written)
{
	static const struct {
		enum attached_kind attached;
		enum replica_kind kind;
	} kinds[] = {{ATTACHED_SIG, REPLICA_SIG}, {ATTACHED_ATT, REPLICA_ATT},
		{ATTACHED_BUNDLE, REPLICA_REFERRERS}};
	struct inventory *attached = &unit->sites[written->site].observed.attached;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct replica_tag tag = {.kind = kinds[i].kind};

		if (!(written->kinds & kinds[i].attached))
			continue;
		memcpy(tag.image, written->sha256, sizeof(tag.image));
		inventory_touch(attached, &tag);
	}
}

static bool has_anything(const struct unit *unit)
{
	for (uint32_t i = 0; i < unit->work->destination_count; i++)
		if (unit->sites[i].observed.attached.items.len)
			return true;
	return false;
}

static struct replicate_set *members_of(const struct unit *unit)
{
	uint32_t count = unit->work->destination_count;
	CLEANUP(mem_freep)
	const struct wanted **wanted = mem_new(count, sizeof(const struct wanted *));

	for (uint32_t i = 0; i < count; i++)
		wanted[i] = unit->sites[i].wanted;
	return replicate_set_new(unit->schedule->list, unit->work, wanted, true);
}

static void compare(struct unit *unit)
{
	struct mirroring *mirroring = unit->mirroring;
	const struct replicate_set *members = mirroring->members;
	const struct work_destination *first =
		&unit->schedule->list->destinations.items[unit->work->first_destination];
	CLEANUP(mem_freep)
	struct replica_list *lists = mem_new(members->count, sizeof(*lists));

	for (size_t i = 0; i < members->count; i++) {
		struct site *site = &unit->sites[members->sites[i].destination - first];

		lists[i].err = site->observed.err;
		if (site->observed.is_listed)
			lists[i].inventory = &site->observed.attached;
		site->observed.attached.looked_ms = site->observed_ms;
	}
	replicator_compare(unit->schedule->replicator, &mirroring->set, lists, &mirroring->look);
}

/* Where the primary has no referrers API they are in the index, which a list shows. */
static void find_bundled(struct unit *unit)
{
	struct mirroring *mirroring = unit->mirroring;
	const struct work_destination *first =
		&unit->schedule->list->destinations.items[unit->work->first_destination];

	for (size_t i = 0; i < mirroring->written.len; i++) {
		const struct written *written = &mirroring->written.items[i];

		for (size_t s = 0; s < mirroring->members->count; s++)
			if ((written->kinds & ATTACHED_BUNDLE) &&
				mirroring->members->sites[s].destination == first + written->site)
				*vec_push(&mirroring->bundled) =
					(struct bundled){s, written->sha256};
	}
}

/* ---- The stage ---- */

static void tell_seen(const struct unit *unit)
{
	const struct mirroring *mirroring = unit->mirroring;

	for (size_t i = 0; i < mirroring->look.tasks.all.len; i++)
		replicator_tell_seen(unit->schedule->replicator, &mirroring->set,
			&mirroring->look.tasks.all.items[i]);
}

bool mirroring_start(struct unit *unit)
{
	struct mirroring *mirroring = unit->mirroring;
	uint32_t count;

	if (!mirroring || schedule_is_stopped(unit->schedule))
		return false;
	for (size_t i = 0; i < mirroring->written.len; i++)
		touch(unit, &mirroring->written.items[i]);
	if (!has_anything(unit))
		return false;
	mirroring->members = members_of(unit);
	if (!mirroring->members)
		return false;
	mirroring->set = (struct replica_set){mirroring->members->replicas,
		mirroring->members->count, replicate_set_mirrors, mirroring->members};
	compare(unit);
	find_bundled(unit);
	count = (uint32_t)(mirroring->look.tasks.all.len + mirroring->bundled.len);
	if (!unit->schedule->options->replicate)
		tell_seen(unit);
	if (!unit->schedule->options->replicate || !count)
		return false;
	unit->pending = count;
	/* The unit may end during the last turn. */
	for (uint32_t i = 0; i < count; i++)
		schedule_add(unit, POOL_URGENT, (struct job){.kind = JOB_MIRROR, .index = i});
	return true;
}

void mirroring_run(struct unit *unit, uint32_t index)
{
	const struct mirroring *mirroring = unit->mirroring;
	size_t tasks = mirroring->look.tasks.all.len;
	struct replicator *replicator = unit->schedule->replicator;

	if (index < tasks)
		replicator_carry_out(replicator, &mirroring->set, &mirroring->look,
			&mirroring->look.tasks.all.items[index]);
	else
		replicator_carry_referrers(replicator, &mirroring->set, &mirroring->look,
			mirroring->bundled.items[index - tasks].primary,
			mirroring->bundled.items[index - tasks].sha256);
	unit_step(unit);
}

static void add_host(struct host_numbers *hosts, uint32_t host)
{
	for (size_t i = 0; i < hosts->all.len; i++)
		if (hosts->all.items[i] == host)
			return;
	*vec_push(&hosts->all) = host;
}

void mirroring_hosts(const struct unit *unit, uint32_t index, struct host_numbers *hosts)
{
	const struct mirroring *mirroring = unit->mirroring;
	size_t tasks = mirroring->look.tasks.all.len;
	const struct replicate_site *sites = mirroring->members->sites;
	const struct replica_task *task;

	if (index >= tasks) {
		size_t primary = mirroring->bundled.items[index - tasks].primary;

		add_host(hosts, sites[primary].destination->host);
		return;
	}
	task = &mirroring->look.tasks.all.items[index];
	add_host(hosts, sites[task->primary].destination->host);
	for (size_t i = 0; i < mirroring->members->count; i++)
		if (task->seen[i] == REPLICA_ABSENT || task->seen[i] == REPLICA_PRESENT ||
			task->seen[i] == REPLICA_DIFFERENT)
			add_host(hosts, sites[i].destination->host);
}
