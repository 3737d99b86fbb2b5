/*
 * What the model's registries keep as bytes: manifests and blobs that were PUT. A manifest that was
 * only said to be held (model_hold) has the text of its digest for bytes. A PUT to a tag replaces what
 * was there and asks nobody, as registries do; one whose blobs are not there is refused.
 */
#include <string.h>

#include "registry/fetch.h"
#include "registry/push.h"
#include "tests/fakes/model_private.h"

const struct document *model_document(struct registry *model, const struct digest *digest)
{
	for (size_t i = 0; i < model->documents.len; i++)
		if (digest_equal(&model->documents.items[i].digest, digest))
			return &model->documents.items[i];
	return NULL;
}

static struct document document_make(const char *bytes, size_t len, const char *media_type)
{
	struct document made = {.bytes = mem_new(len + 1, 1),
		.len = len,
		.media_type = mem_strdup(media_type ? media_type : ""),
		.digest = digest_of(DIGEST_SHA256, bytes, len)};

	memcpy(made.bytes, bytes, len);
	return made;
}

static struct document copy_of(const struct document *document)
{
	return document_make(document->bytes, document->len, document->media_type);
}

const struct digest *model_keep_document(
	struct registry *model, const char *bytes, size_t len, const char *media_type)
{
	struct document made = document_make(bytes, len, media_type);
	const struct document *kept = model_document(model, &made.digest);

	if (kept) {
		document_release(&made);
		return &kept->digest;
	}
	*vec_push(&model->documents) = made;
	return &model->documents.items[model->documents.len - 1].digest;
}

void document_release(struct document *document)
{
	mem_free(document->bytes);
	mem_free(document->media_type);
	document->bytes = NULL;
	document->media_type = NULL;
}

static bool has_blob(const struct held *held, const struct digest *digest)
{
	for (size_t i = 0; held && i < held->blobs.len; i++)
		if (digest_equal(&held->blobs.items[i], digest))
			return true;
	return false;
}

/* The next digest that the text names; NULL: none. Returns the rest. */
static const char *next_digest(const char *text, struct digest *ret_digest)
{
	char name[DIGEST_TEXT_SIZE];

	while ((text = strstr(text, "\"sha256:"))) {
		text++;
		snprintf(name, sizeof(name), "%.71s", text);
		if (digest_parse(name, ret_digest, NULL))
			return text;
	}
	return NULL;
}

void model_bring_blobs(struct registry *model, struct held *held, const struct digest *digest)
{
	const struct document *document = model_document(model, digest);
	const char *text = document ? document->bytes : NULL;
	struct digest blob;

	while (text && (text = next_digest(text, &blob)))
		if (!has_blob(held, &blob))
			*vec_push(&held->blobs) = blob;
}

bool registry_manifest_read(struct registry *registry, const struct repository *repository,
	const char *reference, struct http_tally *tally, struct document *ret_document,
	struct err **err)
{
	CLEANUP(mem_freep) char *name = model_full_name(repository);
	const struct document *kept;
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;
	bool found;

	if (!model_begin(&registry, MODEL_GET, name, reference, tally, err))
		return false;
	found = model_resolve(model_repository(registry, name, false), reference, &digest);
	kept = found ? model_document(registry, &digest) : NULL;
	if (kept)
		*ret_document = copy_of(kept);
	pthread_mutex_unlock(&registry->lock);
	if (!found)
		return model_not_found(err, name, reference);
	if (kept)
		return true;
	digest_format(&digest, text);
	*ret_document = (struct document){.bytes = mem_strdup(text),
		.len = strlen(text),
		.media_type = mem_strdup(""),
		.digest = digest};
	return true;
}

bool registry_manifest_get(struct registry *registry, const struct repository *repository,
	const struct digest *digest, struct http_tally *tally, struct document *ret_document,
	struct err **err)
{
	char text[DIGEST_TEXT_SIZE];

	return registry_manifest_read(
		registry, repository, digest_format(digest, text), tally, ret_document, err);
}

bool registry_manifest_put(struct registry *registry, const struct repository *repository,
	const char *reference, const struct document *document, struct http_tally *tally,
	struct err **err)
{
	CLEANUP(mem_freep) char *name = model_full_name(repository);
	const char *text = document->bytes;
	struct held *held;
	struct digest blob;
	bool ok = true;

	if (!model_begin(&registry, MODEL_PUT, name, reference, tally, err))
		return false;
	registry->counts.writes++;
	held = model_repository(registry, name, true);
	while (ok && (text = next_digest(text, &blob)))
		ok = has_blob(held, &blob) ||
			err_set(err, ERR_INVALID, "%s:%s names a blob that is not there", name,
				reference);
	if (ok) {
		model_keep_document(registry, document->bytes, document->len, document->media_type);
		model_put(held, &document->digest, strchr(reference, ':') ? NULL : reference);
	}
	pthread_mutex_unlock(&registry->lock);
	return ok;
}

bool registry_blobs_put(struct registry *registry, const struct repository *repository,
	const struct blob_bytes *blobs, size_t count, struct http_tally *tally, struct err **err)
{
	CLEANUP(mem_freep) char *name = model_full_name(repository);
	struct held *held;

	if (!model_begin(&registry, MODEL_PUT, name, "blobs", tally, err))
		return false;
	held = model_repository(registry, name, true);
	for (size_t i = 0; i < count; i++) {
		const struct digest digest =
			*model_keep_document(registry, blobs[i].bytes, blobs[i].len, NULL);

		if (has_blob(held, &digest))
			continue;
		registry->counts.writes++;
		*vec_push(&held->blobs) = digest;
	}
	pthread_mutex_unlock(&registry->lock);
	return true;
}

static void fetch_blob(
	struct registry *registry, const char *name, struct fetch *fetch, struct http_tally *tally)
{
	char text[DIGEST_TEXT_SIZE];
	bool found;

	digest_format(&fetch->digest, text);
	if (!model_begin(&registry, MODEL_GET, name, text, tally, &fetch->err))
		return;
	found = has_blob(model_repository(registry, name, false), &fetch->digest);
	if (found)
		fetch->document = copy_of(model_document(registry, &fetch->digest));
	pthread_mutex_unlock(&registry->lock);
	if (!found)
		model_not_found(&fetch->err, name, text);
}

void registry_fetch(struct registry *registry, const struct repository *repository,
	struct fetch *fetches, size_t count, struct http_tally *tally)
{
	CLEANUP(mem_freep) char *name = model_full_name(repository);

	for (size_t i = 0; i < count; i++) {
		struct fetch *fetch = &fetches[i];

		if (fetch->err || fetch->document.bytes)
			continue;
		if (fetch->is_manifest)
			registry_manifest_get(registry, repository, &fetch->digest, tally,
				&fetch->document, &fetch->err);
		else
			fetch_blob(registry, name, fetch, tally);
	}
}

void fetch_release(struct fetch *fetch)
{
	document_release(&fetch->document);
	err_free(fetch->err);
}

/* One lock for all tags: clients are slow together, and wrong as little as with many. */
bool registry_tag_lock(struct registry *registry, const struct repository *repository,
	const char *tag, struct err **err)
{
	(void)repository;
	(void)tag;
	(void)err;
	pthread_mutex_lock(&registry->tag_lock);
	return true;
}

void registry_tag_unlock(
	struct registry *registry, const struct repository *repository, const char *tag)
{
	(void)repository;
	(void)tag;
	pthread_mutex_unlock(&registry->tag_lock);
}

bool registry_pause(const struct registry *registry, unsigned attempt, struct err **err)
{
	(void)registry;
	(void)attempt;
	(void)err;
	return true;
}

void model_untag(struct registry *model, const char *repository, const char *tag)
{
	struct held_tag *found;
	struct held *held;

	pthread_mutex_lock(&model->lock);
	held = model_repository(model, repository, false);
	found = model_find_tag(held, tag);
	if (found) {
		mem_free(found->name);
		*found = held->tags.items[--held->tags.len];
	}
	pthread_mutex_unlock(&model->lock);
}

void model_each_document(struct registry *model,
	void (*visit)(void *ctx, const char *repository, const char *tag,
		const struct document *document),
	void *ctx)
{
	const char *name;
	void *value;

	for (size_t i = 0; strmap_next(&model->repositories, &i, &name, &value);) {
		const struct held *held = value;

		for (size_t t = 0; t < held->tags.len; t++) {
			const struct document *document =
				model_document(model, &held->tags.items[t].digest);

			if (document)
				visit(ctx, name, held->tags.items[t].name, document);
		}
	}
}

const struct document *model_blob(
	struct registry *model, const char *repository, const struct digest *digest)
{
	return has_blob(model_repository(model, repository, false), digest)
		? model_document(model, digest)
		: NULL;
}
