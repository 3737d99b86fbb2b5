/*
 * From the declared state to the work: which repositories there are, who claims them, what belongs
 * together. Three passes over flat arrays: collect the claims, join the images that have to be
 * seen together (union-find), sort everything by unit. It knows no network and no digests beyond
 * their number; circles of repositories are found by worklist_cycle.c.
 */
#include "reconciler/worklist.h"

#include <stdlib.h>
#include <string.h>

#include "reconciler/worklist_cycle.h"

/* Index of an interned name in one of the two lists of repositories, plus one; 0: not there. */
static uintptr_t index_get(const struct strmap *map, const char *name)
{
	return (uintptr_t)strmap_get(map, name);
}

/* What only building needs. Destinations are numbered by first appearance until sort_by_unit. */
struct builder {
	struct worklist *list;
	struct strmap destination_index, source_index, host_index;
	struct str name;
	uint32_t *parent; /* union-find over images */
};

static struct repository split(struct worklist *list, const char *name)
{
	size_t host_len = strcspn(name, "/");

	return (struct repository){
		.host = intern_bytes(list->strings, name, host_len),
		.path = name[host_len] ? name + host_len + 1 : name + host_len,
	};
}

static uint32_t number_host(struct builder *b, const char *host)
{
	void **slot = strmap_put(&b->host_index, host);

	if (!*slot)
		*slot = (void *)(uintptr_t)b->host_index.len;
	return (uint32_t)((uintptr_t)*slot - 1);
}

static const char *repository_name(struct builder *b, const struct declared_registry *registry,
	const struct declared_image *image)
{
	str_clear(&b->name);
	declared_repository(registry, image, &b->name);
	return intern_text(b->list->strings, str_text(&b->name));
}

static uint32_t add_destination(struct builder *b, const char *name)
{
	void **slot = strmap_put(&b->destination_index, name);

	if (!*slot) {
		struct repository repository = split(b->list, name);

		*vec_push(&b->list->destinations) = (struct work_destination){
			.name = name,
			.repository = repository,
			.host = number_host(b, repository.host),
		};
		*slot = (void *)(uintptr_t)b->list->destinations.len;
	}
	return (uint32_t)((uintptr_t)*slot - 1);
}

static uint32_t add_source(struct builder *b, const char *name, uint32_t project)
{
	void **slot = strmap_put(&b->source_index, name);

	if (!*slot) {
		struct repository repository = split(b->list, name);

		*vec_push(&b->list->sources) = (struct work_source){
			.name = name,
			.repository = repository,
			.destination = WORK_NONE,
			.project = project,
			.host = number_host(b, repository.host),
		};
		*slot = (void *)(uintptr_t)b->list->sources.len;
	}
	return (uint32_t)((uintptr_t)*slot - 1);
}

static void add_image(struct builder *b, const struct declared_project *project, uint32_t index)
{
	const struct declared *declared = b->list->declared;
	const struct declared_image *image = &declared->images.items[index];
	const struct declared_registry *registries =
		declared->registries.items + project->first_registry;
	const struct declared_registry *source =
		&declared->registries.items[project->source_registry];
	const char *source_name;
	uint32_t source_index = WORK_NONE;

	if (image->malformed || !image->digest_count)
		return;
	source_name = repository_name(b, source, image);
	for (uint32_t i = 0; i < project->registry_count; i++) {
		const char *name;

		if (!declared_is_destination(declared, project, &registries[i]))
			continue;
		name = repository_name(b, &registries[i], image);
		if (name == source_name)
			continue;
		if (source_index == WORK_NONE)
			source_index = add_source(b, source_name, image->project);
		*vec_push(&b->list->claims) = (struct work_claim){
			.destination = add_destination(b, name),
			.image = index,
			.source = source_index,
		};
	}
}

static void collect(struct builder *b)
{
	const struct declared *declared = b->list->declared;

	for (size_t p = 0; p < declared->projects.len; p++) {
		const struct declared_project *project = &declared->projects.items[p];

		if (project->quarantined)
			continue;
		for (uint32_t i = 0; i < project->image_count; i++)
			add_image(b, project, project->first_image + i);
	}
}

static uint32_t root_of(struct builder *b, uint32_t image)
{
	while (b->parent[image] != image) {
		b->parent[image] = b->parent[b->parent[image]];
		image = b->parent[image];
	}
	return image;
}

static void join(struct builder *b, uint32_t a, uint32_t c)
{
	a = root_of(b, a);
	c = root_of(b, c);
	if (a < c)
		b->parent[c] = a;
	else
		b->parent[a] = c;
}

static void join_images(struct builder *b)
{
	struct worklist *list = b->list;
	size_t images = list->declared->images.len, n = list->destinations.len;
	CLEANUP(mem_freep) uint32_t *first = mem_new(n + 1, sizeof(*first));

	b->parent = mem_new(images + 1, sizeof(*b->parent));
	for (size_t i = 0; i < images; i++)
		b->parent[i] = (uint32_t)i;
	memset(first, 0xff, n * sizeof(*first));
	for (size_t i = 0; i < list->claims.len; i++) {
		const struct work_claim *claim = &list->claims.items[i];

		if (first[claim->destination] == WORK_NONE)
			first[claim->destination] = claim->image;
		join(b, first[claim->destination], claim->image);
	}
	for (size_t i = 0; i < list->claims.len; i++) {
		const struct work_claim *claim = &list->claims.items[i];
		const struct work_source *source = &list->sources.items[claim->source];
		uintptr_t feeder = index_get(&b->destination_index, source->name);

		if (feeder)
			join(b, first[feeder - 1], claim->image);
	}
}

/* Stable: fills `ret_order` with the indices 0..count-1 sorted by key[i] in [0, keys). */
static void order_by(const uint32_t *key, size_t count, size_t keys, uint32_t *ret_order)
{
	CLEANUP(mem_freep) uint32_t *next = mem_new(keys + 1, sizeof(*next));

	for (size_t i = 0; i < count; i++)
		next[key[i] + 1]++;
	for (size_t k = 0; k < keys; k++)
		next[k + 1] += next[k];
	for (size_t i = 0; i < count; i++)
		ret_order[next[key[i]]++] = (uint32_t)i;
}

/* The unit of each destination, numbered by first appearance. */
static size_t number_units(struct builder *b, uint32_t *ret_unit_of)
{
	struct worklist *list = b->list;
	size_t images = list->declared->images.len, units = 0;
	CLEANUP(mem_freep) uint32_t *unit = mem_new(images + 1, sizeof(*unit));

	memset(unit, 0xff, images * sizeof(*unit));
	for (size_t i = 0; i < list->claims.len; i++) {
		uint32_t root = root_of(b, list->claims.items[i].image);

		if (unit[root] == WORK_NONE)
			unit[root] = (uint32_t)units++;
		ret_unit_of[list->claims.items[i].destination] = unit[root];
	}
	return units;
}

static void sort_destinations(struct builder *b)
{
	struct worklist *list = b->list;
	size_t n = list->destinations.len, units;
	CLEANUP(mem_freep) uint32_t *unit_of = mem_new(n + 1, sizeof(*unit_of));
	CLEANUP(mem_freep) uint32_t *order = mem_new(n + 1, sizeof(*order));
	CLEANUP(mem_freep) uint32_t *new_index = mem_new(n + 1, sizeof(*new_index));
	CLEANUP(mem_freep)
	struct work_destination *old = mem_dup(list->destinations.items, n * sizeof(*old));

	units = number_units(b, unit_of);
	order_by(unit_of, n, units, order);
	for (size_t i = 0; i < units; i++)
		*vec_push(&list->units) = (struct work_unit){0};
	for (size_t i = 0; i < n; i++) {
		struct work_unit *unit = &list->units.items[unit_of[order[i]]];

		list->destinations.items[i] = old[order[i]];
		new_index[order[i]] = (uint32_t)i;
		if (!unit->destination_count++)
			unit->first_destination = (uint32_t)i;
	}
	for (size_t i = 0; i < list->claims.len; i++)
		list->claims.items[i].destination = new_index[list->claims.items[i].destination];
	for (size_t i = 0; i < list->sources.len; i++) {
		struct work_source *source = &list->sources.items[i];
		uintptr_t feeder = index_get(&b->destination_index, source->name);

		if (feeder)
			source->destination = new_index[feeder - 1];
	}
}

/* Groups the claims by destination and drops second ones of the same image. */
static void sort_claims(struct worklist *list)
{
	size_t n = list->claims.len, kept = 0;
	CLEANUP(mem_freep) uint32_t *key = mem_new(n + 1, sizeof(*key));
	CLEANUP(mem_freep) uint32_t *order = mem_new(n + 1, sizeof(*order));
	CLEANUP(mem_freep)
	struct work_claim *old = mem_dup(list->claims.items, n * sizeof(*old));

	for (size_t i = 0; i < n; i++)
		key[i] = old[i].destination;
	order_by(key, n, list->destinations.len, order);
	for (size_t i = 0; i < n; i++) {
		struct work_claim claim = old[order[i]];
		struct work_destination *destination = &list->destinations.items[claim.destination];

		/* Claims come image by image, so equal ones are neighbours. */
		if (destination->claim_count && list->claims.items[kept - 1].image == claim.image)
			continue;
		if (!destination->claim_count++)
			destination->first_claim = (uint32_t)kept;
		list->claims.items[kept++] = claim;
	}
	list->claims.len = kept;
}

/* What distinguishes one pair (tag NULL) or one edge from another. */
struct edge_key {
	const uint8_t *sha256; /* NULL: malformed, equal to nothing */
	const char *tag;
};

static int compare_edges(const void *left, const void *right)
{
	const struct edge_key *a = left, *b = right;
	int order = memcmp(a->sha256, b->sha256, DIGEST_SHA256_SIZE);

	if (order)
		return order;
	if (!a->tag || !b->tag)
		return (a->tag != NULL) - (b->tag != NULL);
	return strcmp(a->tag, b->tag);
}

static size_t count_distinct(struct edge_key *keys, size_t count)
{
	size_t distinct = count ? 1 : 0;

	if (count)
		qsort(keys, count, sizeof(*keys), compare_edges);
	for (size_t i = 1; i < count; i++)
		if (compare_edges(&keys[i - 1], &keys[i]) != 0)
			distinct++;
	return distinct;
}

static void count_destination(const struct worklist *list, struct work_destination *destination)
{
	const struct declared *declared = list->declared;
	VEC(struct edge_key) pairs = {0}, edges = {0};
	uint32_t malformed = 0;

	for (uint32_t c = 0; c < destination->claim_count; c++) {
		const struct declared_image *image =
			&declared->images
				 .items[list->claims.items[destination->first_claim + c].image];

		for (uint32_t d = 0; d < image->digest_count; d++) {
			const struct declared_digest *digest =
				&declared->digests.items[image->first_digest + d];

			if (digest->malformed) {
				malformed++;
				continue;
			}
			*vec_push(&pairs) = (struct edge_key){.sha256 = digest->sha256};
			if (!digest->tag_count)
				*vec_push(&edges) = (struct edge_key){.sha256 = digest->sha256};
			for (uint32_t t = 0; t < digest->tag_count; t++) {
				const struct declared_tag *tag =
					&declared->tags.items[digest->first_tag + t];

				if (!tag->malformed)
					*vec_push(&edges) =
						(struct edge_key){digest->sha256, tag->name};
			}
		}
	}
	destination->pairs = malformed + (uint32_t)count_distinct(pairs.items, pairs.len);
	destination->edges = (uint32_t)count_distinct(edges.items, edges.len);
	vec_release(&pairs);
	vec_release(&edges);
}

static void count_all(struct worklist *list)
{
	for (size_t i = 0; i < list->destinations.len; i++) {
		struct work_destination *destination = &list->destinations.items[i];
		const struct work_destination *before = destination - 1;

		/* The destinations of one image mostly follow each other: counted once. */
		if (i && destination->claim_count == 1 && before->claim_count == 1 &&
			list->claims.items[destination->first_claim].image ==
				list->claims.items[before->first_claim].image) {
			destination->pairs = before->pairs;
			destination->edges = before->edges;
		} else {
			count_destination(list, destination);
		}
	}
}

struct worklist *worklist_new(const struct declared *declared)
{
	struct worklist *list = mem_new(1, sizeof(*list));
	struct builder b = {.list = list, .name = STR_INIT(STR_TEXT_MAX)};

	list->declared = declared;
	list->strings = intern_new();
	collect(&b);
	join_images(&b);
	sort_destinations(&b);
	sort_claims(list);
	count_all(list);
	worklist_find_cycles(list);
	vec_shrink(&list->claims);
	vec_shrink(&list->destinations);
	strmap_release(&b.destination_index);
	strmap_release(&b.source_index);
	strmap_release(&b.host_index);
	str_release(&b.name);
	mem_free(b.parent);
	return list;
}

void worklist_free(struct worklist *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->findings.len; i++)
		mem_free(list->findings.items[i].message);
	vec_release(&list->findings);
	vec_release(&list->claims);
	vec_release(&list->destinations);
	vec_release(&list->sources);
	vec_release(&list->units);
	intern_free(list->strings);
	mem_free(list);
}

struct plan_totals worklist_totals(const struct worklist *list)
{
	struct plan_totals totals = {
		.repositories = list->destinations.len,
		.sources = list->sources.len,
	};

	for (size_t i = 0; i < list->destinations.len; i++) {
		totals.digests += list->destinations.items[i].pairs;
		totals.edges += list->destinations.items[i].edges;
	}
	return totals;
}
