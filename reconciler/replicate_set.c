/*
 * Destinations in order of precedence. Which of them belong together, and who is primary, is primary.h's
 * to say, so that the primary here is the repository that was signed.
 */
#include "reconciler/replicate_set.h"

#include <stdlib.h>
#include <string.h>

#include "reconciler/identity.h"

static bool share_digest(const struct replicate_set *set, size_t a, size_t b,
	const uint8_t sha256[DIGEST_SHA256_SIZE])
{
	struct primary_pair pair = {(uint32_t)a, wanted_find(set->sites[a].wanted, sha256)};
	uint32_t digest;

	return pair.digest != WORK_NONE && primary_has(set->primaries, pair, (uint32_t)b, &digest);
}

/* ---- Who is primary ---- */

static bool is_first(
	const struct replicate_set *set, size_t site, const uint8_t sha256[DIGEST_SHA256_SIZE])
{
	struct primary_pair pair = {(uint32_t)site, wanted_find(set->sites[site].wanted, sha256)};

	return pair.digest == WORK_NONE || primary_of(set->primaries, pair).site == site;
}

static bool has_mirror(
	const struct replicate_set *set, size_t site, const uint8_t sha256[DIGEST_SHA256_SIZE])
{
	for (size_t i = site + 1; i < set->count; i++)
		if (share_digest(set, site, i, sha256))
			return true;
	return false;
}

bool replicate_set_has_mirrors(
	const struct replicate_set *set, size_t site, const uint8_t sha256[DIGEST_SHA256_SIZE])
{
	return has_mirror(set, site, sha256) && is_first(set, site, sha256);
}

static bool is_primary(const struct replicate_set *set, size_t site)
{
	const struct replicate_site *at = &set->sites[site];

	if (primary_role(set->primaries, (uint32_t)site) == PRIMARY_OF_NONE)
		return false;
	for (uint32_t i = 0; i < at->wanted->well_formed; i++)
		if (replicate_set_has_mirrors(set, site, at->wanted->digests.items[i].sha256))
			return true;
	return false;
}

static bool is_declared(const struct replicate_set *set, const uint8_t sha256[DIGEST_SHA256_SIZE])
{
	for (size_t i = 0; i < set->count; i++)
		if (set->sites[i].is_first_of_wanted &&
			wanted_find(set->sites[i].wanted, sha256) != WORK_NONE)
			return true;
	return false;
}

/* Of a digest that nobody declares, the first of those that belong together for others is primary. */
static void mirrors_of_undeclared(
	const struct replicate_set *set, size_t primary, bool *ret_is_mirror)
{
	for (size_t i = 0; i < primary; i++)
		if (primary_are_related(set->primaries, (uint32_t)i, (uint32_t)primary))
			return;
	for (size_t i = primary + 1; i < set->count; i++)
		ret_is_mirror[i] =
			primary_are_related(set->primaries, (uint32_t)primary, (uint32_t)i);
}

void replicate_set_mirrors(
	void *ctx, size_t primary, const uint8_t image[DIGEST_SHA256_SIZE], bool *ret_is_mirror)
{
	const struct replicate_set *set = ctx;
	const struct primary_pair pair = {
		(uint32_t)primary, wanted_find(set->sites[primary].wanted, image)};
	uint32_t digest;

	if (pair.digest == WORK_NONE) {
		if (!set->only_declared && !is_declared(set, image))
			mirrors_of_undeclared(set, primary, ret_is_mirror);
		return;
	}
	if (primary_of(set->primaries, pair).site != primary)
		return;
	for (size_t i = primary + 1; i < set->count; i++)
		ret_is_mirror[i] = primary_has(set->primaries, pair, (uint32_t)i, &digest);
}

/* ---- Making one ---- */

struct ranked {
	const struct identities *identities;
	const struct work_destination *destination;
};

static int compare_rank(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	return identity_compare(a->identities, a->destination->name, b->destination->name);
}

/* The first of those that want the same has it, the others share it. */
static void collect_wanted(const struct worklist *list, struct replicate_set *set, size_t site)
{
	const struct work_destination *all = list->destinations.items;
	struct replicate_site *at = &set->sites[site];
	uint32_t index = (uint32_t)(at->destination - all);

	for (size_t i = 0; i < site && !at->wanted; i++) {
		const struct replicate_site *other = &set->sites[i];

		if (other->own_wanted &&
			wanted_is_shared(list, index, (uint32_t)(other->destination - all)))
			at->wanted = other->wanted;
	}
	if (at->wanted)
		return;
	at->wanted = at->own_wanted = mem_new(1, sizeof(*at->own_wanted));
	wanted_init(at->own_wanted, list, index);
}

static bool is_first_of_wanted(const struct replicate_set *set, size_t site)
{
	for (size_t i = 0; i < site; i++)
		if (set->sites[i].wanted == set->sites[site].wanted)
			return false;
	return true;
}

static void add_site(const struct worklist *list, struct replicate_set *set,
	const struct ranked *ranked, const struct wanted *wanted)
{
	size_t site = set->count++;

	set->sites[site].destination = ranked->destination;
	set->replicas[site].repository = ranked->destination->repository;
	if (wanted)
		set->sites[site].wanted = wanted;
	else
		collect_wanted(list, set, site);
	set->sites[site].is_first_of_wanted = is_first_of_wanted(set, site);
	set->names[site] =
		(struct primary_site){ranked->destination->name, set->sites[site].wanted};
}

struct replicate_set *replicate_set_new(const struct worklist *list, const struct work_unit *unit,
	const struct wanted *const *wanted, bool only_declared)
{
	const struct work_destination *first = &list->destinations.items[unit->first_destination];
	CLEANUP(mem_freep)
	struct ranked *ranked = mem_new(unit->destination_count, sizeof(*ranked));
	CLEANUP(replicate_set_freep) struct replicate_set *set = mem_new(1, sizeof(*set));
	bool any = false;

	set->sites = mem_new(unit->destination_count, sizeof(*set->sites));
	set->replicas = mem_new(unit->destination_count, sizeof(*set->replicas));
	set->names = mem_new(unit->destination_count, sizeof(*set->names));
	set->only_declared = only_declared;
	for (uint32_t i = 0; i < unit->destination_count; i++)
		ranked[i] = (struct ranked){list->declared->identities, &first[i]};
	qsort(ranked, unit->destination_count, sizeof(*ranked), compare_rank);
	for (uint32_t i = 0; i < unit->destination_count; i++)
		add_site(list, set, &ranked[i],
			wanted ? wanted[ranked[i].destination - first] : NULL);
	set->primaries =
		primaries_new(list->declared->identities, set->names, unit->destination_count);
	for (size_t i = 0; i < set->count; i++)
		any |= set->replicas[i].is_primary = is_primary(set, i);
	return any ? steal_ptr(&set) : NULL;
}

void replicate_set_free(struct replicate_set *set)
{
	if (!set)
		return;
	primaries_free(set->primaries);
	for (size_t i = 0; i < set->count; i++) {
		if (!set->sites[i].own_wanted)
			continue;
		wanted_release(set->sites[i].own_wanted);
		mem_free(set->sites[i].own_wanted);
	}
	mem_free(set->sites);
	mem_free(set->replicas);
	mem_free(set->names);
	mem_free(set);
}
