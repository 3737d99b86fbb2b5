/*
 * A bundle that does not say its type may be any, so where there is one nothing is known to be absent.
 */
#include "reconciler/observed_bundles.h"

#include <string.h>

#include "registry/referrers.h"
#include "signer/attached.h"
#include "signer/bundle_manifest.h"

enum {
	BUNDLES_WANTED = 1 << 0,
	BUNDLES_KNOWN = 1 << 1,
	BUNDLES_UNSAID = 1 << 2, /* one that does not say what it is */
	BUNDLES_SIGNATURE = 1 << 3,
	BUNDLES_STATEMENT = 1 << 4, /* and as many bits more as there are statements */
};

void observed_want_bundles(struct observed *observed, uint32_t digest)
{
	if (!observed->bundles)
		observed->bundles =
			mem_new(observed->wanted->digests.len, sizeof(*observed->bundles));
	observed->bundles[digest] = BUNDLES_WANTED;
}

/* As far as the list says: a tag that shall be at it is there, or it may be there without one. */
static bool may_be_there(const struct observed *observed, uint32_t index)
{
	const struct wanted_digest *digest = &observed->wanted->digests.items[index];

	if (observed->digests[index] != KNOWN_NOTHING)
		return observed->digests[index] == KNOWN_PRESENT;
	if (digest->by_digest)
		return true;
	for (uint32_t t = 0; t < digest->tag_count; t++) {
		uint32_t slot = observed->wanted->tags.items[digest->first_tag + t].slot;

		if (slot != WORK_NONE && observed->tags[slot].found != TAG_ABSENT &&
			observed->tags[slot].found != TAG_ELSEWHERE)
			return true;
	}
	return false;
}

void observed_bundles_conclude(
	struct observed *observed, struct registry *registry, const struct repository *repository)
{
	if (!observed->bundles)
		return;
	for (uint32_t i = 0; i < observed->wanted->well_formed; i++) {
		if (!(observed->bundles[i] & BUNDLES_WANTED) || !may_be_there(observed, i))
			continue;
		if (observed_beside(observed, i, BESIDE_INDEX) == KNOWN_ABSENT &&
			referrers_are_by_tag(registry, repository))
			observed->bundles[i] |= BUNDLES_KNOWN;
		else
			*vec_push(&observed->questions) =
				(struct observed_question){.is_bundles = true, .index = i};
	}
}

static uint8_t bits_of(const struct referrer *referrer)
{
	CLEANUP(bundle_labels_release) struct bundle_labels labels = {0};
	const char *type = referrer->artifact_type;

	if (*type && strncmp(type, BUNDLE_MEDIA_TYPE, strlen(BUNDLE_MEDIA_TYPE)) != 0)
		return 0;
	bundle_labels_read(referrer->json, strlen(referrer->json), &labels);
	if (labels.is_message)
		return BUNDLES_SIGNATURE;
	if (!labels.predicate_type)
		return BUNDLES_UNSAID;
	if (strcmp(labels.predicate_type, ATTACHED_SIGNATURE_PREDICATE) == 0)
		return BUNDLES_SIGNATURE;
	for (int i = 0; i < PROMOTION_STATEMENTS; i++)
		if (strcmp(labels.predicate_type, promotion_type(i)) == 0)
			return (uint8_t)(BUNDLES_STATEMENT << i);
	return 0;
}

bool observed_bundles_ask(struct observed *observed, struct registry *registry,
	const struct repository *repository, uint32_t digest, struct err **err)
{
	struct digest subject = digest_from_sha256(observed->wanted->digests.items[digest].sha256);
	CLEANUP(referrers_release) struct referrers list = {0};

	if (!referrers_list(registry, repository, &subject, NULL, &observed->tally, &list, err))
		return false;
	observed->bundles[digest] |= BUNDLES_KNOWN;
	for (size_t i = 0; i < list.items.len; i++)
		observed->bundles[digest] |= bits_of(&list.items.items[i]);
	return true;
}

static enum known known_of(const struct observed *observed, uint32_t digest, unsigned bit)
{
	uint8_t bits = observed->bundles ? observed->bundles[digest] : 0;

	if (bits & bit)
		return KNOWN_PRESENT;
	return bits & BUNDLES_KNOWN && !(bits & BUNDLES_UNSAID) ? KNOWN_ABSENT : KNOWN_NOTHING;
}

enum known observed_bundle_signature(const struct observed *observed, uint32_t digest)
{
	return known_of(observed, digest, BUNDLES_SIGNATURE);
}

enum known observed_bundle_statement(
	const struct observed *observed, uint32_t digest, enum promotion_statement statement)
{
	return known_of(observed, digest, BUNDLES_STATEMENT << statement);
}
