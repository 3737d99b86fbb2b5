/*
 * The rules of promotion, one destination repository at a time. Tag by tag first, then what
 * follows for the digest. Deliberately without knowledge of how anything was learned or will be
 * carried out: every rule here can be tested with a table.
 */
#include "reconciler/plan.h"

struct planner {
	const struct declared *declared;
	const char *repository;
	const struct observed *observed;
	const struct wanted *wanted;
	const uint8_t *sign;
	/* The last answer of declared_frozen_by: neighbours mostly belong to one project. */
	uint32_t frozen_project;
	bool frozen;
};

static bool is_frozen(struct planner *p, uint32_t project)
{
	if (p->frozen_project != project) {
		p->frozen_project = project;
		p->frozen = declared_frozen_by(p->declared, p->repository, project) != NULL;
	}
	return p->frozen;
}

static struct plan_tag quarantine(enum tag_found found, enum finding_kind reason)
{
	return (struct plan_tag){
		.found = found, .done = TAG_DONE_QUARANTINED, .reason = (uint8_t)reason};
}

static enum tag_found tag_seen(
	const struct observed *observed, const struct wanted_tag *tag, uint32_t digest)
{
	const struct observed_tag *seen = &observed->tags[tag->slot];

	if (seen->found == TAG_AT_DIGEST && seen->digest != digest)
		return TAG_ELSEWHERE;
	return seen->found;
}

/* The order of the conditions is the order in which they excuse or forbid. */
static struct plan_tag plan_one_tag(
	struct planner *p, const struct wanted_tag *tag, uint32_t digest)
{
	enum tag_found found;
	bool disputed;

	if (tag->slot == WORK_NONE)
		return quarantine(TAG_UNKNOWN, FINDING_MALFORMED);
	found = tag_seen(p->observed, tag, digest);
	if (found == TAG_AT_DIGEST || found == TAG_UNKNOWN)
		return (struct plan_tag){.found = found, .done = TAG_DONE_NOTHING};
	disputed = p->declared->disputes.len &&
		declared_dispute(p->declared, p->repository, tag->name);
	if (disputed)
		return quarantine(found, FINDING_OVERLAP);
	if (found == TAG_ELSEWHERE && !tag->is_mutable)
		return quarantine(found, FINDING_TAG_MOVE);
	if (tag->in_cycle)
		return quarantine(found, FINDING_CYCLE);
	if (is_frozen(p, tag->project))
		return quarantine(found, FINDING_INVALID_FILE);
	return (struct plan_tag){.found = found, .done = TAG_DONE_PLANNED};
}

/* What a digest needs that is wanted for itself, when none of its tags brings it along. */
static void plan_bare_digest(const struct wanted_digest *digest, struct plan_pair *pair)
{
	switch ((enum known)pair->found) {
	case KNOWN_PRESENT:
		break;
	case KNOWN_NOTHING:
		pair->reasons |= PLAN_REASON(FINDING_ERROR);
		break;
	case KNOWN_ABSENT:
		if (digest->source_count)
			pair->action = PLAN_COPY;
		else
			pair->reasons |= PLAN_REASON(FINDING_CYCLE);
		break;
	}
}

/* Appends the pair and its tags. */
static void plan_digest(struct planner *p, struct plan *plan, uint32_t index)
{
	const struct wanted_digest *digest = &p->wanted->digests.items[index];
	struct plan_pair pair = {
		.digest = index,
		.first_tag = (uint32_t)plan->tags.len,
		.found = p->observed->digests[index],
		.sign = p->sign ? p->sign[index] : 0,
	};
	bool add = false;

	for (uint32_t t = 0; t < digest->tag_count; t++) {
		struct plan_tag tag =
			plan_one_tag(p, &p->wanted->tags.items[digest->first_tag + t], index);

		*vec_push(&plan->tags) = tag;
		if (tag.done == TAG_DONE_QUARANTINED)
			pair.reasons |= (uint16_t)PLAN_REASON(tag.reason);
		else if (tag.found == TAG_UNKNOWN)
			pair.reasons |= PLAN_REASON(FINDING_ERROR);
		add |= tag.done == TAG_DONE_PLANNED;
	}
	if (!digest->sha256)
		pair.reasons |= PLAN_REASON(FINDING_MALFORMED);
	else if (add)
		pair.action = pair.found == KNOWN_PRESENT ? PLAN_TAG : PLAN_COPY;
	else if (digest->by_digest)
		plan_bare_digest(digest, &pair);
	*vec_push(&plan->pairs) = pair;
}

void plan_init(struct plan *plan, const struct declared *declared, const char *repository,
	const struct observed *observed, const uint8_t *sign, bool all)
{
	struct planner planner = {
		.declared = declared,
		.repository = repository,
		.observed = observed,
		.wanted = observed->wanted,
		.sign = sign,
		.frozen_project = WORK_NONE,
	};

	*plan = (struct plan){0};
	for (uint32_t i = 0; i < planner.wanted->digests.len; i++) {
		const struct plan_pair *pair;

		plan_digest(&planner, plan, i);
		pair = &plan->pairs.items[plan->pairs.len - 1];
		if (!plan_is_settled(pair) || pair->reasons)
			continue;
		plan->in_place++;
		if (all)
			continue;
		plan->tags.len = pair->first_tag;
		plan->pairs.len--;
	}
	vec_shrink(&plan->pairs);
	vec_shrink(&plan->tags);
}

void plan_release(struct plan *plan)
{
	vec_release(&plan->pairs);
	vec_release(&plan->tags);
}

bool plan_is_settled(const struct plan_pair *pair)
{
	return pair->action == PLAN_NOTHING && !pair->sign;
}

const struct plan_pair *plan_find(const struct plan *plan, uint32_t digest)
{
	size_t low = 0, high = plan->pairs.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct plan_pair *pair = &plan->pairs.items[middle];

		if (pair->digest == digest)
			return pair;
		if (pair->digest < digest)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

enum plan_source plan_source_join(enum plan_source a, enum plan_source b)
{
	/* The enumeration is in this order. */
	return a > b ? a : b;
}

enum plan_resolution plan_resolve(enum known at_destination, enum plan_source source)
{
	switch (source) {
	case PLAN_SOURCE_PRESENT:
		return PLAN_DO_COPY;
	case PLAN_SOURCE_COMING:
		return at_destination == KNOWN_PRESENT ? PLAN_DO_TAG : PLAN_DO_WAIT;
	case PLAN_SOURCE_ABSENT:
		if (at_destination == KNOWN_ABSENT)
			return PLAN_DO_LOST;
		return at_destination == KNOWN_PRESENT ? PLAN_DO_TAG : PLAN_DO_ASK;
	case PLAN_SOURCE_UNKNOWN:
		break;
	}
	return at_destination == KNOWN_PRESENT ? PLAN_DO_TAG : PLAN_DO_FAIL;
}
