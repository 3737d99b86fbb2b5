/*
 * Sites are sorted into classes by identity; all that no rule names are one class, in which the place
 * of an entry tells groups apart. Of each class only the first site of each `wanted` is looked at:
 * whoever shares it has the same groups. Knows nothing of what is observed anywhere.
 */
#include "reconciler/primary.h"

#include <stdlib.h>
#include <string.h>

#include "reconciler/identity.h"

struct class
{
	VEC(uint32_t) firsts; /* sites in order of precedence, each with a `wanted` of its own */
};

struct place_in_class {
	uint32_t class;
	uint32_t before;  /* so many of the class's firsts have precedence */
	bool is_repeated; /* one of them shares its `wanted` */
	char *identity;	  /* owned; NULL in the class of those without */
};

struct primaries {
	const struct primary_site *sites;
	uint32_t count;
	struct place_in_class *places; /* by site */
	VEC(struct class) classes;     /* the first: of those that no rule names */
};

struct ranking {
	const struct identities *identities;
	const struct primary_site *sites;
};

static int compare_sites(const void *left, const void *right, void *ctx)
{
	const struct ranking *ranking = ctx;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return identity_compare(
		ranking->identities, ranking->sites[a].name, ranking->sites[b].name);
}

static uint32_t class_of(struct primaries *primaries, struct strmap *names, const char *identity)
{
	void **slot;

	if (!identity)
		return 0;
	slot = strmap_put(names, identity);
	if (!*slot) {
		*slot = (void *)(uintptr_t)primaries->classes.len;
		(void)vec_push(&primaries->classes);
	}
	return (uint32_t)(uintptr_t)*slot;
}

/* Sites come in order of precedence. */
static void add_site(struct primaries *primaries, uint32_t site)
{
	struct place_in_class *place = &primaries->places[site];
	struct class *class = &primaries->classes.items[place->class];

	place->before = (uint32_t) class->firsts.len;
	for (uint32_t i = 0; i < place->before && !place->is_repeated; i++)
		place->is_repeated = primaries->sites[class->firsts.items[i]].wanted ==
			primaries->sites[site].wanted;
	if (!place->is_repeated)
		*vec_push(&class->firsts) = site;
}

static void find_identities(struct primaries *primaries, const struct identities *identities)
{
	CLEANUP(strmap_release) struct strmap names = STRMAP_INIT;

	(void)vec_push(&primaries->classes);
	for (uint32_t i = 0; i < primaries->count; i++) {
		CLEANUP(str_release) struct str identity = STR_INIT(STR_TEXT_MAX);

		if (identity_map(identities, primaries->sites[i].name, &identity))
			primaries->places[i].identity = str_steal(&identity, NULL);
		primaries->places[i].class =
			class_of(primaries, &names, primaries->places[i].identity);
	}
}

struct primaries *primaries_new(
	const struct identities *identities, const struct primary_site *sites, uint32_t count)
{
	struct primaries *primaries = mem_new(1, sizeof(*primaries));
	CLEANUP(mem_freep) uint32_t *ranked = mem_new((size_t)count + 1, sizeof(*ranked));
	struct ranking ranking = {identities, sites};

	primaries->sites = sites;
	primaries->count = count;
	primaries->places = mem_new((size_t)count + 1, sizeof(*primaries->places));
	find_identities(primaries, identities);
	for (uint32_t i = 0; i < count; i++)
		ranked[i] = i;
	qsort_r(ranked, count, sizeof(*ranked), compare_sites, &ranking);
	for (uint32_t i = 0; i < count; i++)
		add_site(primaries, ranked[i]);
	return primaries;
}

void primaries_free(struct primaries *primaries)
{
	if (!primaries)
		return;
	for (uint32_t i = 0; i < primaries->count; i++)
		mem_free(primaries->places[i].identity);
	for (size_t i = 0; i < primaries->classes.len; i++)
		vec_release(&primaries->classes.items[i].firsts);
	vec_release(&primaries->classes);
	mem_free(primaries->places);
	mem_free(primaries);
}

const char *primary_identity(const struct primaries *primaries, uint32_t site)
{
	return primaries->places[site].identity;
}

enum primary_role primary_role(const struct primaries *primaries, uint32_t site)
{
	const struct place_in_class *place = &primaries->places[site];

	if (place->is_repeated)
		return PRIMARY_OF_NONE;
	return place->before ? PRIMARY_OF_SOME : PRIMARY_OF_ALL;
}

static bool same_place(const struct place *a, const struct place *b)
{
	return a->line == b->line && a->column == b->column && strcmp(a->file, b->file) == 0;
}

bool primary_has(const struct primaries *primaries, struct primary_pair pair, uint32_t site,
	uint32_t *ret_digest)
{
	const struct wanted *wanted = primaries->sites[pair.site].wanted;
	const struct wanted *other = primaries->sites[site].wanted;
	uint32_t digest = pair.digest;

	if (primaries->places[pair.site].class != primaries->places[site].class)
		return false;
	if (other != wanted) {
		digest = wanted_find(other, wanted->digests.items[pair.digest].sha256);
		if (digest == WORK_NONE)
			return false;
		if (!primaries->places[site].identity &&
			!same_place(&wanted->digests.items[pair.digest].place,
				&other->digests.items[digest].place))
			return false;
	}
	*ret_digest = digest;
	return true;
}

struct primary_pair primary_of(const struct primaries *primaries, struct primary_pair pair)
{
	const struct place_in_class *place = &primaries->places[pair.site];
	const struct class *class = &primaries->classes.items[place->class];

	for (uint32_t i = 0; i < place->before; i++) {
		struct primary_pair first = {.site = class->firsts.items[i]};

		if (primary_has(primaries, pair, first.site, &first.digest))
			return first;
	}
	return pair;
}

bool primary_is_uniform(const struct primaries *primaries, struct primary_pair pair)
{
	const struct class *class = &primaries->classes.items[primaries->places[pair.site].class];
	uint32_t digest;

	for (size_t i = 0; i < class->firsts.len; i++) {
		uint32_t site = class->firsts.items[i];

		if (primaries->sites[site].wanted != primaries->sites[pair.site].wanted &&
			primary_has(primaries, pair, site, &digest))
			return false;
	}
	return true;
}

bool primary_are_related(const struct primaries *primaries, uint32_t a, uint32_t b)
{
	const struct wanted *wanted = primaries->sites[a].wanted;
	uint32_t digest;

	if (primaries->places[a].class != primaries->places[b].class)
		return false;
	if (wanted == primaries->sites[b].wanted)
		return wanted->well_formed > 0;
	for (uint32_t i = 0; i < wanted->well_formed; i++)
		if (primary_has(primaries, (struct primary_pair){a, i}, b, &digest))
			return true;
	return false;
}
