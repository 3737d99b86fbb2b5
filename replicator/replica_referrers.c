/*
 * What only a referrers API lists. Asked at the primary for one image; a mirror lacks what its list, its
 * own API or its index does not show. Nothing is taken away, and no two manifests are ever made one: they
 * are told apart by their digests.
 */
#include "base/cancel.h"
#include "registry/referrers.h"
#include "replicator/replicator_private.h"

struct referring {
	struct replicator *replicator;
	const struct replica_set *set;
	const struct replica_look *look;
	size_t primary;
	struct replica_tag tag;
	struct digest image;
	struct referrers listed; /* at the primary */
	struct referrer_mirror *mirrors;
	size_t mirror_count;
};

struct referrer_mirror {
	size_t site;
	bool *has;	  /* by number in what the primary lists */
	bool needs_index; /* it has no API that would list what it gets */
	size_t lacking;
	struct err *err; /* owned; nothing more is tried */
};

static void referring_release(struct referring *r)
{
	for (size_t i = 0; i < r->mirror_count; i++) {
		mem_free(r->mirrors[i].has);
		err_free(r->mirrors[i].err);
	}
	mem_free(r->mirrors);
	referrers_release(&r->listed);
}

static const struct repository *at(const struct referring *r, size_t site)
{
	return &r->set->sites[site].repository;
}

static void find_mirrors(struct referring *r)
{
	CLEANUP(mem_freep) bool *is_mirror = mem_new(r->set->count, sizeof(*is_mirror));

	r->set->mirrors(r->set->ctx, r->primary, r->tag.image, is_mirror);
	r->mirrors = mem_new(r->set->count, sizeof(*r->mirrors));
	for (size_t i = 0; i < r->set->count; i++)
		if (is_mirror[i] && i != r->primary)
			r->mirrors[r->mirror_count++].site = i;
}

/* ---- What is where ---- */

/* False also if there is no such API. */
static bool list_primary(struct referring *r, struct err **err)
{
	const struct repository *repository = at(r, r->primary);
	CLEANUP(err_freep) struct err *why = NULL;
	bool supported = false;

	if (!cancel_check(r->replicator->options.cancel, CANCEL_DRAIN, err) ||
		!replicator_may_ask(r->replicator, repository->host, err))
		return false;
	bool ok = referrers_list_api(r->replicator->options.registry, repository, &r->image, NULL,
		r->replicator->options.tally, &supported, &r->listed, &why);
	replicator_note(r->replicator, repository->host, why);
	if (ok || err_is(why, ERR_NOT_FOUND))
		return supported && r->listed.items.len > 0;
	err_prefix(&why, "primary");
	err_keep_first(err, &why);
	return false;
}

static void mark(
	const struct referring *r, struct referrer_mirror *mirror, const struct referrers *there)
{
	for (size_t i = 0; i < r->listed.items.len; i++)
		for (size_t j = 0; j < there->items.len && !mirror->has[i]; j++)
			mirror->has[i] = digest_equal(
				&r->listed.items.items[i].digest, &there->items.items[j].digest);
}

static bool ask_mirror(struct referring *r, struct referrer_mirror *mirror)
{
	const struct repository *repository = at(r, mirror->site);
	CLEANUP(referrers_release) struct referrers there = {0};

	if (!replicator_may_ask(r->replicator, repository->host, &mirror->err))
		return false;
	bool ok = referrers_list(r->replicator->options.registry, repository, &r->image, NULL,
		r->replicator->options.tally, &there, &mirror->err);
	replicator_note(r->replicator, repository->host, mirror->err);
	if (!ok && !err_is(mirror->err, ERR_NOT_FOUND))
		return false;
	err_free(steal_ptr(&mirror->err));
	mirror->needs_index = !ok || there.from_tag;
	mark(r, mirror, &there);
	return true;
}

static void look_at_mirror(struct referring *r, struct referrer_mirror *mirror)
{
	const struct inventory *manifests =
		r->look->manifests ? &r->look->manifests[mirror->site] : NULL;
	size_t count = r->listed.items.len;

	mirror->has = mem_new(count, sizeof(*mirror->has));
	if (manifests && manifests->tells_manifests) {
		/* Whether it has the API is not known; a list does not say. */
		mirror->needs_index = true;
		for (size_t i = 0; i < count; i++)
			mirror->has[i] =
				inventory_has_manifest(manifests, &r->listed.items.items[i].digest);
	} else if (!ask_mirror(r, mirror)) {
		return;
	}
	for (size_t i = 0; i < count; i++)
		mirror->lacking += !mirror->has[i];
}

/* ---- Bringing ---- */

/* The manifest, with all that it names, to every mirror that lacks it. */
static void copy_to_mirrors(struct referring *r, size_t number, const struct document *document)
{
	struct copy_destination *destinations = mem_new(r->mirror_count, sizeof(*destinations));
	CLEANUP(mem_freep)
	struct referrer_mirror **lacking =
		mem_new(r->mirror_count, sizeof(struct referrer_mirror *));
	size_t count = 0;

	for (size_t i = 0; i < r->mirror_count; i++) {
		struct referrer_mirror *mirror = &r->mirrors[i];

		if (mirror->err || mirror->has[number])
			continue;
		destinations[count] = (struct copy_destination){.repository = *at(r, mirror->site)};
		lacking[count++] = mirror;
	}
	copy_document(r->replicator->copier, at(r, r->primary), document,
		r->replicator->options.tally, destinations, count);
	for (size_t i = 0; i < count; i++) {
		replicator_count(r->replicator, &destinations[i].tally);
		replicator_note(
			r->replicator, destinations[i].repository.host, destinations[i].err);
		lacking[i]->err = destinations[i].err;
	}
	mem_free(destinations);
}

/* Mirrors without an API have an index of what refers to an image, which somebody has to extend. */
static void list_at_mirrors(struct referring *r, size_t number, const struct document *document)
{
	for (size_t i = 0; i < r->mirror_count; i++) {
		struct referrer_mirror *mirror = &r->mirrors[i];

		if (mirror->err || mirror->has[number] || !mirror->needs_index)
			continue;
		referrers_put(r->replicator->options.registry, at(r, mirror->site), &r->image,
			document, 1, r->replicator->options.tally, &mirror->err);
		replicator_note(r->replicator, at(r, mirror->site)->host, mirror->err);
	}
}

static bool is_lacked(const struct referring *r, size_t number)
{
	for (size_t i = 0; i < r->mirror_count; i++)
		if (!r->mirrors[i].err && !r->mirrors[i].has[number])
			return true;
	return false;
}

static bool bring(struct referring *r, struct err **err)
{
	for (size_t i = 0; i < r->listed.items.len; i++) {
		CLEANUP(document_release) struct document document = {0};

		if (!is_lacked(r, i))
			continue;
		if (!cancel_check(r->replicator->options.cancel, CANCEL_DRAIN, err))
			return false;
		if (!registry_manifest_get(r->replicator->options.registry, at(r, r->primary),
			    &r->listed.items.items[i].digest, r->replicator->options.tally,
			    &document, err))
			return err_prefix(err, "primary");
		copy_to_mirrors(r, i, &document);
		list_at_mirrors(r, i, &document);
	}
	return true;
}

/* ---- The end ---- */

static void tell_end(
	const struct referring *r, const struct referrer_mirror *mirror, const struct err *failure)
{
	const struct err *err = mirror->err ? mirror->err : mirror->lacking ? failure : NULL;
	enum replica_end end = REPLICA_COPIED;

	if (err)
		end = err_is(err, ERR_CANCELLED) ? REPLICA_NOT_DONE : REPLICA_FAILED;
	else if (!mirror->lacking)
		end = REPLICA_IN_PLACE;
	else if (!r->replicator->options.confirm)
		end = REPLICA_PLANNED;
	replicator_tell(r->replicator, r->set, r->primary, &r->tag, mirror->site, end, err);
}

void replicator_carry_referrers(struct replicator *replicator, const struct replica_set *set,
	const struct replica_look *look, size_t primary, const uint8_t image[DIGEST_SHA256_SIZE])
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(referring_release)
	struct referring r = {
		.replicator = replicator,
		.set = set,
		.look = look,
		.primary = primary,
		.tag = {.kind = REPLICA_REFERRERS},
		.image = digest_from_sha256(image),
	};

	memcpy(r.tag.image, image, sizeof(r.tag.image));
	find_mirrors(&r);
	if (!r.mirror_count)
		return;
	if (list_primary(&r, &err)) {
		for (size_t i = 0; i < r.mirror_count; i++)
			look_at_mirror(&r, &r.mirrors[i]);
		if (replicator->options.confirm)
			bring(&r, &err);
	} else if (!err) {
		return;
	} else {
		for (size_t i = 0; i < r.mirror_count; i++)
			r.mirrors[i].lacking = 1;
	}
	for (size_t i = 0; i < r.mirror_count; i++)
		tell_end(&r, &r.mirrors[i], err);
}
