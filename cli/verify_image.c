/* The places where signatures of an image can be, one after the other. */
#include "cli/verify_image.h"

#include <string.h>

#include "base/alloc.h"
#include "reconciler/identity.h"

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

/* A place that cannot be read is no reason not to look at the others, but one not to say "none". */
static void look(const struct verify_wanted *wanted, unsigned kinds, struct verified_image *image)
{
	struct verify_look *at = &image->looks[image->look_count++];
	struct image_policy policy = wanted->policy;
	const char *type = policy.predicate_type;
	const struct attached_query query = {
		.kinds = kinds,
		.predicate_type = type ? type : ATTACHED_SIGNATURE_PREDICATE,
		.docker_reference = image->docker_reference,
		.annotations = wanted->annotation,
		.annotation_count = wanted->annotation ? 1 : 0,
	};
	CLEANUP(err_freep) struct err *failure = NULL;
	struct err **keep = &image->err;

	policy.docker_reference = image->docker_reference;
	if (!attached_read(wanted->registry, &image->argument.repository, &image->argument.digest,
		    &query, NULL, &at->attached, &failure))
		err_keep_first(keep, &failure);
	image_verify(&policy, &image->argument.digest, &at->attached, &at->verdicts);
	image->counting += at->verdicts.counting;
}

void verify_image(const struct verify_wanted *wanted, struct verified_image *image)
{
	unsigned legacy = wanted->policy.predicate_type ? ATTACHED_ATT : ATTACHED_SIG;
	bool has_legacy = wanted->forms & VERIFY_LEGACY;
	bool has_bundles = wanted->forms & VERIFY_BUNDLES;

	if (!find_digest(wanted, &image->argument, &image->err))
		return;
	image->docker_reference = reference_of(wanted, &image->argument);
	if (has_bundles)
		look(wanted, has_legacy ? ATTACHED_BUNDLE_LISTED : ATTACHED_BUNDLE, image);
	if (has_legacy && !image->counting)
		look(wanted, legacy, image);
	if (has_bundles && has_legacy && !image->counting && image->looks[0].attached.no_api)
		look(wanted, ATTACHED_BUNDLE, image);
	if (image->counting)
		err_free(steal_ptr(&image->err));
}
