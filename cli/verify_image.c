/* The places where signatures of an image can be, one after the other. */
#include "cli/verify_image.h"

#include <string.h>

#include "base/alloc.h"
#include "reconciler/identity.h"
#include "registry/referrers.h"

void verify_seen_init(struct verify_seen *seen)
{
	*seen = (struct verify_seen){.forms = payload_forms_new()};
}

void verify_seen_release(struct verify_seen *seen)
{
	strmap_release(&seen->legacy_hosts);
	payload_forms_free(seen->forms);
}

void verified_image_release(struct verified_image *image)
{
	image_argument_release(&image->argument);
	mem_free(image->docker_reference);
	for (size_t i = 0; i < VERIFY_LOOKS; i++) {
		image_verdicts_release(&image->looks[i].verdicts);
		attached_release(&image->looks[i].attached);
	}
	err_free(image->err);
}

/* The tag, if that is what was given. */
static bool find_digest(
	const struct verify_wanted *wanted, struct image_argument *argument, struct err **err)
{
	if (argument->has_digest)
		return true;
	argument->has_digest = registry_manifest_head(wanted->registry, &argument->repository,
		argument->tag, NULL, &argument->digest, err);
	return argument->has_digest;
}

static char *reference_of(const struct verify_wanted *wanted, const struct image_argument *argument)
{
	CLEANUP(str_release) struct str identity = STR_INIT(STR_TEXT_MAX);

	if (wanted->any_reference)
		return NULL;
	if (wanted->policy.docker_reference)
		return mem_strdup(wanted->policy.docker_reference);
	if (identity_map(wanted->identities, argument->name, &identity))
		return str_steal(&identity, NULL);
	return mem_strdup(argument->name);
}

/* For the next image: whatever this place had, its payloads will look like these. */
static void remember(const struct verify_wanted *wanted, const struct verified_image *image,
	unsigned kinds, const struct image_verdicts *verdicts)
{
	struct strmap *hosts = &wanted->seen->legacy_hosts;
	const char *host = image->argument.repository.host;

	for (size_t i = 0; i < verdicts->items.len; i++) {
		const struct image_verdict *verdict = &verdicts->items.items[i];
		if (verdict->docker_reference)
			payload_forms_learn(wanted->seen->forms, verdict->docker_reference,
				&image->argument.digest, verdict->item->payload.data,
				verdict->item->payload.len);
	}
	if (verdicts->counting == 0)
		return;
	if (kinds & (ATTACHED_SIG | ATTACHED_ATT))
		*strmap_put(hosts, host) = wanted->seen;
	else
		strmap_remove(hosts, host);
}

/*
 * True if that was enough. A place that cannot be read is no reason not to look at the others, but one
 * not to say "none".
 */
static bool look(const struct verify_wanted *wanted, unsigned kinds, struct verified_image *image)
{
	struct verify_look *at = &image->looks[image->look_count++];
	struct image_policy policy = wanted->policy;
	const char *type = policy.predicate_type;
	const struct attached_query query = {
		.kinds = kinds,
		.predicate_type = type ? type : ATTACHED_SIGNATURE_PREDICATE,
		/* Any will do, but this is what cosign writes. */
		.docker_reference =
			wanted->any_reference ? image->argument.name : image->docker_reference,
		.annotations = wanted->annotation,
		.annotation_count = wanted->annotation ? 1 : 0,
		.forms = wanted->seen->forms,
	};
	CLEANUP(err_freep) struct err *failure = NULL;
	struct err **keep = &image->err;

	policy.docker_reference = image->docker_reference;
	if (!attached_read(wanted->registry, &image->argument.repository, &image->argument.digest,
		    &query, NULL, &at->attached, &failure))
		err_keep_first(keep, &failure);
	image_verify(&policy, &image->argument.digest, &at->attached, &at->verdicts);
	image->counting += at->verdicts.counting;
	remember(wanted, image, kinds, &at->verdicts);
	return image->counting > 0;
}

static void look_at_both(
	const struct verify_wanted *wanted, unsigned legacy, struct verified_image *image)
{
	const struct repository *repository = &image->argument.repository;

	if (strmap_get(&wanted->seen->legacy_hosts, repository->host)) {
		if (!look(wanted, legacy, image))
			look(wanted, ATTACHED_BUNDLE, image);
	} else if (referrers_are_by_tag(wanted->registry, repository)) {
		if (!look(wanted, ATTACHED_BUNDLE, image))
			look(wanted, legacy, image);
	} else if (!look(wanted, ATTACHED_BUNDLE_LISTED, image) && !look(wanted, legacy, image) &&
		image->looks[0].attached.no_api) {
		look(wanted, ATTACHED_BUNDLE, image);
	}
}

void verify_image(const struct verify_wanted *wanted, struct verified_image *image)
{
	unsigned legacy = wanted->policy.predicate_type ? ATTACHED_ATT : ATTACHED_SIG;

	if (!find_digest(wanted, &image->argument, &image->err))
		return;
	image->docker_reference = reference_of(wanted, &image->argument);
	if (wanted->forms == (VERIFY_LEGACY | VERIFY_BUNDLES))
		look_at_both(wanted, legacy, image);
	else
		look(wanted, wanted->forms & VERIFY_LEGACY ? legacy : ATTACHED_BUNDLE, image);
	if (image->counting)
		err_free(steal_ptr(&image->err));
}
