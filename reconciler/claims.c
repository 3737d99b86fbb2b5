/*
 * A table keyed by text that is put together again from (registry, image) whenever it has to be
 * compared: 16,000 repositories of 70 bytes would cost more than the whole declared state. Does
 * not know tags or digests.
 */
#include "reconciler/claims.h"

#include <string.h>

#include "base/strmap.h"
#include "reconciler/identity.h"

enum { FIRST_CAPACITY = 256 };

void claims_init(struct claims *claims, const struct declared *declared)
{
	*claims = (struct claims){.declared = declared};
	str_init(&claims->text, STR_TEXT_MAX);
	str_init(&claims->other, STR_TEXT_MAX);
}

void claims_release(struct claims *claims)
{
	mem_free(claims->slots);
	vec_release(&claims->list);
	str_release(&claims->text);
	str_release(&claims->other);
}

/* False if the pair has no text of this kind: no rule maps its repository. */
static bool add_text(const struct claims *claims, uint32_t image, uint32_t registry,
	enum claim_kind kind, struct str *out)
{
	const struct declared_registry *in = &claims->declared->registries.items[registry];
	const struct declared_image *of = &claims->declared->images.items[image];
	if (kind == CLAIM_REPOSITORY) {
		declared_repository(in, of, out);
		return true;
	}
	CLEANUP(str_release) struct str repository = STR_INIT(STR_TEXT_MAX);
	declared_repository(in, of, &repository);
	return identity_map(claims->declared->identities, str_text(&repository), out);
}

void claims_text(const struct claims *claims, const struct claim_slot *slot, struct str *out)
{
	add_text(claims, slot->image, slot->registry, (enum claim_kind)slot->text_kind, out);
}

static void grow(struct claims *claims)
{
	size_t capacity = claims->capacity ? 2 * claims->capacity : FIRST_CAPACITY;
	struct claim_slot *slots = mem_new(capacity, sizeof(*slots));
	for (size_t i = 0; i < claims->capacity; i++) {
		size_t to = claims->slots[i].hash & (capacity - 1);
		if (!claims->slots[i].claimants)
			continue;
		while (slots[to].claimants)
			to = (to + 1) & (capacity - 1);
		slots[to] = claims->slots[i];
	}
	mem_free(claims->slots);
	claims->slots = slots;
	claims->capacity = capacity;
}

static bool is_text_of(struct claims *claims, const struct claim_slot *slot)
{
	str_clear(&claims->other);
	claims_text(claims, slot, &claims->other);
	return claims->other.len == claims->text.len &&
		memcmp(claims->other.bytes, claims->text.bytes, claims->text.len) == 0;
}

/* The slot of claims->text, or the empty one where it would go. */
static struct claim_slot *find(struct claims *claims, uint32_t hash)
{
	size_t mask = claims->capacity - 1;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct claim_slot *slot = &claims->slots[i];
		if (!slot->claimants || (slot->hash == hash && is_text_of(claims, slot)))
			return slot;
	}
}

void claims_put(struct claims *claims, uint32_t image, uint32_t registry, enum claim_kind kind)
{
	str_clear(&claims->text);
	if (!add_text(claims, image, registry, kind, &claims->text))
		return;
	if (claims->len >= claims->capacity / 4 * 3)
		grow(claims);

	uint32_t hash = strmap_hash(claims->text.bytes, claims->text.len);
	struct claim_slot *slot = find(claims, hash);
	if (!slot->claimants) {
		*slot = (struct claim_slot){.hash = hash,
			.image = image,
			.registry = registry,
			.text_kind = (uint8_t)kind};
		claims->len++;
	}
	slot->kinds |= (uint8_t)kind;
	/* Images come one after the other, so one that is in the list already is its head. */
	if (slot->claimants && claims->list.items[slot->claimants - 1].image == image)
		return;
	*vec_push(&claims->list) = (struct claimant){.image = image, .next = slot->claimants};
	slot->claimants = (uint32_t)claims->list.len;
}
