/* Bundles as OCI referrers, in the manifests that cosign writes (sigstore-wire facts 6.2). */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "image/manifest.h"
#include "registry/push.h"
#include "registry/referrers.h"
#include "signer/attached_private.h"
#include "signer/bundle_write.h"
#include "signer/go_json.h"

#define BUNDLE_TYPE_0_3 BUNDLE_TYPE ".v0.3+json"
#define EMPTY_CONFIG "{}"
#define EMPTY_CONFIG_TYPE "application/vnd.oci.empty.v1+json"
#define TEXT_MAX BUNDLE_MAX_SIZE

/* One bundle on its way. */
struct parcel {
	struct str bundle, manifest;
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

static void add_descriptor(
	struct str *out, const char *media_type, const char *bytes, size_t len, const char *rest)
{
	struct digest digest = digest_of(DIGEST_SHA256, bytes, len);
	char text[DIGEST_TEXT_SIZE];

	str_addf(out, "{\"mediaType\":\"%s\",\"size\":%zu,\"digest\":\"%s\"%s}", media_type, len,
		digest_format(&digest, text), rest);
}

static void add_annotations(struct str *out, const struct attach_item *item)
{
	const struct bundle *bundle = item->bundle;
	const char *type =
		item->predicate_type ? item->predicate_type : ATTACHED_SIGNATURE_PREDICATE;
	char created[CLOCK_RFC3339_SIZE];

	str_addf(out, "{\"" BUNDLE_CONTENT "\":\"%s\",",
		bundle->is_envelope ? "dsse-envelope" : BUNDLE_CONTENT_MESSAGE);
	if (bundle->is_envelope) {
		str_add_text(out, "\"" BUNDLE_PREDICATE_TYPE "\":");
		go_json_add_text(out, type);
		str_add_char(out, ',');
	}
	/* Not the time of writing: the same bundle is the same manifest. */
	clock_format_rfc3339(certificate_not_before(bundle->certificate) * 1000, created);
	str_addf(out, "\"org.opencontainers.image.created\":\"%.*sZ\"}", (int)strcspn(created, "."),
		created);
}

static void add_subject(
	struct str *out, const struct digest *image, const char *media_type, int64_t size)
{
	char text[DIGEST_TEXT_SIZE];

	str_add_text(out, "{\"mediaType\":");
	go_json_add_text(out, media_type);
	str_addf(out, ",\"size\":%lld,\"digest\":\"%s\"}", (long long)size,
		digest_format(image, text));
}

static void parcel_make(struct parcel *parcel, const struct attach_item *item,
	const struct digest *image, const char *subject_media_type, int64_t subject_size)
{
	struct str *out = &parcel->manifest;

	str_init(&parcel->bundle, TEXT_MAX);
	str_init(&parcel->manifest, BUNDLE_MANIFEST_MAX_SIZE);
	bundle_write(item->bundle, &parcel->bundle);
	str_add_text(out,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"config\":");
	add_descriptor(out, EMPTY_CONFIG_TYPE, EMPTY_CONFIG, strlen(EMPTY_CONFIG),
		",\"artifactType\":\"" BUNDLE_TYPE_0_3 "\"");
	str_add_text(out, ",\"layers\":[");
	add_descriptor(out, BUNDLE_TYPE_0_3, str_text(&parcel->bundle), parcel->bundle.len, "");
	str_add_text(out, "],\"annotations\":");
	add_annotations(out, item);
	str_add_text(out, ",\"subject\":");
	add_subject(out, image, subject_media_type, subject_size);
	str_add_text(out, ",\"artifactType\":\"" BUNDLE_TYPE_0_3 "\"}");
}

static bool parcels_list(struct parcels *parcels, struct err **err)
{
	static char media_type[] = MEDIA_TYPE_OCI_MANIFEST;

	*vec_push(&parcels->blobs) = (struct blob_bytes){EMPTY_CONFIG, strlen(EMPTY_CONFIG)};
	for (size_t i = 0; i < parcels->items.len; i++) {
		struct parcel *parcel = &parcels->items.items[i];
		if (str_overflowed(&parcel->bundle) || str_overflowed(&parcel->manifest))
			return err_set(err, ERR_TOO_LARGE, "a bundle that is too large");
		*vec_push(&parcels->blobs) =
			(struct blob_bytes){str_text(&parcel->bundle), parcel->bundle.len};
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

	if (count == 0)
		return true;
	for (size_t i = 0; i < count; i++)
		parcel_make(vec_push(&parcels.items), &items[i], image, subject_media_type,
			subject_size);
	return parcels_list(&parcels, err) &&
		registry_blobs_put(
			registry, repository, parcels.blobs.items, parcels.blobs.len, tally, err) &&
		referrers_put(
			registry, repository, image, parcels.documents.items, count, tally, err);
}
