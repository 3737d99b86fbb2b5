/*
 * One lock around everything. Costs are counted as the real client's would be: a list is one
 * request, a HEAD one, a copy one GET at the source and one PUT for the digest and each tag.
 */
#include "tests/fakes/model_registry.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fakes/model_private.h"

struct copier {
	struct registry *model;
	const struct clock *clock;
};

struct registry *model_new(void)
{
	struct registry *model = mem_new(1, sizeof(*model));

	model->origin = model;
	pthread_mutex_init(&model->lock, NULL);
	pthread_mutex_init(&model->tag_lock, NULL);
	return model;
}

struct registry *model_client(struct registry *model)
{
	struct registry *client = model_new();

	client->origin = model;
	return client;
}

static void forget_writes(struct registry *model)
{
	for (size_t i = 0; i < model->writes.len; i++)
		mem_free(model->writes.items[i].tag);
	vec_release(&model->writes);
}

static void held_free(struct held *held)
{
	for (size_t i = 0; i < held->tags.len; i++)
		mem_free(held->tags.items[i].name);
	for (size_t i = 0; i < held->lies.len; i++)
		mem_free(held->lies.items[i].name);
	vec_release(&held->lies);
	vec_release(&held->tags);
	vec_release(&held->digests);
	vec_release(&held->blobs);
	mem_free(held->name);
	mem_free(held);
}

void model_free(struct registry *model)
{
	const char *name;
	void *value;

	for (size_t i = 0; strmap_next(&model->repositories, &i, &name, &value);)
		held_free(value);
	strmap_release(&model->repositories);
	for (size_t i = 0; i < model->google.len; i++)
		mem_free(model->google.items[i]);
	vec_release(&model->google);
	for (size_t i = 0; i < model->proven.len; i++)
		mem_free(model->proven.items[i]);
	vec_release(&model->proven);
	for (size_t i = 0; i < model->documents.len; i++)
		document_release(&model->documents.items[i]);
	vec_release(&model->documents);
	forget_writes(model);
	pthread_mutex_destroy(&model->lock);
	pthread_mutex_destroy(&model->tag_lock);
	mem_free(model);
}

void model_set_google(struct registry *model, const char *host)
{
	*vec_push(&model->google) = mem_strdup(host);
}

struct digest model_digest(unsigned number)
{
	return digest_of(DIGEST_SHA256, &number, sizeof(number));
}

struct held *model_repository(struct registry *model, const char *name, bool make)
{
	struct held *held = strmap_get(&model->repositories, name);

	if (held || !make)
		return held;
	held = mem_new(1, sizeof(*held));
	held->name = mem_strdup(name);
	*strmap_put(&model->repositories, held->name) = held;
	return held;
}

bool model_has_digest(const struct held *held, const struct digest *digest)
{
	for (size_t i = 0; held && i < held->digests.len; i++)
		if (digest_equal(&held->digests.items[i], digest))
			return true;
	return false;
}

struct held_tag *model_find_tag(struct held *held, const char *name)
{
	for (size_t i = 0; held && i < held->tags.len; i++)
		if (strcmp(held->tags.items[i].name, name) == 0)
			return &held->tags.items[i];
	return NULL;
}

void model_put(struct held *held, const struct digest *digest, const char *name)
{
	struct held_tag *tag = name ? model_find_tag(held, name) : NULL;

	if (!model_has_digest(held, digest))
		*vec_push(&held->digests) = *digest;
	if (tag)
		tag->digest = *digest;
	else if (name)
		*vec_push(&held->tags) = (struct held_tag){mem_strdup(name), *digest};
}

void model_hold(struct registry *model, const char *repository, unsigned digest, const char *tag)
{
	struct digest value = model_digest(digest);

	model_put(model_repository(model, repository, true), &value, tag);
}

bool model_holds_digest(struct registry *model, const char *repository, const struct digest *digest,
	const char *tag)
{
	struct held *held = model_repository(model, repository, false);
	struct held_tag *found = tag ? model_find_tag(held, tag) : NULL;

	return tag ? found && digest_equal(&found->digest, digest) : model_has_digest(held, digest);
}

bool model_holds(struct registry *model, const char *repository, unsigned digest, const char *tag)
{
	const struct digest value = model_digest(digest);

	return model_holds_digest(model, repository, &value, tag);
}

void model_set_fault(struct registry *model, model_fault_fn *fault, void *ctx)
{
	model->fault = fault;
	model->fault_ctx = ctx;
}

struct registry *model_copy(struct registry *model)
{
	struct registry *copy = model_new();
	const char *name;
	void *value;

	for (size_t i = 0; i < model->google.len; i++)
		model_set_google(copy, model->google.items[i]);
	for (size_t i = 0; strmap_next(&model->repositories, &i, &name, &value);) {
		const struct held *held = value;
		struct held *twin = model_repository(copy, name, true);

		for (size_t d = 0; d < held->digests.len; d++)
			model_put(twin, &held->digests.items[d], NULL);
		for (size_t t = 0; t < held->tags.len; t++)
			model_put(twin, &held->tags.items[t].digest, held->tags.items[t].name);
		for (size_t b = 0; b < held->blobs.len; b++)
			*vec_push(&twin->blobs) = held->blobs.items[b];
	}
	for (size_t i = 0; i < model->documents.len; i++)
		model_keep_document(copy, model->documents.items[i].bytes,
			model->documents.items[i].len, model->documents.items[i].media_type);
	return copy;
}

static int compare_lines(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

char *model_dump(struct registry *model)
{
	VEC(char *) lines = {0};
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	const char *name;
	char digest[DIGEST_TEXT_SIZE];
	void *value;

	for (size_t i = 0; strmap_next(&model->repositories, &i, &name, &value);) {
		const struct held *held = value;

		for (size_t d = 0; d < held->digests.len; d++)
			if (!model_document(model, &held->digests.items[d]))
				*vec_push(&lines) = mem_printf("%s@%s\n", name,
					digest_format(&held->digests.items[d], digest));
		for (size_t t = 0; t < held->tags.len; t++)
			if (!model_document(model, &held->tags.items[t].digest))
				*vec_push(&lines) =
					mem_printf("%s:%s=%s\n", name, held->tags.items[t].name,
						digest_format(&held->tags.items[t].digest, digest));
	}
	if (lines.len)
		qsort(lines.items, lines.len, sizeof(*lines.items), compare_lines);
	for (size_t i = 0; i < lines.len; i++) {
		str_add_text(&text, lines.items[i]);
		mem_free(lines.items[i]);
	}
	vec_release(&lines);
	return str_steal(&text, NULL);
}

struct model_counts model_counts(struct registry *model)
{
	return model->counts;
}

void model_reset_counts(struct registry *model)
{
	model->counts = (struct model_counts){0};
	forget_writes(model);
}

void model_each_write(struct registry *model,
	void (*visit)(
		void *ctx, const char *repository, const char *tag, const struct digest *digest),
	void *ctx)
{
	for (size_t i = 0; i < model->writes.len; i++)
		visit(ctx, model->writes.items[i].repository, model->writes.items[i].tag,
			&model->writes.items[i].digest);
}

/* ---- What the client would do ---- */

char *model_full_name(const struct repository *repository)
{
	return mem_printf("%s/%s", repository->host, repository->path);
}

static bool is_listed(char *const *list, size_t len, const char *host)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(list[i], host) == 0)
			return true;
	return false;
}

bool model_begin(struct registry **registry, enum model_verb verb, const char *repository,
	const char *reference, struct http_tally *tally, struct err **err)
{
	struct registry *model = (*registry)->origin;
	bool answered = !(*registry)->fault ||
		(*registry)->fault((*registry)->fault_ctx, verb, repository, reference, err);

	*registry = model;
	pthread_mutex_lock(&model->lock);
	model->counts.requests++;
	model->counts.lists += verb == MODEL_LIST;
	model->counts.heads += verb == MODEL_HEAD;
	model->counts.gets += verb == MODEL_GET;
	if (tally)
		tally->requests++;
	if (!answered)
		pthread_mutex_unlock(&model->lock);
	return answered;
}

bool model_not_found(struct err **err, const char *repository, const char *reference)
{
	return err_set_http(err, ERR_NOT_FOUND, 404, "%s: %s: not found", repository, reference);
}

void model_contradict(
	struct registry *model, const char *repository, unsigned digest, const char *tag)
{
	*vec_push(&model_repository(model, repository, true)->lies) =
		(struct held_tag){mem_strdup(tag), model_digest(digest)};
}

static void visit_google(const struct held *held, const struct tags_visitor *visitor)
{
	for (size_t i = 0; i < held->digests.len; i++)
		visitor->on_manifest(visitor->ctx, &held->digests.items[i]);
	for (size_t i = 0; i < held->tags.len; i++)
		visitor->on_manifest_tag(
			visitor->ctx, &held->tags.items[i].digest, held->tags.items[i].name);
	for (size_t i = 0; i < held->lies.len; i++)
		visitor->on_manifest_tag(
			visitor->ctx, &held->lies.items[i].digest, held->lies.items[i].name);
}

bool registry_tags_list(struct registry *registry, const struct repository *repository,
	const struct tags_visitor *visitor, struct http_tally *tally, enum tags_kind *ret_kind,
	struct err **err)
{
	CLEANUP(mem_freep) char *name = model_full_name(repository);
	const struct held *held;
	bool google;

	if (!model_begin(&registry, MODEL_LIST, name, NULL, tally, err)) {
		/* What arrived before the fault must not be used. */
		pthread_mutex_lock(&registry->lock);
		held = model_repository(registry, name, false);
		if (held)
			visit_google(held, visitor);
		pthread_mutex_unlock(&registry->lock);
		return false;
	}
	held = model_repository(registry, name, false);
	google = is_listed(registry->google.items, registry->google.len, repository->host);
	if (!held || (!google && !held->tags.len)) {
		pthread_mutex_unlock(&registry->lock);
		return model_not_found(err, name, "tags/list");
	}
	for (size_t i = 0; i < held->tags.len; i++)
		visitor->on_tag(visitor->ctx, held->tags.items[i].name);
	if (google) {
		visit_google(held, visitor);
		if (!is_listed(registry->proven.items, registry->proven.len, repository->host))
			*vec_push(&registry->proven) = mem_strdup(repository->host);
	}
	pthread_mutex_unlock(&registry->lock);
	*ret_kind = google ? TAGS_GOOGLE : TAGS_PLAIN;
	return true;
}

struct registry *registry_for_sources(struct registry *registry)
{
	return registry;
}

void registry_expect_promotion(struct registry *registry, const struct repository *source,
	const struct repository *destination)
{
	(void)registry;
	(void)source;
	(void)destination;
}

bool registry_host_is_google(struct registry *registry, const char *host)
{
	bool proven;

	registry = registry->origin;
	pthread_mutex_lock(&registry->lock);
	proven = is_listed(registry->proven.items, registry->proven.len, host);
	pthread_mutex_unlock(&registry->lock);
	return proven;
}

bool model_resolve(struct held *held, const char *reference, struct digest *ret_digest)
{
	struct held_tag *tag;

	if (strchr(reference, ':'))
		return digest_parse(reference, ret_digest, NULL) &&
			model_has_digest(held, ret_digest);
	tag = model_find_tag(held, reference);
	if (tag)
		*ret_digest = tag->digest;
	return tag != NULL;
}

bool registry_manifest_head(struct registry *registry, const struct repository *repository,
	const char *reference, struct http_tally *tally, struct digest *ret_digest,
	struct err **err)
{
	CLEANUP(mem_freep) char *name = model_full_name(repository);
	struct digest digest;
	bool found;

	if (!model_begin(&registry, MODEL_HEAD, name, reference, tally, err))
		return false;
	found = model_resolve(model_repository(registry, name, false), reference, &digest);
	pthread_mutex_unlock(&registry->lock);
	if (!found)
		return model_not_found(err, name, reference);
	*ret_digest = digest;
	return true;
}

struct copier *copier_new(struct registry *registry, const struct copy_limits *limits,
	const struct clock *clock, struct cancel *cancel)
{
	struct copier *copier = mem_new(1, sizeof(*copier));

	(void)limits;
	(void)cancel;
	copier->model = registry;
	copier->clock = clock;
	return copier;
}

/* The model's registries say what they do. */
void copier_verify_writes(struct copier *copier)
{
	(void)copier;
}

void copier_free(struct copier *copier)
{
	mem_free(copier);
}

/* With the lock held. */
static void note_write(struct registry *model, struct held *held, const struct copy_tag *to,
	const struct digest *digest)
{
	const char *tag = to->name;
	const struct held_tag *before = model_find_tag(held, tag);

	model->counts.writes++;
	if (before && digest_equal(&before->digest, digest))
		model->counts.needless++;
	else if (before && model_document(model, &before->digest))
		return; /* what is attached grows */
	else if (before && !(to->moves_from && digest_equal(&before->digest, to->moves_from)))
		model->counts.moved++;
	else if (before)
		model->counts.moves++;
	if (!model_has_digest(held, digest))
		model->counts.dangling++;
	*vec_push(&model->writes) = (struct write){held->name, mem_strdup(tag), *digest};
}

static void copy_to(
	struct copier *copier, const struct digest *digest, struct copy_destination *destination)
{
	struct registry *model = copier->model;
	CLEANUP(mem_freep) char *name = model_full_name(&destination->repository);
	char text[DIGEST_TEXT_SIZE];

	digest_format(digest, text);
	if (!destination->has_manifest) {
		if (!model_begin(
			    &model, MODEL_PUT, name, text, &destination->tally, &destination->err))
			return;
		model->counts.writes++;
		model_put(model_repository(model, name, true), digest, NULL);
		model_bring_blobs(model, model_repository(model, name, true), digest);
		pthread_mutex_unlock(&model->lock);
	}
	for (size_t i = 0; i < destination->tag_count; i++) {
		struct copy_tag *tag = &destination->tags[i];

		if (!model_begin(&model, MODEL_PUT, name, tag->name, &destination->tally,
			    &destination->err))
			return;
		note_write(model, model_repository(model, name, true), tag, digest);
		model_put(model_repository(model, name, true), digest, tag->name);
		tag->state = COPY_TAG_WRITTEN;
		tag->written_unix_ms = clock_unix_ms(copier->clock);
		pthread_mutex_unlock(&model->lock);
	}
}

bool copy_group(struct copier *copier, const struct repository *source, const struct digest *digest,
	struct http_tally *source_tally, struct copy_destination *destinations, size_t count,
	struct err **err)
{
	struct registry *model = copier->model;
	CLEANUP(mem_freep) char *name = model_full_name(source);
	char text[DIGEST_TEXT_SIZE];
	bool found;

	digest_format(digest, text);
	if (!model_begin(&model, MODEL_GET, name, text, source_tally, err))
		return false;
	found = model_has_digest(model_repository(model, name, false), digest);
	pthread_mutex_unlock(&model->lock);
	if (!found)
		return model_not_found(err, name, text);
	for (size_t i = 0; i < count; i++)
		copy_to(copier, digest, &destinations[i]);
	return true;
}

void copy_document(struct copier *copier, const struct repository *source,
	const struct document *root, struct http_tally *source_tally,
	struct copy_destination *destinations, size_t count)
{
	(void)source;
	(void)source_tally;
	for (size_t i = 0; i < count; i++)
		copy_to(copier, &root->digest, &destinations[i]);
}
