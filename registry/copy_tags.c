/*
 * The root of an image, last of all: PUT under each tag, or by digest where there is none. A tag is
 * written only on a look younger than a minute; an older one is looked at again first, since
 * registries overwrite tags silently and have no compare-and-swap.
 */
#include <stdlib.h>
#include <string.h>

#include "registry/copy_private.h"
#include "registry/manifest_request.h"

/* Trust rule 2. */
#define LOOK_MAX_AGE_MS 60000

/* PUTs prepared together; bounds memory and how old a look gets while they are sent. */
#define SLICE 32

struct tag_put {
	struct target *target;
	struct copy_tag *tag; /* NULL: by digest */
	struct request request;
};

static bool is_stale(const struct copier *copier, const struct copy_destination *to)
{
	return clock_monotonic_ms(copier->clock) - to->observed_ms > LOOK_MAX_AGE_MS;
}

/* ---- Looking again ---- */

static void take_look(struct group *group, struct tag_put *put, struct copy_tag *tag)
{
	struct copy_destination *to = put->target->to;
	const struct digest *wanted = &group->tree.nodes.items[0]->document.digest;
	struct digest found;
	CLEANUP(err_freep) struct err *err = NULL;
	bool said = false;
	bool exists = manifest_head_take(&put->request, &found, &said, &err);
	if (exists && !said)
		exists = registry_manifest_head(group->copier->registry, &to->repository, tag->name,
			&to->tally, &found, &err);
	if (!exists) {
		if (!err_is(err, ERR_NOT_FOUND))
			target_fail(put->target, steal_ptr(&err));
		return;
	}
	if (digest_equal(&found, wanted)) {
		tag->state = COPY_TAG_IN_PLACE;
		return;
	}
	char text[DIGEST_TEXT_SIZE];
	tag->state = COPY_TAG_MOVED;
	tag->found = found;
	err_set(&err, ERR_CONFLICT, "%s/%s:%s points to %s meanwhile: not overwritten",
		to->repository.host, to->repository.path, tag->name, digest_format(&found, text));
	err_keep_first(&to->err, &err);
}

static void look_again(struct group *group, struct tag_put *puts, size_t count)
{
	struct request *pointers[SLICE] = {0};
	for (size_t i = 0; i < count; i++) {
		struct copy_destination *to = puts[i].target->to;
		if (!puts[i].tag || !is_stale(group->copier, to))
			continue;
		manifest_head_init(&puts[i].request, group->copier->registry, &to->repository,
			puts[i].tag->name, &to->tally);
		pointers[i] = &puts[i].request;
	}
	requests_run(pointers, count);
	for (size_t i = 0; i < count; i++) {
		struct copy_tag *tag = puts[i].tag;
		if (!pointers[i] || !tag)
			continue;
		take_look(group, &puts[i], tag);
		request_release(&puts[i].request);
	}
}

/* ---- Writing ---- */

static void take_put(struct group *group, struct tag_put *put)
{
	struct err *err = NULL;
	if (!manifest_put_take(&put->request, &group->tree.nodes.items[0]->document, &err)) {
		target_refused_manifest(put->target, err);
		return;
	}
	if (put->tag) {
		put->tag->state = COPY_TAG_WRITTEN;
		put->tag->written_unix_ms = clock_unix_ms(group->copier->clock);
	}
}

static void run(struct group *group, struct tag_put *puts, size_t count)
{
	const struct node *root = group->tree.nodes.items[0];
	struct request *pointers[SLICE] = {0};
	look_again(group, puts, count);
	for (size_t i = 0; i < count; i++) {
		struct copy_destination *to = puts[i].target->to;
		bool pending = !puts[i].tag || puts[i].tag->state == COPY_TAG_PENDING;
		/* A tag that moved is no reason against the others of its destination. */
		bool blocked = to->err && !err_is(to->err, ERR_CONFLICT);
		if (!pending || blocked || puts[i].target->missing)
			continue;
		manifest_put_init(&puts[i].request, group->copier->registry, &to->repository,
			puts[i].tag ? puts[i].tag->name : root->key, &root->document, &to->tally);
		pointers[i] = &puts[i].request;
	}
	requests_run(pointers, count);
	for (size_t i = 0; i < count; i++) {
		if (!pointers[i])
			continue;
		take_put(group, &puts[i]);
		request_release(&puts[i].request);
	}
}

struct batch {
	struct tag_put puts[SLICE];
	size_t len;
};

static void add(
	struct group *group, struct batch *batch, struct target *target, struct copy_tag *tag)
{
	batch->puts[batch->len++] = (struct tag_put){.target = target, .tag = tag};
	if (batch->len == SLICE) {
		run(group, batch->puts, batch->len);
		batch->len = 0;
	}
}

void tags_put_root(struct group *group)
{
	CLEANUP(mem_freep) struct batch *batch = mem_new(1, sizeof(*batch));
	for (size_t t = 0; t < group->target_count; t++) {
		struct target *target = &group->targets[t];
		if (!target_is_active(target))
			continue;
		if (target->to->tag_count == 0 && target->needs_content)
			add(group, batch, target, NULL);
		for (size_t i = 0; i < target->to->tag_count; i++)
			if (target->to->tags[i].state == COPY_TAG_PENDING)
				add(group, batch, target, &target->to->tags[i]);
	}
	run(group, batch->puts, batch->len);
}
