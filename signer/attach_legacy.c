/*
 * Adding layers to .sig and .att images. Registries have no compare-and-swap. What is there is read, extended,
 * written, and read again: whoever writes looks whether all that was seen is there, and puts back what is not. What was
 * seen to be absent is looked for once more when only the write is left (docs/decisions/084).
 */
#include <string.h>

#include "base/alloc.h"
#include "image/manifest.h"
#include "registry/fetch.h"
#include "registry/push.h"
#include "signer/attached_private.h"
#include "signer/bundle_write.h"
#include "signer/legacy_image.h"

/* Writes of one manifest before we give way. */
#define WRITES_MAX 6
#define CONFIG_MAX_SIZE ((size_t)1 << 20)

/* One call. */
struct attaching {
	struct registry *registry;
	const struct repository *repository;
	struct http_tally *tally;
	char tag[ATTACHED_TAG_SIZE];
	VEC(struct legacy_text) texts;
	VEC(struct blob_bytes) blobs; /* of our layers */
	struct legacy_image known;    /* our layers, then those that were seen */
	bool blobs_are_there;
};

static void attaching_release(struct attaching *attaching)
{
	for (size_t i = 0; i < attaching->texts.len; i++)
		legacy_text_release(&attaching->texts.items[i]);
	vec_release(&attaching->texts);
	vec_release(&attaching->blobs);
	legacy_image_release(&attaching->known);
}

/* ---- Our layers ---- */

static const char *mount_from(const struct attaching *attaching, const struct attached_parts *parts)
{
	return strcmp(parts->repository.host, attaching->repository->host) == 0
		? parts->repository.path
		: NULL;
}

static void add_parts(struct attaching *attaching, const struct attached_parts *parts)
{
	if (legacy_image_has(&attaching->known, &parts->layer))
		return;
	*vec_push(&attaching->blobs) = (struct blob_bytes){.bytes = (const char *)parts->blob.data,
		.len = parts->blob.len,
		.mount_from = mount_from(attaching, parts)};
	legacy_descriptor_copy(&parts->layer, vec_push(&attaching->known.layers));
}

static bool add_layer(struct attaching *attaching, enum attached_kind kind,
	const struct attach_item *item, struct err **err)
{
	if (item->parts) {
		add_parts(attaching, item->parts);
		return true;
	}
	struct legacy_text *text = vec_push(&attaching->texts);

	if (!bundle_write_legacy(item->bundle, text, err))
		return false;
	const struct blob_bytes blob = kind == ATTACHED_SIG
		? (struct blob_bytes){.bytes = item->payload, .len = item->payload_len}
		: (struct blob_bytes){.bytes = text->blob, .len = text->len};
	struct legacy_descriptor layer = {
		.digest = digest_of(DIGEST_SHA256, blob.bytes, blob.len),
		.size = (int64_t)blob.len,
		.annotations = {[LEGACY_SIGNATURE] = steal_ptr(&text->signature),
			[LEGACY_LOG_ENTRY] = steal_ptr(&text->log_entry),
			[LEGACY_CERTIFICATE] = steal_ptr(&text->certificate),
			[LEGACY_CHAIN] = steal_ptr(&text->chain),
			[LEGACY_TIMESTAMP] = steal_ptr(&text->timestamp)},
	};
	layer.media_type =
		mem_strdup(kind == ATTACHED_SIG ? LEGACY_TYPE_PAYLOAD : LEGACY_TYPE_ENVELOPE);
	if (item->predicate_type)
		layer.annotations[LEGACY_PREDICATE_TYPE] = mem_strdup(item->predicate_type);
	*vec_push(&attaching->blobs) = blob;
	*vec_push(&attaching->known.layers) = layer;
	return true;
}

/* ---- What is there ---- */

struct current {
	struct document document; /* bytes NULL: nothing is there */
	struct legacy_image image;
};

static void current_release(struct current *current)
{
	document_release(&current->document);
	legacy_image_release(&current->image);
}

static bool current_read(
	const struct attaching *attaching, struct current *current, struct err **err)
{
	CLEANUP(err_freep) struct err *failure = NULL;

	if (!registry_manifest_read(attaching->registry, attaching->repository, attaching->tag,
		    attaching->tally, &current->document, &failure)) {
		if (err_is(failure, ERR_NOT_FOUND))
			return true;
		err_keep_first(err, &failure);
		return false;
	}
	if (legacy_image_parse(
		    current->document.bytes, current->document.len, &current->image, &failure))
		return true;
	if (err_is(failure, ERR_INVALID))
		return err_set(err, ERR_CONFLICT,
			"should be an image that holds signatures, but is %s; it is not touched: "
			"remove the tag if it is a mistake",
			failure->msg);
	err_keep_first(err, &failure);
	return false;
}

/* What others have there is put back if it should be gone after our write. */
static void keep_seen(struct attaching *attaching, struct current *current)
{
	for (size_t i = 0; i < current->image.layers.len; i++) {
		struct legacy_descriptor *layer = &current->image.layers.items[i];
		if (legacy_image_has(&attaching->known, layer))
			continue;
		*vec_push(&attaching->known.layers) = *layer;
		*layer = (struct legacy_descriptor){0};
	}
	legacy_image_release(&current->image);
}

/* ---- Writing ---- */

struct missing {
	VEC(struct legacy_descriptor) layers; /* borrowed from known */
};

/* False if the config is not the one that cosign would make for its layers. */
static bool config_is_plain(const struct legacy_image *image)
{
	CLEANUP(str_release) struct str plain = STR_INIT(CONFIG_MAX_SIZE);

	legacy_image_config(image->layers.items, image->layers.len, &plain);
	struct digest digest = digest_of(DIGEST_SHA256, str_text(&plain), plain.len);
	return digest_equal(&digest, &image->config);
}

/* Extends what others wrote, if it is of use; a registry that cannot be read is an error. */
static bool extend_foreign(const struct attaching *attaching, const struct current *current,
	const struct missing *missing, struct str *config, struct err **err)
{
	CLEANUP(fetch_release)
	struct fetch fetch = {.digest = current->image.config, .max = CONFIG_MAX_SIZE};

	registry_fetch(attaching->registry, attaching->repository, &fetch, 1, attaching->tally);
	if (fetch.document.bytes)
		legacy_image_extend_config(fetch.document.bytes, fetch.document.len,
			missing->layers.items, missing->layers.len, config);
	else if (!err_is(fetch.err, ERR_NOT_FOUND) && !err_is(fetch.err, ERR_DIGEST) &&
		!err_is(fetch.err, ERR_TOO_LARGE)) {
		err_keep_first(err, &fetch.err);
		return false;
	}
	return true;
}

static bool config_make(const struct attaching *attaching, const struct current *current,
	const struct missing *missing, struct str *config, struct err **err)
{
	VEC(struct legacy_descriptor) all = {0};

	if (current->document.bytes && !config_is_plain(&current->image) &&
		!extend_foreign(attaching, current, missing, config, err))
		return false;
	if (config->len > 0)
		return true;
	for (size_t i = 0; i < current->image.layers.len; i++)
		*vec_push(&all) = current->image.layers.items[i];
	for (size_t i = 0; i < missing->layers.len; i++)
		*vec_push(&all) = missing->layers.items[i];
	legacy_image_config(all.items, all.len, config);
	vec_release(&all);
	return true;
}

static bool put_blobs(struct attaching *attaching, const struct str *config, struct err **err)
{
	VEC(struct blob_bytes) blobs = {0};

	for (size_t i = 0; i < attaching->blobs.len && !attaching->blobs_are_there; i++)
		*vec_push(&blobs) = attaching->blobs.items[i];
	*vec_push(&blobs) = (struct blob_bytes){.bytes = str_text(config), .len = config->len};
	bool ok = registry_blobs_put(attaching->registry, attaching->repository, blobs.items,
		blobs.len, attaching->tally, err);
	vec_release(&blobs);
	attaching->blobs_are_there |= ok;
	return ok;
}

/* All but the last step: what remains is to put the manifest. */
static bool image_prepare(struct attaching *attaching, const struct current *current,
	const struct missing *missing, struct str *manifest, struct err **err)
{
	CLEANUP(str_release) struct str config = STR_INIT(CONFIG_MAX_SIZE);

	return config_make(attaching, current, missing, &config, err) &&
		legacy_image_extend(current->document.bytes, missing->layers.items,
			missing->layers.len, &config, manifest, err) &&
		put_blobs(attaching, &config, err);
}

static bool image_put(const struct attaching *attaching, const struct current *current,
	const struct str *manifest, struct err **err)
{
	bool has_type = current->document.bytes && *current->document.media_type;
	CLEANUP(mem_freep)
	char *media_type =
		mem_strdup(has_type ? current->document.media_type : MEDIA_TYPE_OCI_MANIFEST);
	const struct document document = {
		.bytes = manifest->bytes,
		.len = manifest->len,
		.media_type = media_type,
		.digest = digest_of(DIGEST_SHA256, manifest->bytes, manifest->len),
	};

	return registry_manifest_put(attaching->registry, attaching->repository, attaching->tag,
		&document, attaching->tally, err);
}

static bool write_image(struct attaching *attaching, const struct current *current,
	const struct missing *missing, struct err **err)
{
	CLEANUP(str_release) struct str manifest = STR_INIT(LEGACY_IMAGE_MAX_SIZE);

	return image_prepare(attaching, current, missing, &manifest, err) &&
		image_put(attaching, current, &manifest, err);
}

/*
 * Where nothing was: the look goes before the write and not after it, which costs as much and sees what others
 * wrote in all the time since it was seen to be absent. *ret_done: it was so still.
 */
static bool create_image(struct attaching *attaching, bool *ret_done, struct err **err)
{
	CLEANUP(str_release) struct str manifest = STR_INIT(LEGACY_IMAGE_MAX_SIZE);
	CLEANUP(current_release) struct current nothing = {0};
	CLEANUP(current_release) struct current current = {0};
	struct missing all = {0};

	for (size_t i = 0; i < attaching->known.layers.len; i++)
		*vec_push(&all.layers) = attaching->known.layers.items[i];
	bool ok = image_prepare(attaching, &nothing, &all, &manifest, err) &&
		current_read(attaching, &current, err);
	vec_release(&all.layers);
	*ret_done = ok && !current.document.bytes;
	return ok && (!*ret_done || image_put(attaching, &nothing, &manifest, err));
}

/* ---- Until all is there ---- */

/* One round; *ret_done once nothing is missing. */
static bool extend_once(
	struct attaching *attaching, unsigned writes, bool *ret_done, struct err **err)
{
	CLEANUP(current_release) struct current current = {0};
	struct missing missing = {0};
	bool ok = true;

	if (!current_read(attaching, &current, err))
		return false;
	for (size_t i = 0; i < attaching->known.layers.len; i++)
		if (!legacy_image_has(&current.image, &attaching->known.layers.items[i]))
			*vec_push(&missing.layers) = attaching->known.layers.items[i];
	*ret_done = missing.layers.len == 0;
	if (!*ret_done && writes == WRITES_MAX)
		ok = err_set(err, ERR_CONFLICT, "other writers keep replacing it: run again");
	else if (!*ret_done)
		ok = (writes == 0 || registry_pause(attaching->registry, writes, err)) &&
			write_image(attaching, &current, &missing, err);
	vec_release(&missing.layers);
	if (ok && !*ret_done)
		keep_seen(attaching, &current);
	return ok;
}

static bool extend_until_done(struct attaching *attaching, bool is_absent, struct err **err)
{
	bool done = false, ok = !is_absent || create_image(attaching, &done, err);

	for (unsigned writes = 0; ok && !done; writes++)
		ok = extend_once(attaching, writes, &done, err);
	return ok ||
		err_prefix(err, "%s/%s:%s", attaching->repository->host,
			attaching->repository->path, attaching->tag);
}

bool attach_legacy(struct registry *registry, const struct repository *repository,
	const struct digest *image, enum attached_kind kind, bool is_absent,
	const struct attach_item *items, size_t count, struct http_tally *tally, struct err **err)
{
	CLEANUP(attaching_release)
	struct attaching attaching = {
		.registry = registry, .repository = repository, .tally = tally};

	if (!attached_tag(image, kind, attaching.tag))
		return err_set(err, ERR_UNSUPPORTED,
			"an image with a sha512 digest has no tag for signatures in the older "
			"form");
	for (size_t i = 0; i < count; i++)
		if (!add_layer(&attaching, kind, &items[i], err))
			return false;
	if (!registry_tag_lock(registry, repository, attaching.tag, err))
		return false;
	bool ok = extend_until_done(&attaching, is_absent, err);
	registry_tag_unlock(registry, repository, attaching.tag);
	return ok;
}
