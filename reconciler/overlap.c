/*
 * Overlaps without expanding edges. Tags of one image are compared once, whatever the number of
 * its destinations. Of repositories (and identities) only those with several claiming images need
 * more, and there only each distinct set of images is compared once: twenty mirrors of a shared
 * repository are one comparison. What the registries hold is not known here; who wins is the
 * plan's business.
 */
#include "reconciler/overlap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/digest.h"
#include "reconciler/claims.h"
#include "reconciler/declared_private.h"
#include "reconciler/tagset.h"

/* Tags looked at in shared repositories; the real trees need thousands. */
#define WORK_MAX ((uint64_t)64 * 1000 * 1000)
/* Overlaps that are named one by one; all are disputes. */
#define NAMED_MAX 1000

/* Images that share a repository or identity. Group 0 is unused. */
struct group {
	uint32_t first_member, member_count;
	uint32_t repositories, identities; /* how many slots of each kind they share */
	uint32_t image, registry;	   /* the first repository, or else identity, they share */
	enum claim_kind text_kind;
	uint32_t set; /* of disputes; 0: none */
};

struct overlap {
	struct declared *declared;
	struct claims claims;
	VEC(struct group) groups;
	VEC(uint32_t) members;
	struct intern *keys;
	struct strmap group_index; /* members as text -> group */
	struct strmap reported;	   /* "tag:tag" of findings made */
	struct tagset tags;
	uint32_t *image_sets; /* of disputes inside one image; 0: none */
	uint32_t sets;
	uint64_t work;
	uint32_t named;
};

/* One claim of a tag. */
struct claim {
	uint32_t image, digest, tag;
};

static void overlap_release(struct overlap *o)
{
	claims_release(&o->claims);
	vec_release(&o->groups);
	vec_release(&o->members);
	strmap_release(&o->group_index);
	strmap_release(&o->reported);
	tagset_release(&o->tags);
	mem_free(o->image_sets);
	intern_free(o->keys);
}

/* ---- Claims ---- */

static void put_claims(struct overlap *o, uint32_t index)
{
	const struct declared_image *image = &o->declared->images.items[index];
	const struct declared_project *project = &o->declared->projects.items[image->project];
	for (uint32_t i = 0; i < project->registry_count && !image->malformed; i++) {
		uint32_t at = project->first_registry + i;
		const struct declared_registry *registry = &o->declared->registries.items[at];
		if (registry->is_source || registry->skipped)
			continue;
		claims_put(&o->claims, index, at, CLAIM_REPOSITORY);
		claims_put(&o->claims, index, at, CLAIM_IDENTITY);
	}
}

static void count_sources(struct declared *declared)
{
	CLEANUP(claims_release) struct claims sources;
	struct declared_counts counts = {0};
	claims_init(&sources, declared);
	for (uint32_t i = 0; i < declared->images.len; i++) {
		const struct declared_image *image = &declared->images.items[i];
		const struct declared_project *project = &declared->projects.items[image->project];
		if (!image->malformed && !project->quarantined)
			claims_put(&sources, i, project->source_registry, CLAIM_REPOSITORY);
	}
	for (size_t i = 0, group = 0; i < sources.capacity; i++)
		if (sources.slots[i].claimants)
			sources.slots[i].group = (uint32_t)group++;
	claims_count(&sources, &counts);
	declared->counts.source_repositories = counts.repositories;
}

/* ---- Groups ---- */

static int compare_numbers(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return a < b ? -1 : a > b;
}

/* The group of exactly the images that claim this slot. */
static uint32_t group_of(struct overlap *o, const struct claim_slot *slot)
{
	struct group group = {.first_member = (uint32_t)o->members.len};
	CLEANUP(str_release) struct str key = STR_INIT(STR_TEXT_MAX);
	for (uint32_t at = slot->claimants; at; at = o->claims.list.items[at - 1].next) {
		*vec_push(&o->members) = o->claims.list.items[at - 1].image;
		group.member_count++;
	}
	uint32_t *members = o->members.items + group.first_member;
	qsort(members, group.member_count, sizeof(*members), compare_numbers);
	for (uint32_t i = 0; i < group.member_count; i++)
		str_addf(&key, "%x,", members[i]);

	uint32_t known = (uint32_t)(uintptr_t)strmap_get(&o->group_index, str_text(&key));
	if (known) {
		o->members.len = group.first_member;
		return known;
	}
	*vec_push(&o->groups) = group;
	known = (uint32_t)o->groups.len - 1;
	*strmap_put(&o->group_index, intern_text(o->keys, str_text(&key))) =
		(void *)(uintptr_t)known;
	return known;
}

/* True if the slot is a better example of what the group shares: repositories, then first come. */
static bool is_better(const struct group *group, const struct claim_slot *slot)
{
	if (!group->text_kind || group->text_kind != slot->text_kind)
		return !group->text_kind || slot->text_kind == CLAIM_REPOSITORY;
	return slot->registry != group->registry ? slot->registry < group->registry
						 : slot->image < group->image;
}

static void make_groups(struct overlap *o)
{
	*vec_push(&o->groups) = (struct group){0};
	for (size_t i = 0; i < o->claims.capacity; i++) {
		struct claim_slot *slot = &o->claims.slots[i];
		if (!slot->claimants || !o->claims.list.items[slot->claimants - 1].next)
			continue;
		slot->group = group_of(o, slot);
		struct group *group = &o->groups.items[slot->group];
		group->repositories += (slot->kinds & CLAIM_REPOSITORY) != 0;
		group->identities += (slot->kinds & CLAIM_REPOSITORY) == 0;
		if (!is_better(group, slot))
			continue;
		group->image = slot->image;
		group->registry = slot->registry;
		group->text_kind = (enum claim_kind)slot->text_kind;
	}
}

/* ---- Conflicts ---- */

static bool same_digest(const struct declared *declared, uint32_t left, uint32_t right)
{
	const struct declared_digest *a = &declared->digests.items[left];
	const struct declared_digest *b = &declared->digests.items[right];
	return left == right ||
		(!a->malformed && !b->malformed &&
			memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0);
}

static void add_digest(const struct overlap *o, const struct claim *claim, struct str *out)
{
	char text[DIGEST_TEXT_SIZE];
	const struct declared_digest *of = &o->declared->digests.items[claim->digest];
	struct digest digest = digest_from_sha256(of->sha256);
	str_add_text(out, of->malformed ? "a malformed digest" : digest_format(&digest, text));
}

static void add_place(const struct overlap *o, const struct claim *claim, struct str *out)
{
	const struct declared_tag *tag = &o->declared->tags.items[claim->tag];
	uint32_t project = o->declared->images.items[claim->image].project;
	str_addf(out, "%s:%u:%u", o->declared->projects.items[project].images_file, tag->line,
		tag->column);
}

static void add_reason(const struct overlap *o, const struct claim *first,
	const struct claim *second, struct str *out)
{
	if (o->named > NAMED_MAX) {
		str_add_text(
			out, "several digests claim this tag (too many overlaps to name each)");
		return;
	}
	add_digest(o, first, out);
	str_add_text(out, " (");
	add_place(o, first, out);
	str_add_text(out, ") and ");
	add_digest(o, second, out);
	str_add_text(out, " (");
	add_place(o, second, out);
	str_add_text(out, ") both claim this tag");
}

static void add_dispute(
	struct overlap *o, uint32_t *set, const struct claim *first, const struct claim *second)
{
	struct declared *declared = o->declared;
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	const char *tag = declared->tags.items[second->tag].name;
	if (!*set)
		*set = ++o->sets;
	str_addf(&text, "%u:%s", *set, tag);
	void **index = strmap_put(
		&declared->disputed_tags, intern_text(declared->strings, str_text(&text)));
	if (*index)
		return;

	str_clear(&text);
	add_reason(o, first, second, &text);
	*vec_push(&declared->disputes) = (struct declared_dispute){
		.tag = tag, .reason = intern_text(declared->strings, str_text(&text))};
	*index = (void *)(uintptr_t)declared->disputes.len;
}

/* Where the two claims meet, for people: "us.gcr.io/prod/foo and 19 other destinations". */
static void add_finding(
	struct overlap *o, const char *where, const struct claim *first, const struct claim *second)
{
	struct declared *declared = o->declared;
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	if (o->named > NAMED_MAX)
		return;
	str_addf(&text, "%u:%u", first->tag, second->tag);
	void **reported = strmap_put(&o->reported, intern_text(o->keys, str_text(&text)));
	if (*reported)
		return;
	*reported = o;

	const struct declared_image *image = &declared->images.items[second->image];
	const struct declared_project *project = &declared->projects.items[image->project];
	const struct declared_tag *tag = &declared->tags.items[second->tag];
	struct place place = {
		.file = project->images_file, .line = tag->line, .column = tag->column};
	if (++o->named > NAMED_MAX) {
		declared_find(declared, FINDING_OVERLAP, place, project->name,
			"more than %d overlaps: this one and the rest are not named", NAMED_MAX);
		return;
	}
	str_clear(&text);
	add_digest(o, second, &text);
	str_add_text(&text, " here, ");
	add_digest(o, first, &text);
	str_add_text(&text, " at ");
	add_place(o, first, &text);
	declared_find(declared, FINDING_OVERLAP, place, project->name,
		"tag \"%s\" of %s is claimed for two digests: %s", tag->name, where,
		str_text(&text));
}

/* Compares the tags of an image with those in o->tags; `inside`: also with its own. */
static bool compare_image(struct overlap *o, uint32_t index, bool inside, const char *where,
	uint32_t *set, struct err **err)
{
	const struct declared *declared = o->declared;
	const struct declared_image *image = &declared->images.items[index];
	for (uint32_t i = 0; i < image->digest_count; i++) {
		struct claim claim = {.image = index, .digest = image->first_digest + i};
		const struct declared_digest *digest = &declared->digests.items[claim.digest];
		o->work += digest->tag_count;
		for (uint32_t j = 0; j < digest->tag_count; j++) {
			bool is_new = false;
			claim.tag = digest->first_tag + j;
			if (declared->tags.items[claim.tag].malformed)
				continue;
			struct tagset_slot *slot =
				tagset_put(&o->tags, declared->tags.items[claim.tag].name, &is_new);
			struct claim first = {slot->image, slot->digest, slot->tag};
			if (is_new) {
				slot->image = claim.image;
				slot->digest = claim.digest;
				slot->tag = claim.tag;
			} else if ((first.image == index) == inside &&
				!same_digest(declared, first.digest, claim.digest)) {
				add_finding(o, where, &first, &claim);
				add_dispute(o, set, &first, &claim);
			}
		}
	}
	return o->work <= WORK_MAX ||
		err_set(err, ERR_TOO_LARGE,
			"the images share so many repositories that overlaps cannot be checked");
}

static void add_others(struct str *out, uint32_t others)
{
	if (others > 0)
		str_addf(out, " and %u other destination%s", others, others == 1 ? "" : "s");
}

/* Disputes inside one image. */
static bool check_image(struct overlap *o, uint32_t index, struct err **err)
{
	const struct declared_image *image = &o->declared->images.items[index];
	const struct declared_project *project = &o->declared->projects.items[image->project];
	CLEANUP(str_release) struct str where = STR_INIT(STR_TEXT_MAX);
	uint32_t destinations = 0;
	for (uint32_t i = 0; i < project->registry_count && !image->malformed; i++) {
		const struct declared_registry *registry =
			&o->declared->registries.items[project->first_registry + i];
		if (!registry->is_source && !registry->skipped && destinations++ == 0)
			declared_repository(registry, image, &where);
	}
	if (destinations == 0)
		return true;
	add_others(&where, destinations - 1);
	tagset_clear(&o->tags);
	return compare_image(o, index, true, str_text(&where), &o->image_sets[index], err);
}

/* Disputes between the images of a group. */
static bool check_group(struct overlap *o, struct group *group, struct err **err)
{
	CLEANUP(str_release) struct str where = STR_INIT(STR_TEXT_MAX);
	struct claim_slot example = {.image = group->image,
		.registry = group->registry,
		.text_kind = (uint8_t)group->text_kind};
	if (group->text_kind == CLAIM_IDENTITY)
		str_add_text(&where, "the public name ");
	claims_text(&o->claims, &example, &where);
	if (group->repositories > 0)
		add_others(&where, group->repositories - 1);

	tagset_clear(&o->tags);
	for (uint32_t i = 0; i < group->member_count; i++)
		if (!compare_image(o, o->members.items[group->first_member + i], false,
			    str_text(&where), &group->set, err))
			return false;
	return true;
}

/* ---- What declared_dispute answers from ---- */

static void link_set(struct declared *declared, const char *place, uint32_t set)
{
	void **first = strmap_put(&declared->disputed_repositories, place);
	*vec_push(&declared->dispute_links) =
		(struct declared_dispute_link){.set = set, .next = (uint32_t)(uintptr_t)*first};
	*first = (void *)(uintptr_t)declared->dispute_links.len;
}

/* *place is the slot's text once it has been needed. */
static void link_slot_set(
	struct overlap *o, const struct claim_slot *slot, uint32_t set, const char **place)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	if (!set)
		return;
	if (!*place) {
		claims_text(&o->claims, slot, &text);
		*place = intern_text(o->declared->strings, str_text(&text));
	}
	link_set(o->declared, *place, set);
}

static void link_slot(struct overlap *o, const struct claim_slot *slot)
{
	const char *place = NULL;
	link_slot_set(o, slot, o->groups.items[slot->group].set, &place);
	for (uint32_t at = slot->claimants; at; at = o->claims.list.items[at - 1].next)
		link_slot_set(o, slot, o->image_sets[o->claims.list.items[at - 1].image], &place);
}

/* Repositories before identities, then in the order of the manifests. */
static int compare_groups(const void *left, const void *right, void *ctx)
{
	const struct overlap *o = ctx;
	const struct group *a = &o->groups.items[*(const uint32_t *)left];
	const struct group *b = &o->groups.items[*(const uint32_t *)right];
	if (a->text_kind != b->text_kind)
		return a->text_kind == CLAIM_REPOSITORY ? -1 : 1;
	int order = compare_numbers(&a->registry, &b->registry);
	return order ? order : compare_numbers(&a->image, &b->image);
}

static bool check_groups(struct overlap *o, struct err **err)
{
	CLEANUP(mem_freep) uint32_t *order = mem_new(o->groups.len, sizeof(*order));
	for (uint32_t i = 1; i < o->groups.len; i++)
		order[i - 1] = i;
	qsort_r(order, o->groups.len - 1, sizeof(*order), compare_groups, o);
	for (uint32_t i = 0; i + 1 < o->groups.len; i++)
		if (!check_group(o, &o->groups.items[order[i]], err))
			return false;
	return true;
}

static bool check_all(struct overlap *o, struct err **err)
{
	for (uint32_t i = 0; i < o->declared->images.len; i++)
		if (!check_image(o, i, err))
			return false;
	if (!check_groups(o, err))
		return false;
	for (size_t i = 0; o->sets > 0 && i < o->claims.capacity; i++)
		if (o->claims.slots[i].claimants)
			link_slot(o, &o->claims.slots[i]);
	return true;
}

bool overlap_check(struct declared *declared, struct err **err)
{
	CLEANUP(overlap_release) struct overlap o = {.declared = declared};
	o.keys = intern_new();
	o.image_sets = mem_new(declared->images.len + 1, sizeof(*o.image_sets));
	claims_init(&o.claims, declared);
	for (uint32_t i = 0; i < declared->images.len; i++)
		put_claims(&o, i);
	make_groups(&o);

	declared->counts = (struct declared_counts){.projects = declared->projects.len,
		.images = declared->images.len,
		.digests = declared->digests.len,
		.tags = declared->tags.len};
	claims_count(&o.claims, &declared->counts);
	count_sources(declared);
	return check_all(&o, err);
}
