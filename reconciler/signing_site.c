/*
 * From a look at a destination to what is due of signatures there: the primary's look alone says it, so
 * that it costs nothing anywhere else. The rules are signing_due.h's.
 */
#include <limits.h>

#include "reconciler/observed_bundles.h"
#include "reconciler/schedule_private.h"

static bool is_withheld(const struct schedule *schedule, const struct site *site, uint32_t digest)
{
	const struct worklist *list = schedule->list;

	return declared_frozen_by(list->declared, list->destinations.items[site->destination].name,
		       site->wanted->digests.items[digest].project) != NULL;
}

static bool is_primary(const struct unit *unit, enum primary_role role, struct primary_pair pair)
{
	return role == PRIMARY_OF_ALL || primary_of(unit->primaries, pair).site == pair.site;
}

static unsigned due_of(const struct schedule *schedule, const struct site *site, uint32_t digest,
	struct signing_subject *subject)
{
	if (!signing_due(&schedule->rules, subject))
		return 0;
	/* Asked only then: it is not free. */
	subject->is_withheld = is_withheld(schedule, site, digest);
	return signing_due(&schedule->rules, subject);
}

static bool is_assumed(const struct signing_subject *subject)
{
	for (int form = 0; form < SIGN_FORMS; form++)
		if (subject->signature[form] == KNOWN_PRESENT)
			return true;
	return false;
}

/* Lists show nothing of bundles, except where there is no API for them. */
void signing_site_start(struct unit *unit, struct site *site)
{
	const struct schedule *schedule = unit->schedule;
	uint32_t number = (uint32_t)(site - unit->sites);
	enum primary_role role = primary_role(unit->primaries, number);

	if (!schedule->signing || !schedule->rules.wanted.forms[SIGN_BUNDLE] ||
		role == PRIMARY_OF_NONE)
		return;
	for (uint32_t i = 0; i < site->wanted->well_formed; i++)
		if (is_primary(unit, role, (struct primary_pair){number, i}))
			observed_want_bundles(&site->observed, i);
}

uint8_t *signing_site(struct unit *unit, const struct site *site)
{
	struct schedule *schedule = unit->schedule;
	uint32_t number = (uint32_t)(site - unit->sites), due = 0;
	enum primary_role role = primary_role(unit->primaries, number);
	/* Without --confirm only what is to be checked is read, if that can be. */
	unsigned looked_at = schedule->options->confirm ? UINT_MAX : SIGNING_TO_CHECK;
	CLEANUP(mem_freep) uint8_t *sign = NULL;
	uint64_t assumed = 0;

	if (!schedule->signing || role == PRIMARY_OF_NONE)
		return NULL;
	sign = mem_new((size_t)site->wanted->digests.len + 1, sizeof(*sign));
	for (uint32_t i = 0; i < site->wanted->well_formed; i++) {
		struct primary_pair pair = {number, i};
		struct signing_subject subject;

		if (site->observed.digests[i] != KNOWN_PRESENT)
			continue;
		if (!is_primary(unit, role, pair))
			continue;
		subject = signing_subject_of(&site->observed, i);
		sign[i] = (uint8_t)due_of(schedule, site, i, &subject);
		due += sign[i] != 0;
		assumed += is_assumed(&subject) && !(sign[i] & looked_at);
	}
	schedule->assumed_images += assumed;
	return due ? steal_ptr(&sign) : NULL;
}

unsigned signing_site_changed(
	const struct schedule *schedule, const struct site *site, uint32_t digest)
{
	struct signing_subject subject = signing_subject_of(&site->observed, digest);

	subject.is_changed = true;
	return due_of(schedule, site, digest, &subject);
}

void signing_site_verified(struct unit *unit, const struct site *site, uint32_t digest)
{
	struct schedule *schedule = unit->schedule;
	struct signing_subject subject = signing_subject_of(&site->observed, digest);
	struct primary_pair pair = {(uint32_t)(site - unit->sites), digest};

	/* Where destinations differ in their sources it may be verified for several of them. */
	if (site->observed.digests[digest] == KNOWN_PRESENT && is_assumed(&subject) &&
		!due_of(schedule, site, digest, &subject) &&
		primary_is_uniform(unit->primaries, pair))
		schedule->assumed_images--;
}

void signing_site_note(const struct unit *unit, const struct site *site, uint32_t digest,
	struct record_signing *signing)
{
	struct primary_pair pair = {(uint32_t)(site - unit->sites), digest};
	struct signing_subject subject;

	if (!unit->schedule->signing || digest >= site->wanted->well_formed ||
		primary_of(unit->primaries, pair).site != pair.site)
		return;
	subject = signing_subject_of(&site->observed, digest);
	signing->leads = true;
	signing->signature = is_assumed(&subject) ? SIGNED_BEFORE : SIGNED_NOT_ASKED;
}
