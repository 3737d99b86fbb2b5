/*
 * How much there is to do, without visiting a million edges: what an image declares is counted
 * once and multiplied by its repositories. Only where several images share a repository are
 * their digests and tags brought together, once for each distinct set of images.
 */
#include <stdlib.h>
#include <string.h>

#include "reconciler/claims.h"

struct amount {
	uint64_t digests, edges;
	bool known;
};

/* A digest by itself, or with one of its tags. */
struct pair {
	const uint8_t *sha256;
	const char *tag; /* NULL: the digest itself; "": the edge of a digest without tags */
};

struct pairs {
	VEC(struct pair) list;
};

static bool is_usable(const struct declared *declared, const struct declared_image *image)
{
	return !image->malformed && !declared->projects.items[image->project].quarantined;
}

static struct amount count_image(const struct declared *declared, uint32_t index)
{
	struct amount amount = {.known = true};
	const struct declared_image *image = &declared->images.items[index];
	if (!is_usable(declared, image))
		return amount;
	for (uint32_t i = 0; i < image->digest_count; i++) {
		const struct declared_digest *digest =
			&declared->digests.items[image->first_digest + i];
		if (digest->malformed)
			continue;
		amount.digests++;
		amount.edges += digest->tag_count == 0;
		for (uint32_t j = 0; j < digest->tag_count; j++)
			amount.edges += !declared->tags.items[digest->first_tag + j].malformed;
	}
	return amount;
}

static void add_pairs(const struct declared *declared, uint32_t index, struct pairs *pairs)
{
	const struct declared_image *image = &declared->images.items[index];
	if (!is_usable(declared, image))
		return;
	for (uint32_t i = 0; i < image->digest_count; i++) {
		const struct declared_digest *digest =
			&declared->digests.items[image->first_digest + i];
		if (digest->malformed)
			continue;
		*vec_push(&pairs->list) = (struct pair){.sha256 = digest->sha256};
		if (digest->tag_count == 0)
			*vec_push(&pairs->list) =
				(struct pair){.sha256 = digest->sha256, .tag = ""};
		for (uint32_t j = 0; j < digest->tag_count; j++) {
			const struct declared_tag *tag =
				&declared->tags.items[digest->first_tag + j];
			if (!tag->malformed)
				*vec_push(&pairs->list) =
					(struct pair){.sha256 = digest->sha256, .tag = tag->name};
		}
	}
}

static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;
	int order = memcmp(a->sha256, b->sha256, DIGEST_SHA256_SIZE);
	if (order || a->tag == b->tag)
		return order;
	if (!a->tag || !b->tag)
		return a->tag ? 1 : -1;
	return strcmp(a->tag, b->tag);
}

static struct amount count_shared(const struct claims *claims, const struct claim_slot *slot)
{
	struct amount amount = {.known = true};
	struct pairs pairs = {0};
	for (uint32_t at = slot->claimants; at; at = claims->list.items[at - 1].next)
		add_pairs(claims->declared, claims->list.items[at - 1].image, &pairs);
	if (pairs.list.len)
		qsort(pairs.list.items, pairs.list.len, sizeof(*pairs.list.items), compare_pairs);
	for (size_t i = 0; i < pairs.list.len; i++) {
		const struct pair *pair = &pairs.list.items[i];
		if (i > 0 && compare_pairs(pair - 1, pair) == 0)
			continue;
		amount.digests += !pair->tag;
		amount.edges += pair->tag != NULL;
	}
	vec_release(&pairs.list);
	return amount;
}

void claims_count(const struct claims *claims, struct declared_counts *ret_counts)
{
	const struct declared *declared = claims->declared;
	CLEANUP(mem_freep)
	struct amount *images = mem_new(declared->images.len + 1, sizeof(*images));
	CLEANUP(mem_freep) struct amount *groups = mem_new(claims->len + 1, sizeof(*groups));
	for (size_t i = 0; i < claims->capacity; i++) {
		const struct claim_slot *slot = &claims->slots[i];
		if (!slot->claimants || !(slot->kinds & CLAIM_REPOSITORY))
			continue;
		const struct claimant *first = &claims->list.items[slot->claimants - 1];
		struct amount *amount = first->next ? &groups[slot->group] : &images[first->image];
		if (!amount->known)
			*amount = first->next ? count_shared(claims, slot)
					      : count_image(declared, first->image);
		ret_counts->repositories += amount->digests > 0;
		ret_counts->destinations += amount->digests;
		ret_counts->edges += amount->edges;
	}
}
