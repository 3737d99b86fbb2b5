/*
 * Reading what is attached to an image: one GET of a manifest, then what it names, all in flight
 * together. Whether any of it is good is image_verify.h's question.
 */
#include "signer/attached.h"

#include <string.h>

#include "base/alloc.h"
#include "registry/fetch.h"
#include "registry/referrers.h"
#include "signer/attached_private.h"
#include "signer/bundle_manifest.h"
#include "signer/legacy_image.h"

void attached_release(struct attached *attached)
{
	for (size_t i = 0; i < attached->items.len; i++)
		attached_item_release(&attached->items.items[i]);
	vec_release(&attached->items);
	vec_release(&attached->others);
	*attached = (struct attached){0};
}

bool attached_tag(
	const struct digest *image, enum attached_kind kind, char ret_tag[ATTACHED_TAG_SIZE])
{
	char text[DIGEST_TEXT_SIZE];

	digest_format(image, text);
	*strchr(text, ':') = '-';
	snprintf(ret_tag, ATTACHED_TAG_SIZE, "%s%s", text, kind == ATTACHED_SIG ? ".sig" : ".att");
	/* Of a sha512 it would be longer than tags may be. */
	return tag_is_valid(ret_tag);
}

/* ---- What all kinds share ---- */

#define TOO_MUCH "more than %zu bytes are attached in all"

/* One call. */
struct reading {
	struct registry *registry;
	const struct repository *repository;
	const struct digest *image;
	const struct attached_query *query;
	struct http_tally *tally;
	struct attached *attached;
	size_t total; /* bytes asked for so far */
};

/* What is wrong with this one thing, not with the registry. */
static bool is_its_own(const struct err *err)
{
	return err_is(err, ERR_NOT_FOUND) || err_is(err, ERR_DIGEST) ||
		err_is(err, ERR_TOO_LARGE) || err_is(err, ERR_INVALID);
}

static struct attached_item *add_item(struct reading *reading, enum attached_kind kind,
	const struct digest *manifest, size_t layer)
{
	struct attached_item *item = vec_push(&reading->attached->items);

	item->kind = kind;
	item->manifest = *manifest;
	item->layer = layer;
	return item;
}

/* Takes the error. */
static void item_fail(struct attached_item *item, struct err *err)
{
	item->error = mem_strdup(err->msg);
	err_free(err);
}

static size_t max_count(const struct reading *reading)
{
	return reading->query->max_count ? reading->query->max_count : ATTACHED_MAX;
}

static size_t max_total(const struct reading *reading)
{
	return reading->query->max_total ? reading->query->max_total : ATTACHED_TOTAL_MAX;
}

/* For what its descriptor says to be `size` long; it fails already if that is more than is read. */
static void fetch_expect(struct reading *reading, struct fetch *fetch, int64_t size, size_t max)
{
	if (size > (int64_t)max) {
		err_set(&fetch->err, ERR_TOO_LARGE, "larger than %zu bytes", max);
	} else if (reading->total + (size_t)size > max_total(reading)) {
		err_set(&fetch->err, ERR_TOO_LARGE, TOO_MUCH, max_total(reading));
	} else {
		reading->total += (size_t)size;
		fetch->max = (size_t)size;
	}
}

/* False, with an error, if the registry could not be read. */
static bool fetch_all(
	struct reading *reading, struct fetch *fetches, size_t count, struct err **err)
{
	registry_fetch(reading->registry, reading->repository, fetches, count, reading->tally);
	for (size_t i = 0; i < count; i++) {
		if (!fetches[i].err || is_its_own(fetches[i].err))
			continue;
		if (err)
			*err = err_copy(fetches[i].err);
		return false;
	}
	return true;
}

static bool is_other_type(const struct reading *reading, const char *type)
{
	const char *wanted = reading->query->predicate_type;

	return wanted && type && *type && strcmp(wanted, type) != 0;
}

/* ---- .sig and .att ---- */

/* A layer that is wanted, and the blob it names: shared by those with the same digest. */
struct wanted_layer {
	size_t index;
	size_t fetch;
	bool is_too_much;
};

struct layers {
	struct legacy_image image;
	struct digest manifest;
	VEC(struct wanted_layer) wanted;
	VEC(struct fetch) fetches;
};

static void layers_release(struct layers *layers)
{
	legacy_image_release(&layers->image);
	vec_release(&layers->wanted);
	for (size_t i = 0; i < layers->fetches.len; i++)
		fetch_release(&layers->fetches.items[i]);
	vec_release(&layers->fetches);
}

static size_t fetch_of(struct layers *layers, const struct digest *digest)
{
	for (size_t i = 0; i < layers->fetches.len; i++)
		if (digest_equal(&layers->fetches.items[i].digest, digest))
			return i;
	vec_push(&layers->fetches)->digest = *digest;
	return layers->fetches.len - 1;
}

/* A blob is read once, but each layer that names it has a copy. */
static bool count_again(struct reading *reading, const struct fetch *fetch)
{
	if (fetch->err || reading->total + fetch->max > max_total(reading))
		return fetch->err != NULL;
	reading->total += fetch->max;
	return true;
}

static void want_layer(struct reading *reading, struct layers *layers, size_t index, size_t max)
{
	const struct legacy_descriptor *layer = &layers->image.layers.items[index];
	size_t before = layers->fetches.len;
	size_t fetch = fetch_of(layers, &layer->digest);
	struct wanted_layer *wanted = vec_push(&layers->wanted);

	*wanted = (struct wanted_layer){.index = index, .fetch = fetch};
	if (fetch == before)
		fetch_expect(reading, &layers->fetches.items[fetch], layer->size, max);
	else
		wanted->is_too_much = !count_again(reading, &layers->fetches.items[fetch]);
}

static void want_layers(struct reading *reading, struct layers *layers, enum attached_kind kind)
{
	const char *type = kind == ATTACHED_SIG ? LEGACY_TYPE_PAYLOAD : LEGACY_TYPE_ENVELOPE;
	size_t max = kind == ATTACHED_SIG ? PAYLOAD_MAX_SIZE : ATTACHED_BLOB_MAX;

	for (size_t i = 0; i < layers->image.layers.len; i++) {
		const struct legacy_descriptor *layer = &layers->image.layers.items[i];
		if (strcmp(layer->media_type, type) != 0)
			reading->attached->foreign++;
		else if (kind == ATTACHED_ATT &&
			is_other_type(reading, layer->annotations[LEGACY_PREDICATE_TYPE]))
			reading->attached->left_out++;
		else
			want_layer(reading, layers, i, max);
	}
}

/* A payload that is known by its digest need not be fetched. Takes the text if it is one. */
static void foresee(struct layers *layers, struct str *payload)
{
	struct digest digest = digest_of(DIGEST_SHA256, str_text(payload), payload->len);

	for (size_t i = 0; i < layers->fetches.len; i++) {
		struct fetch *fetch = &layers->fetches.items[i];
		if (!digest_equal(&fetch->digest, &digest) || fetch->err || fetch->document.bytes)
			continue;
		size_t len = payload->len;
		fetch->document = (struct document){
			.bytes = str_steal(payload, NULL),
			.len = len,
			.media_type = mem_strdup(""),
			.digest = digest,
		};
		return;
	}
}

static void foresee_named(
	const struct reading *reading, struct layers *layers, const char *docker_reference)
{
	const struct attached_query *query = reading->query;
	CLEANUP(str_release) struct str payload = STR_INIT(PAYLOAD_MAX_SIZE);

	payload_write(docker_reference, reading->image, NULL, 0, &payload);
	foresee(layers, &payload);
	if (query->annotation_count > 0) {
		str_clear(&payload);
		payload_write(docker_reference, reading->image, query->annotations,
			query->annotation_count, &payload);
		foresee(layers, &payload);
	}
	for (size_t i = 0; query->forms; i++) {
		str_clear(&payload);
		if (!payload_forms_write(
			    query->forms, i, docker_reference, reading->image, &payload))
			return;
		foresee(layers, &payload);
	}
}

static void foresee_payloads(const struct reading *reading, struct layers *layers)
{
	static const char hub[] = "docker.io/";
	const char *name = reading->query->docker_reference;

	if (!name)
		return;
	foresee_named(reading, layers, name);
	/* As cosign calls it. */
	CLEANUP(mem_freep) char *alias = mem_printf("index.%s", name);
	if (strncmp(name, hub, strlen(hub)) == 0)
		foresee_named(reading, layers, alias);
}

static void take_layer(
	struct reading *reading, const struct layers *layers, enum attached_kind kind, size_t n)
{
	const struct wanted_layer *wanted = &layers->wanted.items[n];
	struct legacy_descriptor *layer = &layers->image.layers.items[wanted->index];
	const struct fetch *fetch = &layers->fetches.items[wanted->fetch];
	const struct document *blob = &fetch->document;
	const struct legacy_layer legacy = {
		.blob = blob->bytes,
		.len = blob->len,
		.is_envelope = kind == ATTACHED_ATT,
		.signature = layer->annotations[LEGACY_SIGNATURE],
		.log_entry = layer->annotations[LEGACY_LOG_ENTRY],
		.certificate = layer->annotations[LEGACY_CERTIFICATE],
		.timestamp = layer->annotations[LEGACY_TIMESTAMP],
	};
	struct attached_item *item = add_item(reading, kind, &layers->manifest, wanted->index);
	struct err *err = NULL;

	if (wanted->is_too_much)
		err_set(&err, ERR_TOO_LARGE, TOO_MUCH, max_total(reading));
	else if (fetch->err)
		err = err_copy(fetch->err);
	if (err) {
		item_fail(item, err);
		return;
	}
	if (kind == ATTACHED_SIG)
		item->payload = (struct bytes){mem_dup(blob->bytes, blob->len), blob->len};
	if (!bundle_of_legacy(&legacy, &item->bundle, &err) ||
		(reading->query->keep_parts &&
			!attached_keep_layer(item, reading->repository, layer, blob, &err)))
		item_fail(item, err);
}

static bool fetch_layers(
	struct reading *reading, struct layers *layers, enum attached_kind kind, struct err **err)
{
	want_layers(reading, layers, kind);
	if (kind == ATTACHED_SIG)
		foresee_payloads(reading, layers);
	if (!fetch_all(reading, layers->fetches.items, layers->fetches.len, err))
		return false;
	for (size_t i = 0; i < layers->wanted.len; i++)
		take_layer(reading, layers, kind, i);
	return true;
}

static bool check_count(
	const struct reading *reading, size_t count, const char *what, struct err **err)
{
	return count <= max_count(reading) ||
		err_set(err, ERR_TOO_LARGE, "more than %zu %s", max_count(reading), what);
}

static bool read_legacy(struct reading *reading, enum attached_kind kind, struct err **err)
{
	CLEANUP(layers_release) struct layers layers = {0};
	CLEANUP(document_release) struct document document = {0};
	CLEANUP(err_freep) struct err *failure = NULL;
	char tag[ATTACHED_TAG_SIZE];

	if (!attached_tag(reading->image, kind, tag))
		return true;
	if (!registry_manifest_read(reading->registry, reading->repository, tag, reading->tally,
		    &document, &failure)) {
		if (err_is(failure, ERR_NOT_FOUND))
			return true;
		err_keep_first(err, &failure);
		return false;
	}
	reading->attached->found |= kind;
	layers.manifest = document.digest;
	if (!legacy_image_parse(document.bytes, document.len, &layers.image, &failure) ||
		!check_count(reading, layers.image.layers.len, "layers", &failure)) {
		err_prefix(&failure, "tag %s", tag);
		item_fail(add_item(reading, kind, &document.digest, 0), steal_ptr(&failure));
		return true;
	}
	return fetch_layers(reading, &layers, kind, err);
}

/* ---- Bundles ---- */

/* By its annotations: those of a manifest, or of a descriptor of it. */
static bool says_other_type(const struct reading *reading, const char *json, size_t len)
{
	CLEANUP(bundle_labels_release) struct bundle_labels labels;

	bundle_labels_read(json, len, &labels);
	return is_other_type(
		reading, labels.is_message ? ATTACHED_SIGNATURE_PREDICATE : labels.predicate_type);
}

static bool leave_out(struct reading *reading)
{
	reading->attached->left_out++;
	reading->attached->found |= ATTACHED_BUNDLE;
	return false;
}

/* It holds no bundle. */
static bool pass_over(struct reading *reading, const struct digest *manifest)
{
	reading->attached->foreign++;
	if (reading->query->keep_parts)
		*vec_push(&reading->attached->others) = *manifest;
	return false;
}

/* What its descriptor says: can it be a bundle that is wanted? */
static bool is_candidate(struct reading *reading, const struct referrer *referrer)
{
	const char *type = referrer->artifact_type;

	if (*type && strncmp(type, BUNDLE_MEDIA_TYPE, strlen(BUNDLE_MEDIA_TYPE)) != 0)
		return pass_over(reading, &referrer->digest);
	return !says_other_type(reading, referrer->json, strlen(referrer->json)) ||
		leave_out(reading);
}

struct bundles {
	VEC(struct fetch) manifests; /* of the candidates */
	VEC(struct fetch) blobs;
	VEC(struct fetch) configs; /* of the manifest of each blob; with keep_parts */
	VEC(size_t) holders;	   /* that manifest */
};

static void fetches_release(struct fetch *fetches, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fetch_release(&fetches[i]);
}

static void bundles_release(struct bundles *bundles)
{
	fetches_release(bundles->manifests.items, bundles->manifests.len);
	fetches_release(bundles->blobs.items, bundles->blobs.len);
	fetches_release(bundles->configs.items, bundles->configs.len);
	vec_release(&bundles->manifests);
	vec_release(&bundles->blobs);
	vec_release(&bundles->configs);
	vec_release(&bundles->holders);
}

static bool list_referrers(
	struct reading *reading, bool only_api, struct referrers *ret_list, struct err **err)
{
	bool supported = true;
	bool ok = only_api
		? referrers_list_api(reading->registry, reading->repository, reading->image, NULL,
			  reading->tally, &supported, ret_list, err)
		: referrers_list(reading->registry, reading->repository, reading->image, NULL,
			  reading->tally, ret_list, err);

	reading->attached->no_api |= !supported;
	return ok;
}

/* What somebody planted where the list should be is no reason to read nothing else. */
static bool list_candidates(
	struct reading *reading, bool only_api, struct bundles *bundles, struct err **err)
{
	CLEANUP(referrers_release) struct referrers list = {0};
	CLEANUP(err_freep) struct err *failure = NULL;

	if (!list_referrers(reading, only_api, &list, &failure)) {
		/* A status says nothing of what is there. */
		if (failure->http == 0 &&
			(err_is(failure, ERR_CONFLICT) || err_is(failure, ERR_TOO_LARGE))) {
			item_fail(add_item(reading, ATTACHED_BUNDLE, reading->image, 0),
				steal_ptr(&failure));
			return true;
		}
		err_keep_first(err, &failure);
		return false;
	}
	for (size_t i = 0; i < list.items.len; i++) {
		const struct referrer *referrer = &list.items.items[i];
		if (!is_candidate(reading, referrer))
			continue;
		if (!check_count(reading, bundles->manifests.len + 1, "referrers with bundles",
			    &failure)) {
			if (!reading->query->max_count) {
				err_keep_first(err, &failure);
				return false;
			}
			item_fail(add_item(reading, ATTACHED_BUNDLE, reading->image, 0),
				steal_ptr(&failure));
			break;
		}
		struct fetch *fetch = vec_push(&bundles->manifests);
		fetch->digest = referrer->digest;
		fetch->is_manifest = true;
		fetch_expect(reading, fetch, referrer->size, BUNDLE_MANIFEST_MAX_SIZE);
	}
	return true;
}

/* True if the manifest holds a bundle that is wanted. */
static bool take_manifest(struct reading *reading, const struct document *document,
	struct digest *ret_digest, int64_t *ret_size, struct err **err)
{
	bool found;

	if (!bundle_manifest_parse(
		    document->bytes, document->len, &found, ret_digest, ret_size, err))
		return false;
	if (!found)
		return pass_over(reading, &document->digest);
	return !says_other_type(reading, document->bytes, document->len) || leave_out(reading);
}

/* What the manifest names beside the bundle: mostly nothing that would have to be read. */
static void want_config(
	struct reading *reading, struct bundles *bundles, const struct fetch *manifest)
{
	struct fetch *config = vec_push(&bundles->configs);
	const struct digest plain =
		digest_of(DIGEST_SHA256, BUNDLE_MANIFEST_CONFIG, strlen(BUNDLE_MANIFEST_CONFIG));
	int64_t size = 0;

	if (!bundle_manifest_config(manifest->document.bytes, manifest->document.len,
		    &config->digest, &size, &config->err))
		return;
	if (!digest_equal(&config->digest, &plain)) {
		fetch_expect(reading, config, size, BUNDLE_MANIFEST_MAX_SIZE);
		return;
	}
	config->document = (struct document){
		.bytes = mem_strdup(BUNDLE_MANIFEST_CONFIG),
		.len = strlen(BUNDLE_MANIFEST_CONFIG),
		.media_type = mem_strdup(""),
		.digest = plain,
	};
}

static void take_manifests(struct reading *reading, struct bundles *bundles)
{
	for (size_t i = 0; i < bundles->manifests.len; i++) {
		const struct fetch *manifest = &bundles->manifests.items[i];
		CLEANUP(err_freep) struct err *failure = err_copy(manifest->err);
		struct digest digest;
		int64_t size = 0;
		if (!failure &&
			take_manifest(reading, &manifest->document, &digest, &size, &failure)) {
			struct fetch *blob = vec_push(&bundles->blobs);
			blob->digest = digest;
			fetch_expect(reading, blob, size, ATTACHED_BLOB_MAX);
			*vec_push(&bundles->holders) = i;
			if (reading->query->keep_parts)
				want_config(reading, bundles, manifest);
		} else if (failure) {
			item_fail(add_item(reading, ATTACHED_BUNDLE, &manifest->digest, 0),
				steal_ptr(&failure));
		}
	}
}

static bool keep_bundle(struct reading *reading, struct bundles *bundles, size_t index,
	struct attached_item *item, struct err **err)
{
	struct fetch *config = &bundles->configs.items[index];

	if (config->err) {
		err_keep_first(err, &config->err);
		return err_prefix(err, "its config");
	}
	return attached_keep_bundle(item, reading->repository, reading->image,
		&bundles->manifests.items[bundles->holders.items[index]].document,
		&bundles->blobs.items[index].document, &config->document, err);
}

static void take_blobs(struct reading *reading, struct bundles *bundles)
{
	for (size_t i = 0; i < bundles->blobs.len; i++) {
		const struct fetch *blob = &bundles->blobs.items[i];
		struct attached_item *item = add_item(reading, ATTACHED_BUNDLE,
			&bundles->manifests.items[bundles->holders.items[i]].digest, 0);
		struct err *failure = err_copy(blob->err);
		if (failure ||
			!bundle_parse(blob->document.bytes, blob->document.len, &item->bundle,
				&failure) ||
			(reading->query->keep_parts &&
				!keep_bundle(reading, bundles, i, item, &failure)))
			item_fail(item, failure);
	}
}

static bool read_bundles(struct reading *reading, bool only_api, struct err **err)
{
	CLEANUP(bundles_release) struct bundles bundles = {0};

	if (!list_candidates(reading, only_api, &bundles, err) ||
		!fetch_all(reading, bundles.manifests.items, bundles.manifests.len, err))
		return false;
	take_manifests(reading, &bundles);
	if (!fetch_all(reading, bundles.blobs.items, bundles.blobs.len, err) ||
		!fetch_all(reading, bundles.configs.items, bundles.configs.len, err))
		return false;
	if (bundles.blobs.len > 0)
		reading->attached->found |= ATTACHED_BUNDLE;
	take_blobs(reading, &bundles);
	return true;
}

/* ---- All ---- */

bool attached_read(struct registry *registry, const struct repository *repository,
	const struct digest *image, const struct attached_query *query, struct http_tally *tally,
	struct attached *attached, struct err **err)
{
	struct reading reading = {
		.registry = registry,
		.repository = repository,
		.image = image,
		.query = query,
		.tally = tally,
		.attached = attached,
	};

	if ((query->kinds & ATTACHED_SIG) && !read_legacy(&reading, ATTACHED_SIG, err))
		return false;
	if ((query->kinds & ATTACHED_ATT) && !read_legacy(&reading, ATTACHED_ATT, err))
		return false;
	if (query->kinds & (ATTACHED_BUNDLE | ATTACHED_BUNDLE_LISTED))
		return read_bundles(&reading, !(query->kinds & ATTACHED_BUNDLE), err);
	return true;
}
