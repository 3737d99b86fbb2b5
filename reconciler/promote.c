/*
 * Between the plan and registry/copy.h. Knows which source to try next, when a destination can be
 * tagged from what it holds itself, and how results read; bytes, blobs and mounts are the
 * registry's business, and who runs when is the schedule's.
 */
#include "reconciler/promote.h"

struct effort {
	const struct promoter *promoter;
	const struct digest *digest;
	struct promote_target **targets; /* that are still to be served */
	size_t target_count;
};

static struct copy_tag *tags_to_write(const struct record *record, size_t *ret_count)
{
	struct copy_tag *tags = mem_new(record->tags.len + 1, sizeof(*tags));
	size_t count = 0;

	for (size_t i = 0; i < record->tags.len; i++) {
		const struct record_tag *tag = &record->tags.items[i];

		if (tag->done == TAG_DONE_PLANNED)
			tags[count++] = (struct copy_tag){
				.name = tag->name,
				.moves_from = record_tag_moves_from(tag),
			};
	}
	*ret_count = count;
	return tags;
}

static struct copy_destination destination_of(const struct promote_target *target)
{
	struct copy_destination destination = {
		.repository = *target->repository,
		.has_manifest = target->record->digest_found == KNOWN_PRESENT,
		.has_images = target->has_images,
		.observed_ms = target->observed_ms,
	};

	destination.tags = tags_to_write(target->record, &destination.tag_count);
	return destination;
}

static void take_tag(struct record *record, struct record_tag *tag, const struct copy_tag *copied)
{
	switch (copied->state) {
	case COPY_TAG_WRITTEN:
		tag->done = TAG_DONE_WRITTEN;
		tag->written_unix_ms = copied->written_unix_ms;
		break;
	case COPY_TAG_IN_PLACE:
		tag->done = TAG_DONE_NOTHING;
		tag->found = TAG_AT_DIGEST;
		tag->found_digest = (struct digest){0};
		break;
	case COPY_TAG_MOVED:
		tag->done = TAG_DONE_QUARANTINED;
		tag->found = TAG_ELSEWHERE;
		tag->found_digest = copied->found;
		tag->reason = FINDING_TAG_MOVE;
		tag->why = mem_strdup("somebody else has written it during this run");
		record->reasons |= PLAN_REASON(FINDING_TAG_MOVE);
		break;
	case COPY_TAG_PENDING:
		tag->done = TAG_DONE_NOTHING;
		break;
	}
}

/* Returns true if every tag came to an end, be it that it moved meanwhile. */
static bool take_tags(struct record *record, const struct copy_destination *destination)
{
	size_t next = 0;
	bool ended = true;

	for (size_t i = 0; i < record->tags.len; i++) {
		if (record->tags.items[i].done != TAG_DONE_PLANNED)
			continue;
		ended &= destination->tags[next].state != COPY_TAG_PENDING;
		take_tag(record, &record->tags.items[i], &destination->tags[next++]);
	}
	return ended;
}

static void add_tally(struct record *record, struct http_tally *tally)
{
	record->requests += tally->requests;
	record->bytes_received += tally->bytes_received;
	record->bytes_sent += tally->bytes_sent;
}

/* Frees what destination_of made. */
static void take_result(struct promote_target *target, struct copy_destination *destination)
{
	struct record *record = target->record;
	bool written = !destination->err, ended = take_tags(record, destination);

	for (size_t i = 0; i < destination->tag_count; i++)
		written |= destination->tags[i].state == COPY_TAG_WRITTEN;
	if (record->digest_done == TAG_DONE_PLANNED)
		record->digest_done = written ? TAG_DONE_WRITTEN : TAG_DONE_NOTHING;
	if (err_is(destination->err, ERR_CANCELLED))
		target->end = RECORD_END_NOT_DONE;
	else if (destination->err && !(ended && err_is(destination->err, ERR_CONFLICT)))
		record_add_error(record, destination->err);
	add_tally(record, &destination->tally);
	err_free(destination->err);
	mem_free(destination->tags);
}

static void drop_result(struct promote_target *target, struct copy_destination *destination)
{
	add_tally(target->record, &destination->tally);
	err_free(destination->err);
	mem_free(destination->tags);
}

/* False if nothing could be read from the source; then the targets are as before. */
static bool copy_from(const struct effort *e, const struct promote_source *source, struct err **err)
{
	CLEANUP(mem_freep)
	struct copy_destination *destinations = mem_new(e->target_count, sizeof(*destinations));
	bool copied;

	for (size_t i = 0; i < e->target_count; i++)
		destinations[i] = destination_of(e->targets[i]);
	copied = copy_group(e->promoter->copier, source->repository, e->digest, source->tally,
		destinations, e->target_count, err);
	for (size_t i = 0; i < e->target_count; i++) {
		if (!copied) {
			drop_result(e->targets[i], &destinations[i]);
			continue;
		}
		e->targets[i]->record->source = source->name;
		take_result(e->targets[i], &destinations[i]);
	}
	return copied;
}

/* The destination holds the digest: the manifest is read from there and put under its tags. */
static void tag_there(const struct effort *e, struct promote_target *target)
{
	struct copy_destination destination;
	struct http_tally reads = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	target->record->digest_found = KNOWN_PRESENT;
	target->record->digest_done = TAG_DONE_NOTHING;
	destination = destination_of(target);
	if (copy_group(e->promoter->copier, target->repository, e->digest, &reads, &destination, 1,
		    &err)) {
		take_result(target, &destination);
	} else {
		if (err_is(err, ERR_CANCELLED))
			target->end = RECORD_END_NOT_DONE;
		else
			record_add_error(target->record, err);
		drop_result(target, &destination);
	}
	add_tally(target->record, &reads);
}

/* True if the answer decides; else the target has its error. */
static bool ask_there(
	const struct promoter *promoter, const struct digest *digest, struct promote_target *target)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct record *record = target->record;
	struct http_tally tally = {0};
	struct digest found;
	char text[DIGEST_TEXT_SIZE];

	if (!hosts_check(promoter->hosts, target->repository->host, &err)) {
		record_add_error(record, err);
		return false;
	}
	digest_format(digest, text);
	if (registry_manifest_head(
		    promoter->registry, target->repository, text, &tally, &found, &err))
		record->digest_found = KNOWN_PRESENT;
	else if (err_is(err, ERR_NOT_FOUND))
		record->digest_found = KNOWN_ABSENT;
	else if (err_is(err, ERR_CANCELLED))
		target->end = RECORD_END_NOT_DONE;
	else
		record_add_error(record, err);
	hosts_note(promoter->hosts, target->repository->host,
		record->digest_found == KNOWN_NOTHING ? err : NULL);
	add_tally(record, &tally);
	return record->digest_found != KNOWN_NOTHING;
}

/* Too little is known: without --confirm too, nothing of it is in the plan. */
static enum plan_resolution give_up(struct promote_target *target)
{
	if (target->end == RECORD_END_PLANNED)
		target->end = RECORD_END_DONE;
	return PLAN_DO_FAIL;
}

enum plan_resolution promote_resolve(const struct promoter *promoter, const struct digest *digest,
	struct promote_target *target, enum plan_source source, const struct err *err)
{
	enum plan_resolution resolution = plan_resolve(target->record->digest_found, source);

	if (resolution == PLAN_DO_ASK) {
		if (!ask_there(promoter, digest, target))
			return give_up(target);
		resolution = plan_resolve(target->record->digest_found, source);
	}
	if (resolution == PLAN_DO_LOST)
		target->record->reasons |= PLAN_REASON(FINDING_LOST);
	else if (resolution == PLAN_DO_WAIT)
		target->end = RECORD_END_WAITING;
	else if (resolution == PLAN_DO_TAG)
		target->record->digest_done = TAG_DONE_NOTHING;
	if (resolution != PLAN_DO_FAIL)
		return resolution;
	record_add_error(target->record, err);
	return give_up(target);
}

/* Takes destinations out that are not worth trying any more. */
static void leave_out_fenced(struct effort *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->target_count; i++) {
		struct promote_target *target = e->targets[i];
		CLEANUP(err_freep) struct err *err = NULL;

		if (hosts_check(e->promoter->hosts, target->repository->host, &err))
			e->targets[kept++] = target;
		else
			record_add_error(target->record, err);
	}
	e->target_count = kept;
}

/* True if the source was read. */
static bool try_source(
	const struct effort *e, struct promote_source *source, enum plan_source *ret_known)
{
	struct err *err = NULL;

	if (!hosts_check(e->promoter->hosts, source->repository->host, &source->err)) {
		*ret_known = PLAN_SOURCE_UNKNOWN;
		return false;
	}
	if (copy_from(e, source, &err)) {
		hosts_note(e->promoter->hosts, source->repository->host, NULL);
		return true;
	}
	hosts_note(e->promoter->hosts, source->repository->host, err);
	if (err_is(err, ERR_NOT_FOUND)) {
		*ret_known = source->coming ? PLAN_SOURCE_COMING : PLAN_SOURCE_ABSENT;
		err_free(err);
		return false;
	}
	*ret_known = PLAN_SOURCE_UNKNOWN;
	source->err = err;
	return false;
}

static void resolve_all(const struct effort *e, enum plan_source known, const struct err *err)
{
	for (size_t i = 0; i < e->target_count; i++) {
		struct promote_target *target = e->targets[i];

		if (err_is(err, ERR_CANCELLED))
			target->end = RECORD_END_NOT_DONE;
		else if (promote_resolve(e->promoter, e->digest, target, known, err) == PLAN_DO_TAG)
			tag_there(e, target);
	}
}

void promote_group(const struct promoter *promoter, const struct digest *digest,
	struct promote_source *sources, size_t source_count, struct promote_target *targets,
	size_t target_count)
{
	CLEANUP(mem_freep)
	struct promote_target **left = mem_new(target_count + 1, sizeof(struct promote_target *));
	struct effort effort = {promoter, digest, left, 0};
	enum plan_source known = PLAN_SOURCE_ABSENT, one;
	const struct err *err = NULL;

	for (size_t i = 0; i < target_count; i++)
		if (!targets[i].is_done)
			left[effort.target_count++] = &targets[i];
	leave_out_fenced(&effort);
	for (size_t i = 0; i < source_count && effort.target_count; i++) {
		if (try_source(&effort, &sources[i], &one))
			return;
		known = plan_source_join(known, one);
		if (!err)
			err = sources[i].err;
	}
	resolve_all(&effort, known, err);
}
