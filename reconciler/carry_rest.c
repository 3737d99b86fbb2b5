/*
 * What is carried unverified: the SBOM under its tag, and referrers that hold no bundle. Copied with
 * everything below them, never over something else.
 */
#include <string.h>

#include "reconciler/carry_private.h"
#include "registry/referrers.h"

#define OTHERS_MAX 100 /* of one image */

static bool copy(struct carry *carry, const struct staging *staging,
	const struct carry_image *image, const struct digest *digest, const char *tag,
	struct err **err)
{
	struct copy_tag copied = {.name = tag};
	struct copy_destination to = {
		.repository = *image->primary,
		.tags = tag ? &copied : NULL,
		.tag_count = tag ? 1 : 0,
		.observed_ms = clock_monotonic_ms(carry->clock),
	};
	bool ok =
		copy_group(carry->copier, &staging->repository, digest, image->tally, &to, 1, err);

	if (image->tally) {
		image->tally->requests += to.tally.requests;
		image->tally->retries += to.tally.retries;
		image->tally->bytes_received += to.tally.bytes_received;
		image->tally->bytes_sent += to.tally.bytes_sent;
	}
	if (ok && to.err) {
		err_keep_first(err, &to.err);
		return false;
	}
	err_free(to.err);
	return ok;
}

/* ---- The SBOM ---- */

static bool carry_sbom(struct carry *carry, const struct staging *staging,
	const struct carry_image *image, size_t *brought, struct err **err)
{
	struct replica_tag tag = {.kind = REPLICA_SBOM};
	char text[REPLICA_TAG_TEXT_SIZE];
	CLEANUP(err_freep) struct err *absent = NULL;
	struct digest wanted, there;

	memcpy(tag.image, image->digest->bytes, DIGEST_SHA256_SIZE);
	replica_tag_format(&tag, text);
	if (!registry_manifest_head(registry_for_sources(carry->registry), &staging->repository,
		    text, image->tally, &wanted, &absent)) {
		if (err_is(absent, ERR_NOT_FOUND))
			return true;
		err_keep_first(err, &absent);
		return false;
	}
	if (registry_manifest_head(
		    carry->registry, image->primary, text, image->tally, &there, &absent))
		return digest_equal(&wanted, &there) ||
			err_set(err, ERR_CONFLICT, "another %s is at the primary, and stays", text);
	if (!err_is(absent, ERR_NOT_FOUND)) {
		err_keep_first(err, &absent);
		return false;
	}
	*brought = copy(carry, staging, image, &wanted, text, err);
	return *brought;
}

/* ---- Referrers ---- */

static bool is_there(const struct attached *primary, const struct digest *digest)
{
	for (size_t i = 0; i < primary->others.len; i++)
		if (digest_equal(&primary->others.items[i], digest))
			return true;
	return false;
}

/* Its content by copying, its place in the list of referrers by another PUT of the same bytes. */
static bool carry_referrer(struct carry *carry, const struct staging *staging,
	const struct carry_image *image, const struct digest *digest, struct err **err)
{
	CLEANUP(document_release) struct document document = {0};

	return registry_manifest_get(registry_for_sources(carry->registry), &staging->repository,
		       digest, image->tally, &document, err) &&
		copy(carry, staging, image, digest, NULL, err) &&
		referrers_put(carry->registry, image->primary, image->digest, &document, 1,
			image->tally, err);
}

static void carry_referrers(struct carry *carry, const struct staging *staging,
	const struct carry_image *image, const struct attached *primary, struct cargo *cargo)
{
	size_t tried = 0;

	for (size_t i = 0; i < cargo->attached.others.len; i++) {
		const struct digest *digest = &cargo->attached.others.items[i];
		CLEANUP(err_freep) struct err *err = NULL;

		if (is_there(primary, digest))
			continue;
		if (tried++ == OTHERS_MAX) {
			carry_leave(&cargo->report, 1, "there are more referrers than are carried");
			return;
		}
		if (carry_referrer(carry, staging, image, digest, &err))
			cargo->report.brought[CARRIED_REFERRERS]++;
		else
			carry_fail(&cargo->report, 1, err);
	}
}

void carry_rest(struct carry *carry, const struct carry_image *image,
	const struct attached *primary, struct cargo *cargo)
{
	CLEANUP(err_freep) struct err *err = NULL;
	const struct staging *staging;

	if (carry->options->mode != CARRY_ALL)
		return;
	staging = carry_staging(carry, image->source);
	if (cargo->asks_sbom &&
		!carry_sbom(carry, staging, image, &cargo->report.brought[CARRIED_SBOMS], &err))
		carry_fail(&cargo->report, 1, err);
	carry_referrers(carry, staging, image, primary, cargo);
}
