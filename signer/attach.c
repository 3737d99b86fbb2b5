/* Bundles as OCI referrers: their blobs, then their manifests. */
#include <string.h>

#include "base/alloc.h"
#include "image/manifest.h"
#include "registry/push.h"
#include "registry/referrers.h"
#include "signer/attached.h"
#include "signer/bundle_manifest.h"
#include "signer/bundle_write.h"

/* One bundle on its way. */
struct parcel {
	struct str bundle, manifest;
	const struct attached_parts *parts; /* instead of both */
};

struct parcels {
	VEC(struct parcel) items;
	VEC(struct blob_bytes) blobs;
	VEC(struct document) documents; /* borrowed from the parcels */
};

static void parcels_release(struct parcels *parcels)
{
	for (size_t i = 0; i < parcels->items.len; i++) {
		str_release(&parcels->items.items[i].bundle);
		str_release(&parcels->items.items[i].manifest);
	}
	vec_release(&parcels->items);
	vec_release(&parcels->blobs);
	vec_release(&parcels->documents);
}

static void parcel_make(
	struct parcel *parcel, const struct attach_item *item, const struct bundle_subject *subject)
{
	const char *type =
		item->predicate_type ? item->predicate_type : ATTACHED_SIGNATURE_PREDICATE;

	parcel->parts = item->parts;
	if (item->parts)
		return;
	str_init(&parcel->bundle, BUNDLE_MAX_SIZE);
	str_init(&parcel->manifest, BUNDLE_MANIFEST_MAX_SIZE);
	bundle_write(item->bundle, &parcel->bundle);
	bundle_manifest_write(item->bundle, &parcel->bundle, type, subject, &parcel->manifest);
}

static const struct blob_bytes plain_config = {
	BUNDLE_MANIFEST_CONFIG, strlen(BUNDLE_MANIFEST_CONFIG), .is_shared = true};

static void list_parts(
	struct parcels *parcels, const struct attached_parts *parts, const char *host)
{
	const char *mount_from =
		strcmp(parts->repository.host, host) == 0 ? parts->repository.path : NULL;

	*vec_push(&parcels->blobs) =
		bytes_equal(&parts->config, plain_config.bytes, plain_config.len)
		? plain_config
		: (struct blob_bytes){.bytes = (const char *)parts->config.data,
			  .len = parts->config.len,
			  .mount_from = mount_from};
	*vec_push(&parcels->blobs) = (struct blob_bytes){.bytes = (const char *)parts->blob.data,
		.len = parts->blob.len,
		.mount_from = mount_from};
	*vec_push(&parcels->documents) = parts->manifest;
}

static bool parcels_list(struct parcels *parcels, const char *host, struct err **err)
{
	static char media_type[] = MEDIA_TYPE_OCI_MANIFEST;

	for (size_t i = 0; i < parcels->items.len; i++) {
		struct parcel *parcel = &parcels->items.items[i];
		if (parcel->parts) {
			list_parts(parcels, parcel->parts, host);
			continue;
		}
		if (str_overflowed(&parcel->bundle) || str_overflowed(&parcel->manifest))
			return err_set(err, ERR_TOO_LARGE, "a bundle that is too large");
		*vec_push(&parcels->blobs) = plain_config;
		*vec_push(&parcels->blobs) = (struct blob_bytes){
			.bytes = str_text(&parcel->bundle), .len = parcel->bundle.len};
		*vec_push(&parcels->documents) = (struct document){
			.bytes = parcel->manifest.bytes,
			.len = parcel->manifest.len,
			.media_type = media_type,
			.digest = digest_of(
				DIGEST_SHA256, parcel->manifest.bytes, parcel->manifest.len),
		};
	}
	return true;
}

bool attach_bundles(struct registry *registry, const struct repository *repository,
	const struct digest *image, const char *subject_media_type, int64_t subject_size,
	const struct attach_item *items, size_t count, struct http_tally *tally, struct err **err)
{
	CLEANUP(parcels_release) struct parcels parcels = {0};
	const struct bundle_subject subject = {image, subject_media_type, subject_size};

	if (count == 0)
		return true;
	for (size_t i = 0; i < count; i++)
		parcel_make(vec_push(&parcels.items), &items[i], &subject);
	return parcels_list(&parcels, repository->host, err) &&
		registry_blobs_put(
			registry, repository, parcels.blobs.items, parcels.blobs.len, tally, err) &&
		referrers_put(
			registry, repository, image, parcels.documents.items, count, tally, err);
}
