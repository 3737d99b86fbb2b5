/*
 * Uploads of blobs that are at hand, as jobs of a copy without a source: how they are opened, sent,
 * judged and repeated is copy_upload.c's, copy_small.c's and copy_chunks.c's.
 */
#include "registry/push.h"

#include <string.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "registry/copy_private.h"

#define ATTEMPTS 3

struct push {
	struct copier copier;
	struct copy_destination to;
	struct target target;
	struct group group;
	struct descriptor *descriptors;
	struct blob_job *jobs;
	struct blob_job **pointers;
	size_t count;
	struct repository source;    /* path NULL: nothing is mounted */
	struct blob_job **mountable; /* some of the pointers */
	size_t mountable_count;
};

static void push_release(struct push *push)
{
	for (size_t i = 0; i < push->count; i++)
		blob_upload_release(&push->jobs[i].upload);
	mem_free(push->descriptors);
	mem_free(push->jobs);
	mem_free(push->pointers);
	mem_free(push->mountable);
	copy_memory_free(push->copier.memory);
	err_free(push->to.err);
}

/* The same bytes go once. */
static void add_job(struct push *push, const struct blob_bytes *blob)
{
	struct digest digest = digest_of(DIGEST_SHA256, blob->bytes, blob->len);
	size_t n = push->count;

	for (size_t i = 0; i < n; i++)
		if (digest_equal(&push->descriptors[i].digest, &digest))
			return;
	push->descriptors[n] = (struct descriptor){.digest = digest, .size = (int64_t)blob->len};
	push->jobs[n] = (struct blob_job){
		.blob = &push->descriptors[n],
		.bytes = blob->bytes,
		.target = &push->target,
		.host = host_get(push->copier.registry, push->to.repository.host),
	};
	push->pointers[n] = &push->jobs[n];
	push->count++;
	/* One source at a time; what stands elsewhere is sent. */
	if (blob->mount_from && !push->source.path)
		push->source.path = blob->mount_from;
	if (blob->mount_from && strcmp(blob->mount_from, push->source.path) == 0)
		push->mountable[push->mountable_count++] = &push->jobs[n];
}

static void push_init(struct push *push, struct registry *registry,
	const struct repository *repository, const struct blob_bytes *blobs, size_t count)
{
	const struct http_options *settings = http_settings(registry->http);

	*push = (struct push){
		.copier = {.registry = registry,
			.clock = settings->clock,
			.cancel = settings->cancel,
			.memory = copy_memory_new()},
		.to = {.repository = *repository},
		.target = {.to = &push->to, .needs_content = true},
		.group = {.copier = &push->copier,
			.targets = &push->target,
			.target_count = 1,
			.source = &push->source},
		.source = {.host = repository->host},
		.descriptors = mem_new(count, sizeof(*push->descriptors)),
		.jobs = mem_new(count, sizeof(*push->jobs)),
		.pointers = mem_new(count, sizeof(struct blob_job *)),
		.mountable = mem_new(count, sizeof(struct blob_job *)),
	};
	for (size_t i = 0; i < count; i++)
		add_job(push, &blobs[i]);
}

static bool any_is_open(const struct push *push)
{
	for (size_t i = 0; i < push->count; i++)
		if (blob_job_is_open(&push->jobs[i]))
			return true;
	return false;
}

static void attempt(struct push *push, bool last_attempt)
{
	small_blobs(&push->group, push->pointers, push->count, last_attempt);
	for (size_t i = 0; i < push->count; i++)
		if (blob_job_in_pieces(&push->jobs[i]))
			chunk_blob(&push->group, &push->jobs[i]);
}

static bool push_run(struct push *push, struct err **err)
{
	if (push->mountable_count)
		mounts_try(&push->group, push->mountable, push->mountable_count);
	for (unsigned n = 1; n <= ATTEMPTS && any_is_open(push); n++) {
		if (n > 1 && !registry_pause(push->copier.registry, n - 1, err))
			return false;
		attempt(push, n == ATTEMPTS);
	}
	if (push->to.err) {
		err_keep_first(err, &push->to.err);
		return false;
	}
	return !any_is_open(push) ||
		err_set(err, ERR_TRANSIENT, "%s/%s: blobs could not be uploaded",
			push->to.repository.host, push->to.repository.path);
}

static bool put_all(struct registry *registry, const struct repository *repository,
	const struct blob_bytes *blobs, size_t count, struct http_tally *tally, struct err **err)
{
	CLEANUP(push_release) struct push push;

	push_init(&push, registry, repository, blobs, count);
	bool ok = push_run(&push, err);
	if (tally) {
		tally->requests += push.to.tally.requests;
		tally->retries += push.to.tally.retries;
		tally->bytes_received += push.to.tally.bytes_received;
		tally->bytes_sent += push.to.tally.bytes_sent;
	}
	return ok;
}

/*
 * Once a run and repository: it saves requests, and a registry that writes a link anew for each upload
 * (docker-registry) loses it for a moment to the manifests that are just being put.
 */
static bool put_shared(struct registry *registry, const struct repository *repository,
	const struct blob_bytes *blob, struct http_tally *tally, struct err **err)
{
	struct once *table = registry->writer->shared_blobs;
	struct digest digest = digest_of(DIGEST_SHA256, blob->bytes, blob->len);
	CLEANUP(mem_freep) char *key = copy_memory_blob_key(repository, &digest);
	enum once_turn turn = once_begin(table, key, http_settings(registry->http)->cancel);

	if (turn == ONCE_CANCELLED)
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (turn == ONCE_DONE)
		return true;
	bool ok = put_all(registry, repository, blob, 1, tally, err);
	once_finish(table, key, ok);
	return ok;
}

bool registry_blobs_put(struct registry *registry, const struct repository *repository,
	const struct blob_bytes *blobs, size_t count, struct http_tally *tally, struct err **err)
{
	VEC(struct blob_bytes) own = {0};
	bool ok = true;

	for (size_t i = 0; i < count && ok; i++) {
		if (blobs[i].is_shared)
			ok = put_shared(registry, repository, &blobs[i], tally, err);
		else
			*vec_push(&own) = blobs[i];
	}
	ok = ok && (own.len == 0 || put_all(registry, repository, own.items, own.len, tally, err));
	vec_release(&own);
	return ok;
}
