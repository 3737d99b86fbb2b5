/*
 * Merges the claims on one destination repository: the same digest from two images is one entry
 * with both their tags and both their sources, in the order of the manifests. It decides nothing:
 * what may be written is the plan's business.
 */
#include "reconciler/wanted.h"

#include <stdlib.h>
#include <string.h>

/* One declared digest of one claim. */
struct member {
	const struct work_claim *claim;
	const struct declared_digest *digest;
};

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	int order;

	if (a->digest->malformed != b->digest->malformed)
		return a->digest->malformed ? 1 : -1;
	order = a->digest->malformed
		? 0
		: memcmp(a->digest->sha256, b->digest->sha256, DIGEST_SHA256_SIZE);
	if (order)
		return order;
	/* Both point into arrays in the order of the manifests. */
	if (a->claim != b->claim)
		return a->claim < b->claim ? -1 : 1;
	return (a->digest > b->digest) - (a->digest < b->digest);
}

static bool same_digest(const struct member *a, const struct member *b)
{
	return !a->digest->malformed && !b->digest->malformed &&
		memcmp(a->digest->sha256, b->digest->sha256, DIGEST_SHA256_SIZE) == 0;
}

static const struct declared_project *project_of(
	const struct declared *declared, const struct work_claim *claim)
{
	return &declared->projects.items[declared->images.items[claim->image].project];
}

static uint32_t add_slot(struct wanted *wanted, const char *name)
{
	void **slot = strmap_put(&wanted->slots, name);

	if (!*slot) {
		*vec_push(&wanted->names) =
			(struct wanted_name){.name = name, .last_tag = WORK_NONE};
		*slot = (void *)(uintptr_t)wanted->names.len;
	}
	return (uint32_t)((uintptr_t)*slot - 1);
}

/* The claim of this digest on a name, if there is one: tags of one digest are neighbours. */
static struct wanted_tag *same_claim(
	struct wanted *wanted, const struct wanted_digest *digest, uint32_t slot)
{
	uint32_t last = wanted->names.items[slot].last_tag;

	return last != WORK_NONE && last >= digest->first_tag ? &wanted->tags.items[last] : NULL;
}

static void add_tag(struct wanted *wanted, struct wanted_digest *digest,
	const struct declared *declared, const struct work_claim *claim,
	const struct declared_tag *tag)
{
	const struct declared_image *image = &declared->images.items[claim->image];
	/* What can never be written is not worth looking at. */
	bool readable = !tag->malformed && digest->sha256;
	bool is_mutable = readable && declared_is_mutable(declared, image, tag->name);
	uint32_t slot = readable ? add_slot(wanted, tag->name) : WORK_NONE;
	struct wanted_tag *same = readable ? same_claim(wanted, digest, slot) : NULL;

	if (same) {
		same->in_cycle &= claim->in_cycle;
		same->is_mutable &= is_mutable;
		return;
	}
	if (readable)
		wanted->names.items[slot].last_tag = (uint32_t)wanted->tags.len;
	digest->tag_count++;
	*vec_push(&wanted->tags) = (struct wanted_tag){
		.name = tag->name,
		.place = {project_of(declared, claim)->images_file, tag->line, tag->column},
		.slot = slot,
		.project = image->project,
		.in_cycle = claim->in_cycle,
		.is_mutable = is_mutable,
	};
}

static void add_source(struct wanted *wanted, struct wanted_digest *digest, uint32_t source)
{
	for (uint32_t i = 0; i < digest->source_count; i++)
		if (wanted->sources.items[digest->first_source + i] == source)
			return;
	*vec_push(&wanted->sources) = source;
	digest->source_count++;
}

/* One entry from all members with its digest. */
static void add_digest(struct wanted *wanted, const struct declared *declared,
	const struct member *members, size_t count)
{
	const struct declared_digest *first = members[0].digest;
	struct wanted_digest digest = {
		.sha256 = first->malformed ? NULL : first->sha256,
		.place = {project_of(declared, members[0].claim)->images_file, first->line,
			first->column},
		.first_tag = (uint32_t)wanted->tags.len,
		.first_source = (uint32_t)wanted->sources.len,
		.project = declared->images.items[members[0].claim->image].project,
	};

	for (size_t m = 0; m < count; m++) {
		const struct declared_digest *member = members[m].digest;

		digest.by_digest |= !member->tag_count;
		for (uint32_t t = 0; t < member->tag_count; t++)
			add_tag(wanted, &digest, declared, members[m].claim,
				&declared->tags.items[member->first_tag + t]);
		if (!members[m].claim->in_cycle)
			add_source(wanted, &digest, members[m].claim->source);
	}
	*vec_push(&wanted->digests) = digest;
	if (digest.sha256)
		wanted->well_formed++;
}

void wanted_init(struct wanted *wanted, const struct worklist *list, uint32_t destination)
{
	const struct work_destination *work = &list->destinations.items[destination];
	const struct declared *declared = list->declared;
	VEC(struct member) members = {0};

	*wanted = (struct wanted){0};
	for (uint32_t c = 0; c < work->claim_count; c++) {
		const struct work_claim *claim = &list->claims.items[work->first_claim + c];
		const struct declared_image *image = &declared->images.items[claim->image];

		for (uint32_t d = 0; d < image->digest_count; d++)
			*vec_push(&members) = (struct member){
				claim, &declared->digests.items[image->first_digest + d]};
	}
	if (members.len)
		qsort(members.items, members.len, sizeof(*members.items), compare_members);
	for (size_t first = 0, end; first < members.len; first = end) {
		for (end = first + 1; end < members.len; end++)
			if (!same_digest(&members.items[first], &members.items[end]))
				break;
		add_digest(wanted, declared, &members.items[first], end - first);
	}
	vec_release(&members);
}

void wanted_release(struct wanted *wanted)
{
	vec_release(&wanted->digests);
	vec_release(&wanted->tags);
	vec_release(&wanted->sources);
	vec_release(&wanted->names);
	strmap_release(&wanted->slots);
}

bool wanted_is_shared(const struct worklist *list, uint32_t a, uint32_t b)
{
	const struct work_destination *left = &list->destinations.items[a];
	const struct work_destination *right = &list->destinations.items[b];

	if (left->claim_count != right->claim_count)
		return false;
	for (uint32_t c = 0; c < left->claim_count; c++) {
		const struct work_claim *x = &list->claims.items[left->first_claim + c];
		const struct work_claim *y = &list->claims.items[right->first_claim + c];

		if (x->image != y->image || x->in_cycle != y->in_cycle)
			return false;
	}
	return true;
}

uint32_t wanted_find(const struct wanted *wanted, const uint8_t sha256[DIGEST_SHA256_SIZE])
{
	uint32_t low = 0, high = wanted->well_formed;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order =
			memcmp(wanted->digests.items[middle].sha256, sha256, DIGEST_SHA256_SIZE);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return WORK_NONE;
}

uint32_t wanted_slot(const struct wanted *wanted, const char *tag)
{
	uintptr_t slot = (uintptr_t)strmap_get(&wanted->slots, tag);

	return slot ? (uint32_t)(slot - 1) : WORK_NONE;
}
