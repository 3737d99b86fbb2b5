/*
 * The manifest before its blobs: where a repository holds other images, a registry that checks
 * references answers with the exact list of what it misses, which is one request instead of one a
 * shared blob. Only for hosts of which that is known (`checks_blobs`): another would store a
 * manifest without its blobs, and a run that is killed then leaves damage that no later run sees
 * (docs/decisions/009). Where it does not pay it is not tried again in this run. The root goes under
 * a tag that it shall have, so that nothing is left to do where the registry takes it; one that it
 * refuses writes no tag.
 */
#include <stdlib.h>
#include <string.h>

#include "registry/copy_looks.h"
#include "registry/manifest_request.h"
#include "registry/missing.h"

/* Of as many blobs, some may be there: it costs one request and saves one for each that is. */
#define UNKNOWN_MIN 4
/* What it has to save to be tried again. */
#define GAIN_MIN 2

/* One image to one target. */
struct trial {
	struct target *target;
	const struct node *node;
	struct copy_tag *tags[TAG_JOBS_MAX]; /* under which the root goes */
	size_t tag_count;		     /* 0: by digest */
	struct request request;
};

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

/* ---- The request ---- */

/* Those that may be written without another look; one, where it is not known that several may go. */
static void choose_tags(const struct group *group, struct trial *trial)
{
	const struct copy_destination *to = trial->target->to;
	const struct host *host = host_get(group->copier->registry, to->repository.host);
	size_t max = host->multi_tag == MULTI_TAG_YES ? TAG_JOBS_MAX : 1;
	if (trial->node != group->tree.nodes.items[0] || !look_is_fresh(group, to->observed_ms))
		return;
	for (size_t i = 0; i < to->tag_count && trial->tag_count < max; i++)
		if (to->tags[i].state == COPY_TAG_PENDING && !to->tags[i].moves_from)
			trial->tags[trial->tag_count++] = &to->tags[i];
}

static const char *const *tag_names(const struct trial *trial, const char **ret_names)
{
	for (size_t i = 0; i < trial->tag_count; i++)
		ret_names[i] = trial->tags[i]->name;
	return ret_names;
}

static void trial_init(
	struct group *group, struct trial *trial, const struct node *node, struct target *target)
{
	struct registry *registry = group->copier->registry;
	struct copy_destination *to = target->to;
	const char *names[TAG_JOBS_MAX];
	trial->node = node;
	trial->target = target;
	choose_tags(group, trial);
	if (trial->tag_count == 0)
		manifest_put_init(&trial->request, registry, &to->repository, node->key, "",
			&node->document, &to->tally);
	else
		trial->tag_count = manifest_put_tags_init(&trial->request, registry,
			&to->repository, &node->document, tag_names(trial, names), trial->tag_count,
			&to->tally);
}

/* ---- Its answer ---- */

static void take_tags(struct group *group, const struct trial *trial)
{
	const char *names[TAG_JOBS_MAX];
	bool written[TAG_JOBS_MAX] = {false}, alone;
	if (trial->tag_count == 0 ||
		!manifest_put_tags_take(&trial->request, &trial->node->document,
			tag_names(trial, names), trial->tag_count, written, &alone, NULL))
		return;
	for (size_t i = 0; i < trial->tag_count; i++)
		if (written[i])
			tag_is_written(group, trial->tags[i]);
}

/* The registry holds all of it. */
static void take_success(struct group *group, const struct trial *trial)
{
	const struct repository *to = &trial->target->to->repository;
	note_blobs(group, trial->target, trial->node, NULL);
	note_there(group, copy_memory_manifest_key(to, &trial->node->document.digest));
	if (trial->node == group->tree.nodes.items[0])
		trial->target->needs_content = false;
	take_tags(group, trial);
}

static void take(struct group *group, const struct trial *trial)
{
	const struct repository *to = &trial->target->to->repository;
	const struct http_response *answer = request_answer(&trial->request);
	CLEANUP(missing_release) struct missing missing = {0};
	size_t unknown = count_unknown(group, trial->target, trial->node), gain = 0;
	if (manifest_put_take(&trial->request, &trial->node->document, NULL)) {
		take_success(group, trial);
		return;
	}
	if (answer && (answer->status == 400 || answer->status == 404) &&
		missing_parse(answer->body.bytes, answer->body.len, &missing) &&
		is_of(&missing, trial->node)) {
		note_blobs(group, trial->target, trial->node, &missing);
		gain = unknown - count_unknown(group, trial->target, trial->node);
	}
	if (gain < GAIN_MIN)
		copy_memory_note_vain(group->copier->memory, to->host, to->path);
}

/* ---- All of them ---- */

/* One image to all targets where it may pay, in flight together. */
static void try_node(struct group *group, const struct node *node)
{
	size_t count = group->target_count;
	struct trial *trials = mem_new(count, sizeof(*trials));
	struct request **pointers = mem_new(count, sizeof(*pointers));
	struct target **targets = mem_new(count, sizeof(*targets));
	for (size_t i = 0; i < count; i++) {
		if (!may_pay(group, &group->targets[i], node))
			continue;
		trial_init(group, &trials[i], node, &group->targets[i]);
		pointers[i] = &trials[i].request;
		targets[i] = &group->targets[i];
	}
	group_send(group, pointers, targets, count);
	for (size_t i = 0; i < count; i++) {
		if (!pointers[i])
			continue;
		take(group, &trials[i]);
		request_release(pointers[i]);
	}
	mem_free(targets);
	mem_free(pointers);
	mem_free(trials);
}

void optimistic_put(struct group *group)
{
	for (size_t i = 0; i < group->tree.nodes.len; i++)
		try_node(group, group->tree.nodes.items[i]);
}
