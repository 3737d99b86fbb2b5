/*
 * From a promoted group to what is signed. Its members are sorted by primary (reconciler/primary.h),
 * which may be any destination that declares the digest, whether or not it lacked anything. Knows what
 * the records must say; how it is signed is signing.h's.
 */
#include <stdlib.h>
#include <string.h>

#include "reconciler/mirroring.h"
#include "reconciler/replaced.h"
#include "reconciler/schedule_private.h"
#include "signer/attached.h"

/* All members of a group with one identity. */
struct part {
	const char *identity;
	const struct site *primary;
	uint32_t digest;       /* index in what is wanted there */
	VEC(uint32_t) members; /* of the group */
	uint32_t lead;	       /* the primary's, or the first of them */
	bool has_primary;      /* the lead is the primary's */
	bool is_changed;       /* something was written, or without --confirm would be */
	unsigned due;	       /* enum signing_due */
};

struct batch {
	struct promoted promoted;
	VEC(struct part) parts;
	_Atomic uint32_t pending; /* parts that are not signed yet */
};

struct sign_job {
	struct batch *batch;
	struct part *part;
};

static void batch_free(struct batch *batch)
{
	for (size_t i = 0; i < batch->parts.len; i++)
		vec_release(&batch->parts.items[i].members);
	vec_release(&batch->parts);
	mem_free(batch);
}

static const struct site *site_of(const struct batch *batch, uint32_t member)
{
	const struct unit *unit = batch->promoted.unit;

	return &unit->sites[unit->members.items[batch->promoted.group->first_member + member].site];
}

static const char *name_of(const struct batch *batch, const struct site *site)
{
	return batch->promoted.unit->schedule->list->destinations.items[site->destination].name;
}

/* ---- Which destinations go together ---- */

static void find_lead(struct batch *batch, struct part *part)
{
	part->lead = part->members.items[0];
	for (size_t i = 0; i < part->members.len; i++) {
		if (site_of(batch, part->members.items[i]) != part->primary)
			continue;
		part->lead = part->members.items[i];
		part->has_primary = true;
	}
}

static struct primary_pair primary_of_member(const struct batch *batch, uint32_t member)
{
	const struct unit *unit = batch->promoted.unit;
	const struct member *at =
		&unit->members.items[batch->promoted.group->first_member + member];
	struct primary_pair pair = {
		at->site, unit->sites[at->site].plan.pairs.items[at->pair].digest};

	return primary_of(unit->primaries, pair);
}

static void add_member(struct batch *batch, uint32_t member)
{
	const struct unit *unit = batch->promoted.unit;
	struct primary_pair primary = primary_of_member(batch, member);
	const struct site *site = &unit->sites[primary.site];
	const char *identity = primary_identity(unit->primaries, primary.site);
	struct part *part = NULL;

	for (size_t i = 0; i < batch->parts.len; i++)
		if (batch->parts.items[i].primary == site)
			part = &batch->parts.items[i];
	if (!part) {
		part = vec_push(&batch->parts);
		part->primary = site;
		part->digest = primary.digest;
		part->identity = identity ? identity : name_of(batch, site);
	}
	*vec_push(&part->members) = member;
}

static void make_parts(struct batch *batch)
{
	for (uint32_t i = 0; i < batch->promoted.group->member_count; i++)
		add_member(batch, i);
	for (size_t i = 0; i < batch->parts.len; i++)
		find_lead(batch, &batch->parts.items[i]);
}

/* ---- What is known of the primary ---- */

static struct record *lead_of(const struct batch *batch, const struct part *part)
{
	return &batch->promoted.records[part->lead];
}

/* Something was written, or without --confirm would be. */
static bool is_changed(const struct batch *batch, uint32_t member)
{
	const struct record *record = &batch->promoted.records[member];

	if (batch->promoted.unit->schedule->options->confirm)
		return record_has_done(record, TAG_DONE_WRITTEN);
	return batch->promoted.targets[member].end == RECORD_END_PLANNED &&
		!(record->reasons & PLAN_REASON(FINDING_LOST)) &&
		record_has_done(record, TAG_DONE_PLANNED);
}

/* What the look at the primary has made due; else nothing may be said of it. */
static unsigned due_before(const struct batch *batch, const struct part *part)
{
	const struct plan_pair *pair = plan_find(&part->primary->plan, part->digest);

	if (!part->has_primary || batch->promoted.targets[part->lead].end == RECORD_END_NOT_DONE)
		return 0;
	return pair->sign;
}

static bool primary_holds_it(const struct batch *batch, const struct part *part)
{
	const struct plan_pair *pair = plan_find(&part->primary->plan, part->digest);

	if (part->has_primary)
		return lead_of(batch, part)->digest_found == KNOWN_PRESENT;
	return !pair || pair->found == KNOWN_PRESENT;
}

/*
 * A mirror that is filled up changes nothing of what is signed, so what the list of the primary shows is
 * believed as for any other image; unless that does not hold it, which has to be told.
 */
static void find_due(const struct batch *batch, struct part *part)
{
	for (size_t i = 0; i < part->members.len; i++)
		part->is_changed |= is_changed(batch, part->members.items[i]);
	if (part->is_changed && primary_holds_it(batch, part))
		part->is_changed = part->has_primary && is_changed(batch, part->lead);
	part->due = part->is_changed
		? signing_site_changed(batch->promoted.unit->schedule, part->primary, part->digest)
		: due_before(batch, part);
}

/* At this depth a tag may be somewhere else: before something is written that is asked. */
static enum known believed(const struct batch *batch, const struct part *part)
{
	const struct schedule *schedule = batch->promoted.unit->schedule;
	const char *host =
		schedule->list->destinations.items[part->primary->destination].repository.host;

	return schedule->options->verify_depth != VERIFY_PRESENCE ||
			registry_host_is_google(schedule->options->registry, host)
		? KNOWN_PRESENT
		: KNOWN_NOTHING;
}

static enum known is_there(const struct batch *batch, const struct part *part)
{
	const struct record *record = lead_of(batch, part);
	const struct plan_pair *pair;

	/* What was to be written and was not is not there, as far as anybody knows. */
	if (part->has_primary) {
		if (record->digest_done == TAG_DONE_WRITTEN)
			return KNOWN_PRESENT;
		return record->digest_found == KNOWN_PRESENT ? believed(batch, part) : KNOWN_ABSENT;
	}
	pair = plan_find(&part->primary->plan, part->digest);
	/* Nothing is said of what is in place. */
	if (!pair)
		return believed(batch, part);
	return pair->found == KNOWN_PRESENT ? believed(batch, part) : (enum known)pair->found;
}

/* It is there, or the outcome's error says why nothing can be signed. */
static bool check_there(const struct batch *batch, const struct part *part,
	struct http_tally *tally, struct signing_outcome *outcome)
{
	const struct schedule *schedule = batch->promoted.unit->schedule;
	const struct repository *primary =
		&schedule->list->destinations.items[part->primary->destination].repository;
	enum known known = is_there(batch, part);
	char text[DIGEST_TEXT_SIZE];
	struct digest found;

	if (known != KNOWN_ABSENT &&
		!hosts_check(schedule->promoter.hosts, primary->host, &outcome->err))
		return false;
	if (known == KNOWN_PRESENT)
		return true;
	if (known == KNOWN_NOTHING &&
		registry_manifest_head(schedule->options->registry, primary,
			digest_format(&lead_of(batch, part)->digest, text), tally, &found,
			&outcome->err))
		return true;
	if (outcome->err && !err_is(outcome->err, ERR_NOT_FOUND)) {
		err_prefix(&outcome->err, "%s, where it is signed", name_of(batch, part->primary));
		return false;
	}
	err_free(outcome->err);
	outcome->err = NULL;
	err_set(&outcome->err, ERR_NOT_FOUND, "%s, where it is signed, does not hold it",
		name_of(batch, part->primary));
	return false;
}

/* ---- What is stated ---- */

struct names {
	VEC(const char *) all;
};

static void tags_of_record(const struct record *record, struct names *names)
{
	for (size_t i = 0; i < record->tags.len; i++) {
		const struct record_tag *tag = &record->tags.items[i];

		if (tag->done == TAG_DONE_WRITTEN ||
			(tag->done == TAG_DONE_NOTHING && tag->found == TAG_AT_DIGEST))
			*vec_push(&names->all) = tag->name;
	}
}

static void tags_of_site(const struct part *part, struct names *names)
{
	const struct site *site = part->primary;
	const struct wanted_digest *digest = &site->wanted->digests.items[part->digest];
	const struct plan_pair *pair = plan_find(&site->plan, part->digest);

	for (uint32_t i = 0; i < digest->tag_count; i++) {
		const struct plan_tag *tag =
			pair ? &site->plan.tags.items[pair->first_tag + i] : NULL;

		if (!tag || tag->found == TAG_AT_DIGEST)
			*vec_push(&names->all) =
				site->wanted->tags.items[digest->first_tag + i].name;
	}
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void sort_names(struct names *names)
{
	if (names->all.len)
		qsort(names->all.items, names->all.len, sizeof(*names->all.items), compare_names);
}

static void find_replaced(const struct batch *batch, const struct part *part,
	const struct names *tags, struct replaced *replaced)
{
	if (part->has_primary)
		replaced_add(replaced, lead_of(batch, part), tags->all.items, tags->all.len);
	for (size_t i = 0; i < part->members.len; i++)
		replaced_add(replaced, &batch->promoted.records[part->members.items[i]],
			tags->all.items, tags->all.len);
}

/* Nothing, where destinations differ in their sources: another group may work on the same image. */
static struct signing_listed what_is_absent(const struct batch *batch, const struct part *part)
{
	const struct unit *unit = batch->promoted.unit;
	const struct site *site = part->primary;
	struct primary_pair pair = {(uint32_t)(site - unit->sites), part->digest};
	static const struct {
		enum observed_beside beside;
		enum attached_kind kind;
	} kinds[] = {{BESIDE_SIG, ATTACHED_SIG}, {BESIDE_ATT, ATTACHED_ATT},
		{BESIDE_INDEX, ATTACHED_BUNDLE}};
	struct signing_listed listed = {.ms = site->observed_ms};

	if (!primary_is_uniform(unit->primaries, pair))
		return listed;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (observed_beside(&site->observed, part->digest, kinds[i].beside) == KNOWN_ABSENT)
			listed.absent |= kinds[i].kind;
	return listed;
}

/* All that are declared at the primary: which of them it came from is not known of what is in place. */
static void sources_of_site(const struct batch *batch, const struct part *part, struct names *names)
{
	const struct wanted *wanted = part->primary->wanted;
	const struct wanted_digest *digest = &wanted->digests.items[part->digest];
	const struct worklist *list = batch->promoted.unit->schedule->list;

	for (uint32_t i = 0; i < digest->source_count; i++)
		*vec_push(&names->all) =
			list->sources.items[wanted->sources.items[digest->first_source + i]].name;
}

static void sign_part(struct batch *batch, struct part *part, struct http_tally *tally,
	struct signing_outcome *outcome)
{
	const struct schedule *schedule = batch->promoted.unit->schedule;
	const struct record *lead = lead_of(batch, part);
	const struct work_destination *primary =
		&schedule->list->destinations.items[part->primary->destination];
	CLEANUP(replaced_release) struct replaced replaced = {0};
	const struct signing_listed listed = what_is_absent(batch, part);
	struct names tags = {0}, sources = {0};

	if (part->has_primary)
		tags_of_record(lead, &tags);
	else
		tags_of_site(part, &tags);
	sort_names(&tags);
	sources_of_site(batch, part, &sources);
	find_replaced(batch, part, &tags, &replaced);
	const struct promotion promotion = {
		.run = schedule->options->signing->run,
		.source = lead->source,
		.destination = part->identity,
		.digest = lead->digest,
		.tags = tags.all.items,
		.tag_count = tags.all.len,
		.replaced = replaced.all.items,
		.replaced_count = replaced.all.len,
		.is_in_place = !part->is_changed,
		.sources = sources.all.items,
		.source_count = sources.all.len,
		.manifest = lead->place.file,
		.unix_s = clock_unix_ms(schedule->clock) / 1000,
	};
	signing_carry_out(
		schedule->signing, &primary->repository, &listed, &promotion, tally, outcome);
	vec_release(&sources.all);
	vec_release(&tags.all);
}

/* ---- What the records say of it ---- */

static void note(
	struct batch *batch, const struct part *part, const struct signing_outcome *outcome)
{
	for (size_t i = 0; i < part->members.len; i++) {
		uint32_t member = part->members.items[i];
		struct record *record = &batch->promoted.records[member];

		record->signing.identity = mem_strdup(part->identity);
		record->signing.primary = name_of(batch, part->primary);
		record->signing.leads = member == part->lead;
		record->signing.signature = outcome->signature;
		record->signing.attestation = outcome->attestation;
		/* What was not promoted has its own reason to be told. */
		if (!is_changed(batch, member) &&
			!(member == part->lead && due_before(batch, part)))
			continue;
		if (outcome->signature == SIGNED_NOT_DONE ||
			outcome->attestation == SIGNED_NOT_DONE)
			batch->promoted.targets[member].end = RECORD_END_NOT_DONE;
		else if (outcome->err)
			record_add_unsigned(record, outcome->err);
	}
}

static void end_part(struct batch *batch)
{
	struct promoted promoted = batch->promoted;

	if (atomic_fetch_sub(&batch->pending, 1) != 1)
		return;
	batch_free(batch);
	group_settle(&promoted);
}

void signing_group_run(void *ctx, void *arg)
{
	CLEANUP(mem_freep) struct sign_job *job = arg;
	struct batch *batch = job->batch;
	struct record *lead = lead_of(batch, job->part);
	struct http_tally tally = {0};
	struct signing_outcome outcome = {
		.signature = SIGNED_NOT_DONE, .attestation = SIGNED_NOT_DONE};

	(void)ctx;
	if (!schedule_is_stopped(batch->promoted.unit->schedule)) {
		if (check_there(batch, job->part, &tally, &outcome))
			sign_part(batch, job->part, &tally, &outcome);
		else
			outcome.signature = outcome.attestation = err_is(outcome.err, ERR_CANCELLED)
				? SIGNED_NOT_DONE
				: SIGNED_FAILED;
	}
	note(batch, job->part, &outcome);
	if (outcome.signature == SIGNED_BEFORE || outcome.signature == SIGNED_NOW)
		signing_site_verified(batch->promoted.unit, job->part->primary, job->part->digest);
	mirroring_note_written(batch->promoted.unit, job->part->primary,
		batch->promoted.group->digest->sha256, outcome.written);
	lead->requests += tally.requests;
	lead->bytes_received += tally.bytes_received;
	lead->bytes_sent += tally.bytes_sent;
	lead->signing.carried = outcome.carried;
	lead->signing.verified = outcome.signature == SIGNED_BEFORE;
	lead->signing.instead = outcome.instead;
	lead->signing.is_hidden = outcome.is_hidden;
	lead->signing.logged.items = outcome.logged.items;
	lead->signing.logged.len = outcome.logged.len;
	lead->signing.logged.capacity = outcome.logged.capacity;
	err_free(outcome.err);
	end_part(batch);
}

/* Without --confirm: what a list shows to be there is not looked at, unless that is due. */
static void note_plan(struct batch *batch, struct part *part)
{
	const struct signing_rules *rules = &batch->promoted.unit->schedule->rules;
	bool states = rules->wanted.statements[PROMOTION_RECORD] ||
		rules->wanted.statements[PROMOTION_SLSA];
	const struct signing_outcome outcome = {
		.signature = part->due & SIGNING_LACKS_SIGNATURE ? SIGNED_PLANNED : SIGNED_BEFORE,
		.attestation = !states						  ? SIGNED_NOT_ASKED
			: part->is_changed || part->due & SIGNING_LACKS_STATEMENT ? SIGNED_PLANNED
										  : SIGNED_BEFORE,
	};

	note(batch, part, &outcome);
}

/* Without --confirm there is nothing to read of what is not there yet. */
static bool is_for_signers(const struct schedule *schedule, const struct part *part)
{
	if (schedule->options->confirm)
		return part->due;
	return schedule->signers && !part->is_changed && part->due & SIGNING_TO_CHECK;
}

static void queue(struct batch *batch)
{
	const struct schedule *schedule = batch->promoted.unit->schedule;

	for (size_t i = 0; i < batch->parts.len; i++) {
		struct part *part = &batch->parts.items[i];
		const struct sign_job job = {batch, part};
		uint32_t host = schedule->list->destinations.items[part->primary->destination].host;

		if (is_for_signers(schedule, part)) {
			pool_add(schedule->signers, POOL_NORMAL, (struct pool_keys){&host, 1},
				mem_dup(&job, sizeof(job)));
			continue;
		}
		if (part->due && !schedule->options->confirm)
			note_plan(batch, part);
		end_part(batch);
	}
}

void signing_group(struct promoted *promoted)
{
	struct batch *batch = mem_new(1, sizeof(*batch));

	batch->promoted = *promoted;
	make_parts(batch);
	for (size_t i = 0; i < batch->parts.len; i++)
		find_due(batch, &batch->parts.items[i]);
	/* One more, so that it does not end while it is queued. */
	batch->pending = (uint32_t)batch->parts.len + 1;
	queue(batch);
	end_part(batch);
}
