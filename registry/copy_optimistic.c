/*
 * The manifest before its blobs: where a repository holds other images, a registry that checks
 * references answers with the exact list of what it misses, which is one request instead of one a
 * shared blob. Only for hosts of which that is known (`checks_blobs`): another would store a
 * manifest without its blobs, and a run that is killed then leaves damage that no later run sees
 * (docs/decisions/009). Where it does not pay it is not tried again in this run.
 */
#include <stdlib.h>
#include <string.h>

#include "registry/copy_private.h"
#include "registry/manifest_request.h"
#include "registry/missing.h"

/* Of as many blobs, some may be there: it costs one request and saves one for each that is. */
#define UNKNOWN_MIN 4
/* What it has to save to be tried again. */
#define GAIN_MIN 2

/* Takes the key. */
static bool is_known(const struct group *group, char *key)
{
	bool known = copy_memory_is_done(group->copier->memory, key);
	mem_free(key);
	return known;
}

/* Blobs of the node of which nobody knows whether the target has them. */
static size_t count_unknown(
	const struct group *group, const struct target *target, const struct node *node)
{
	const struct repository *to = &target->to->repository;
	size_t unknown = 0;
	for (size_t i = 0; i < node->manifest.blobs.len; i++) {
		const struct descriptor *blob = &node->manifest.blobs.items[i];
		unknown += !blob->nondistributable &&
			!is_known(group, copy_memory_blob_key(to, &blob->digest));
	}
	return unknown;
}

static bool may_pay(const struct group *group, const struct target *target, const struct node *node)
{
	const struct repository *to = &target->to->repository;
	const struct host *host = host_get(group->copier->registry, to->host);
	return host->quirks.checks_blobs && target->to->has_images && !target->distrusts &&
		target_wants_content(target) && node->manifest.shape == MANIFEST_IMAGE &&
		!copy_memory_is_vain(group->copier->memory, to->host, to->path) &&
		!is_known(group, copy_memory_manifest_key(to, &node->document.digest)) &&
		count_unknown(group, target, node) >= UNKNOWN_MIN;
}

/* Unless another thread is at it. Takes the key. */
static void note_there(struct group *group, char *key)
{
	struct copy_memory *memory = group->copier->memory;
	if (copy_memory_try(memory, key, group->copier->cancel) == ONCE_MINE)
		copy_memory_finish(memory, key, true);
	mem_free(key);
}

/* What the registry does not miss is there; `missing` NULL: it misses nothing. */
static void note_blobs(struct group *group, const struct target *target, const struct node *node,
	const struct missing *missing)
{
	const struct repository *to = &target->to->repository;
	for (size_t i = 0; i < node->manifest.blobs.len; i++) {
		const struct descriptor *blob = &node->manifest.blobs.items[i];
		if (!missing || !missing_has(missing, &blob->digest))
			note_there(group, copy_memory_blob_key(to, &blob->digest));
	}
}

static bool is_of(const struct missing *missing, const struct node *node)
{
	size_t found = 0;
	for (size_t i = 0; i < node->manifest.blobs.len; i++)
		found += missing_has(missing, &node->manifest.blobs.items[i].digest);
	return found == missing->digests.len;
}

static void take(struct group *group, const struct target *target, const struct node *node,
	const struct request *request)
{
	const struct repository *to = &target->to->repository;
	const struct http_response *answer = request_answer(request);
	CLEANUP(missing_release) struct missing missing = {0};
	size_t unknown = count_unknown(group, target, node), gain = 0;
	if (manifest_put_take(request, &node->document, NULL)) {
		note_blobs(group, target, node, NULL);
		note_there(group, copy_memory_manifest_key(to, &node->document.digest));
		return;
	}
	if (answer && (answer->status == 400 || answer->status == 404) &&
		missing_parse(answer->body.bytes, answer->body.len, &missing) &&
		is_of(&missing, node)) {
		note_blobs(group, target, node, &missing);
		gain = unknown - count_unknown(group, target, node);
	}
	if (gain < GAIN_MIN)
		copy_memory_note_vain(group->copier->memory, to->host, to->path);
}

/* One image to all targets where it may pay, in flight together. */
static void try_node(struct group *group, const struct node *node)
{
	size_t count = group->target_count;
	struct request *requests = mem_new(count, sizeof(*requests));
	struct request **pointers = mem_new(count, sizeof(*pointers));
	struct target **targets = mem_new(count, sizeof(*targets));
	for (size_t i = 0; i < count; i++) {
		struct copy_destination *to = group->targets[i].to;
		if (!may_pay(group, &group->targets[i], node))
			continue;
		manifest_put_init(&requests[i], group->copier->registry, &to->repository, node->key,
			"", &node->document, &to->tally);
		pointers[i] = &requests[i];
		targets[i] = &group->targets[i];
	}
	group_send(group, pointers, targets, count);
	for (size_t i = 0; i < count; i++) {
		if (!pointers[i])
			continue;
		take(group, targets[i], node, pointers[i]);
		request_release(pointers[i]);
	}
	mem_free(targets);
	mem_free(pointers);
	mem_free(requests);
}

void optimistic_put(struct group *group)
{
	for (size_t i = 0; i < group->tree.nodes.len; i++)
		try_node(group, group->tree.nodes.items[i]);
}
