/*
 * Children of an index into every target that wants content, bottom-up: one height after the
 * other, each height in flight together. A child that another copy is putting is left to it. The
 * root is not a child: see copy_tags.c.
 */
#include <stdlib.h>
#include <string.h>

#include "registry/copy_private.h"
#include "registry/manifest_request.h"

/* PUTs prepared together; bounds memory. */
#define SLICE 64

struct put {
	const struct node *node;
	struct target *target;
	char *key;
	struct request request;
};

struct puts {
	VEC(struct put *) items; /* owned */
};

static void put_free(struct put *put)
{
	request_release(&put->request);
	mem_free(put->key);
	mem_free(put);
}

static void puts_clear(struct puts *puts)
{
	for (size_t i = 0; i < puts->items.len; i++)
		put_free(puts->items.items[i]);
	vec_release(&puts->items);
}

static struct put *put_new(const struct node *node, struct target *target)
{
	struct put *put = mem_new(1, sizeof(*put));
	put->node = node;
	put->target = target;
	put->key = copy_memory_manifest_key(&target->to->repository, &node->document.digest);
	return put;
}

void target_refused_manifest(struct target *target, struct err *err)
{
	if (err_is(err, ERR_NOT_FOUND) && !target->missing && !target->is_late)
		target->missing = err;
	else
		target_fail(target, err);
}

/* Sends them and gives the keys back. */
static void run(struct group *group, struct puts *puts)
{
	struct request **pointers = mem_new(puts->items.len, sizeof(*pointers));
	struct target **targets = mem_new(puts->items.len, sizeof(*targets));
	for (size_t i = 0; i < puts->items.len; i++) {
		struct put *put = puts->items.items[i];
		struct copy_destination *to = put->target->to;
		manifest_put_init(&put->request, group->copier->registry, &to->repository,
			put->node->key, "", &put->node->document, &to->tally);
		pointers[i] = &put->request;
		targets[i] = put->target;
	}
	group_send(group, pointers, targets, puts->items.len);
	for (size_t i = 0; i < puts->items.len; i++) {
		struct put *put = puts->items.items[i];
		struct err *err = NULL;
		bool ok = manifest_put_take(&put->request, &put->node->document, &err);
		copy_memory_finish(group->copier->memory, put->key, ok);
		if (!ok)
			target_refused_manifest(put->target, err);
	}
	mem_free(targets);
	mem_free(pointers);
	puts_clear(puts);
}

static void sort_put(struct group *group, struct put *put, enum once_turn turn, struct puts *mine,
	struct puts *later)
{
	struct err *err = NULL;
	if (turn == ONCE_MINE) {
		*vec_push(&mine->items) = put;
		return;
	}
	if (turn == ONCE_BUSY) {
		*vec_push(&later->items) = put;
		return;
	}
	if (turn == ONCE_CANCELLED) {
		cancel_check(group->copier->cancel, CANCEL_NOW, &err);
		target_fail(put->target, err);
	}
	put_free(put);
}

static void put_node(
	struct group *group, const struct node *node, struct puts *mine, struct puts *later)
{
	struct copier *copier = group->copier;
	for (size_t t = 0; t < group->target_count; t++) {
		if (!target_wants_content(&group->targets[t]))
			continue;
		struct put *put = put_new(node, &group->targets[t]);
		sort_put(group, put, copy_memory_try(copier->memory, put->key, copier->cancel),
			mine, later);
		if (mine->items.len == SLICE)
			run(group, mine);
	}
}

/* Another thread was at it. Usually it is done now; if it failed there, it is ours. */
static void put_later(struct group *group, struct put *put)
{
	struct copier *copier = group->copier;
	struct puts mine = {0};
	if (!target_wants_content(put->target)) {
		put_free(put);
		return;
	}
	enum once_turn turn = copy_memory_begin(copier->memory, put->key, copier->cancel);
	sort_put(group, put, turn, &mine, &mine);
	run(group, &mine);
}

static void put_height(struct group *group, unsigned height)
{
	struct puts mine = {0}, later = {0};
	for (size_t i = 1; i < group->tree.nodes.len; i++)
		if (group->tree.nodes.items[i]->height == height)
			put_node(group, group->tree.nodes.items[i], &mine, &later);
	run(group, &mine);
	for (size_t i = 0; i < later.items.len; i++)
		put_later(group, later.items.items[i]);
	vec_release(&later.items);
}

void manifests_put_children(struct group *group)
{
	unsigned root_height = group->tree.nodes.items[0]->height;
	for (unsigned height = 0; height < root_height; height++)
		put_height(group, height);
}
