/*
 * Two destinations belong together for a digest if both declare it and the public knows them by one
 * name; where no rule names them, if it is one entry of one file. As signing_group.c has it, so that
 * the primary here is the repository that was signed.
 */
#include "reconciler/replicate_set.h"

#include <stdlib.h>
#include <string.h>

#include "reconciler/identity.h"

/* ---- What belongs together ---- */

static bool same_place(const struct place *a, const struct place *b)
{
	return a->line == b->line && a->column == b->column && strcmp(a->file, b->file) == 0;
}

static bool same_name(const struct replicate_site *a, const struct replicate_site *b)
{
	if (!a->identity || !b->identity)
		return !a->identity && !b->identity;
	return strcmp(a->identity, b->identity) == 0;
}

/* Numbers of one digest in what both want. */
static bool share_entry(const struct replicate_site *a, uint32_t in_a,
	const struct replicate_site *b, uint32_t in_b)
{
	return in_a != WORK_NONE && in_b != WORK_NONE && same_name(a, b) &&
		(a->identity ||
			same_place(&a->wanted->digests.items[in_a].place,
				&b->wanted->digests.items[in_b].place));
}

static bool share_digest(const struct replicate_site *a, const struct replicate_site *b,
	const uint8_t sha256[DIGEST_SHA256_SIZE])
{
	return share_entry(a, wanted_find(a->wanted, sha256), b, wanted_find(b->wanted, sha256));
}

/* Some digest at least. */
static bool are_related(const struct replicate_site *a, const struct replicate_site *b)
{
	if (!same_name(a, b))
		return false;
	if (a->wanted == b->wanted)
		return a->wanted->well_formed > 0;
	for (uint32_t i = 0; i < a->wanted->well_formed; i++)
		if (share_entry(
			    a, i, b, wanted_find(b->wanted, a->wanted->digests.items[i].sha256)))
			return true;
	return false;
}

/* ---- Who is primary ---- */

static bool is_first(
	const struct replicate_set *set, size_t site, const uint8_t sha256[DIGEST_SHA256_SIZE])
{
	for (size_t i = 0; i < site; i++)
		if (share_digest(&set->sites[i], &set->sites[site], sha256))
			return false;
	return true;
}

static bool has_mirror(
	const struct replicate_set *set, size_t site, const uint8_t sha256[DIGEST_SHA256_SIZE])
{
	for (size_t i = site + 1; i < set->count; i++)
		if (share_digest(&set->sites[site], &set->sites[i], sha256))
			return true;
	return false;
}

static bool is_primary(const struct replicate_set *set, size_t site)
{
	const struct replicate_site *at = &set->sites[site];

	/* The usual case, without a look at the digests. */
	for (size_t i = 0; i < site; i++)
		if (set->sites[i].wanted == at->wanted && same_name(&set->sites[i], at))
			return false;
	for (uint32_t i = 0; i < at->wanted->well_formed; i++) {
		const uint8_t *sha256 = at->wanted->digests.items[i].sha256;

		if (has_mirror(set, site, sha256) && is_first(set, site, sha256))
			return true;
	}
	return false;
}

static bool is_declared(const struct replicate_set *set, const uint8_t sha256[DIGEST_SHA256_SIZE])
{
	for (size_t i = 0; i < set->count; i++)
		if (set->sites[i].owns_wanted &&
			wanted_find(set->sites[i].wanted, sha256) != WORK_NONE)
			return true;
	return false;
}

/* Of a digest that nobody declares, the first of those that belong together for others is primary. */
static void mirrors_of_undeclared(
	const struct replicate_set *set, size_t primary, bool *ret_is_mirror)
{
	for (size_t i = 0; i < primary; i++)
		if (are_related(&set->sites[i], &set->sites[primary]))
			return;
	for (size_t i = primary + 1; i < set->count; i++)
		ret_is_mirror[i] = are_related(&set->sites[primary], &set->sites[i]);
}

void replicate_set_mirrors(
	void *ctx, size_t primary, const uint8_t image[DIGEST_SHA256_SIZE], bool *ret_is_mirror)
{
	const struct replicate_set *set = ctx;

	if (!is_declared(set, image)) {
		if (!set->only_declared)
			mirrors_of_undeclared(set, primary, ret_is_mirror);
		return;
	}
	if (!is_first(set, primary, image))
		return;
	for (size_t i = primary + 1; i < set->count; i++)
		ret_is_mirror[i] = share_digest(&set->sites[primary], &set->sites[i], image);
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
static void take_wanted(const struct worklist *list, struct replicate_set *set, size_t site)
{
	const struct work_destination *all = list->destinations.items;
	struct replicate_site *at = &set->sites[site];
	uint32_t index = (uint32_t)(at->destination - all);

	for (size_t i = 0; i < site && !at->wanted; i++) {
		const struct replicate_site *other = &set->sites[i];

		if (other->owns_wanted &&
			wanted_is_shared(list, index, (uint32_t)(other->destination - all)))
			at->wanted = other->wanted;
	}
	if (at->wanted)
		return;
	at->wanted = mem_new(1, sizeof(*at->wanted));
	at->owns_wanted = true;
	wanted_init(at->wanted, list, index);
}

static void add_site(
	const struct worklist *list, struct replicate_set *set, const struct ranked *ranked)
{
	CLEANUP(str_release) struct str identity = STR_INIT(STR_TEXT_MAX);
	size_t site = set->count++;

	set->sites[site].destination = ranked->destination;
	set->replicas[site].repository = ranked->destination->repository;
	if (identity_map(ranked->identities, ranked->destination->name, &identity))
		set->sites[site].identity = str_steal(&identity, NULL);
	take_wanted(list, set, site);
}

struct replicate_set *replicate_set_new(
	const struct worklist *list, const struct work_unit *unit, bool only_declared)
{
	CLEANUP(mem_freep)
	struct ranked *ranked = mem_new(unit->destination_count, sizeof(*ranked));
	CLEANUP(replicate_set_freep) struct replicate_set *set = mem_new(1, sizeof(*set));
	bool any = false;

	set->sites = mem_new(unit->destination_count, sizeof(*set->sites));
	set->replicas = mem_new(unit->destination_count, sizeof(*set->replicas));
	set->only_declared = only_declared;
	for (uint32_t i = 0; i < unit->destination_count; i++)
		ranked[i] = (struct ranked){list->declared->identities,
			&list->destinations.items[unit->first_destination + i]};
	qsort(ranked, unit->destination_count, sizeof(*ranked), compare_rank);
	for (uint32_t i = 0; i < unit->destination_count; i++)
		add_site(list, set, &ranked[i]);
	for (size_t i = 0; i < set->count; i++)
		any |= set->replicas[i].is_primary = is_primary(set, i);
	return any ? steal_ptr(&set) : NULL;
}

void replicate_set_free(struct replicate_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++) {
		mem_free(set->sites[i].identity);
		if (!set->sites[i].owns_wanted)
			continue;
		wanted_release(set->sites[i].wanted);
		mem_free(set->sites[i].wanted);
	}
	mem_free(set->sites);
	mem_free(set->replicas);
	mem_free(set);
}
