/*
 * Two readers behind one interface: which of them applies is told by the answer itself (the
 * presence of Google's `manifest`), never by the host's name. What it deliberately does not know:
 * what ought to be there, and what to do about a difference.
 */
#include "reconciler/observed.h"

#include "reconciler/observed_bundles.h"
#include "replicator/replica_tag.h"

/*
 * Google documents that a list may be cut off above this many tags or images, so in a list that
 * long absence proves nothing.
 */
enum { LIST_CUT_OFF = 10000 };

void observed_init(struct observed *observed, const struct wanted *wanted)
{
	*observed = (struct observed){
		.wanted = wanted,
		.digests = mem_new(wanted->digests.len + 1, sizeof(*observed->digests)),
		.beside = mem_new(wanted->digests.len + 1, sizeof(*observed->beside)),
		.tags = mem_new(wanted->names.len + 1, sizeof(*observed->tags)),
	};
}

void observed_want_extra(struct observed *observed)
{
	observed->extra = mem_new(1, sizeof(*observed->extra));
}

void observed_release(struct observed *observed)
{
	if (observed->tags)
		for (size_t i = 0; i < observed->wanted->names.len; i++)
			mem_free(observed->tags[i].elsewhere);
	for (size_t i = 0; i < observed->questions.len; i++)
		err_free(observed->questions.items[i].err);
	vec_release(&observed->questions);
	inventory_release(&observed->attached);
	err_free(observed->err);
	mem_free(observed->digests);
	mem_free(observed->beside);
	mem_free(observed->bundles);
	mem_free(observed->tags);
	if (observed->extra)
		extra_tags_release(observed->extra);
	mem_free(observed->extra);
	observed->digests = NULL;
	observed->beside = NULL;
	observed->tags = NULL;
	observed->extra = NULL;
	observed->err = NULL;
}

static void set_digest(
	struct observed *observed, struct observed_tag *tag, const struct digest *digest)
{
	uint32_t index = digest->algorithm == DIGEST_SHA256
		? wanted_find(observed->wanted, digest->bytes)
		: WORK_NONE;

	mem_free(tag->elsewhere);
	tag->elsewhere = index == WORK_NONE ? mem_dup(digest, sizeof(*digest)) : NULL;
	tag->digest = index;
}

static bool same_digest(const struct observed *observed, const struct observed_tag *tag,
	const struct digest *digest)
{
	struct digest known;

	if (tag->elsewhere)
		return digest_equal(tag->elsewhere, digest);
	known = digest_from_sha256(observed->wanted->digests.items[tag->digest].sha256);
	return digest_equal(&known, digest);
}

static struct observed_tag *tag_named(struct observed *observed, const char *name)
{
	uint32_t slot = wanted_slot(observed->wanted, name);

	return slot == WORK_NONE ? NULL : &observed->tags[slot];
}

/* Such a tag belongs to a digest, and nobody declares it. `content` may be NULL. */
static bool note_beside(struct observed *observed, const char *name, const struct digest *content)
{
	static const uint8_t bits[] = {[REPLICA_SIG] = BESIDE_SIG,
		[REPLICA_ATT] = BESIDE_ATT,
		[REPLICA_SBOM] = BESIDE_SBOM,
		[REPLICA_REFERRERS] = BESIDE_INDEX};
	struct replica_tag beside;
	uint32_t index;
	bool was_seen;

	if (!replica_tag_parse(name, &beside))
		return false;
	index = wanted_find(observed->wanted, beside.image);
	if (index == WORK_NONE)
		return true;
	was_seen = observed->beside[index] & bits[beside.kind];
	observed->beside[index] |= bits[beside.kind];
	/* Google's lists say each name twice, first with its digest: kept once. */
	if (observed->keeps_attached && (content || !was_seen))
		inventory_add(&observed->attached, &beside, content);
	return true;
}

/* An entry whose digest is malformed still claims its tags. */
static bool is_claimed(const struct wanted *wanted, const char *name)
{
	for (size_t i = wanted->well_formed; i < wanted->digests.len; i++) {
		const struct wanted_digest *digest = &wanted->digests.items[i];

		for (uint32_t t = 0; t < digest->tag_count; t++)
			if (strcmp(wanted->tags.items[digest->first_tag + t].name, name) == 0)
				return true;
	}
	return false;
}

static void on_tag(void *ctx, const char *name)
{
	struct observed *observed = ctx;
	struct observed_tag *tag;

	observed->listed_tags++;
	if (note_beside(observed, name, NULL))
		return;
	tag = tag_named(observed, name);
	if (tag)
		tag->listed = true;
	else if (observed->extra && !is_claimed(observed->wanted, name))
		extra_tags_add(observed->extra, name);
}

static void on_manifest(void *ctx, const struct digest *digest)
{
	struct observed *observed = ctx;
	uint32_t index;

	observed->listed_manifests++;
	if (digest->algorithm != DIGEST_SHA256)
		return;
	index = wanted_find(observed->wanted, digest->bytes);
	if (index != WORK_NONE)
		observed->digests[index] = KNOWN_PRESENT;
}

static void on_manifest_tag(void *ctx, const struct digest *digest, const char *name)
{
	struct observed *observed = ctx;
	struct observed_tag *tag =
		note_beside(observed, name, digest) ? NULL : tag_named(observed, name);

	if (!tag)
		return;
	if (tag->mapped && !same_digest(observed, tag, digest))
		tag->contradicted = true;
	set_digest(observed, tag, digest);
	tag->mapped = true;
}

static void add_question(struct observed *observed, bool is_digest, uint32_t index)
{
	*vec_push(&observed->questions) =
		(struct observed_question){.is_digest = is_digest, .index = index};
}

static void believe_tag(struct observed_tag *tag, uint32_t digest)
{
	if (!tag->listed || tag->mapped)
		return;
	/* Claimed by two. */
	tag->contradicted |= tag->found == TAG_AT_DIGEST && tag->digest != digest;
	tag->found = tag->contradicted ? TAG_UNKNOWN : TAG_AT_DIGEST;
	tag->digest = digest;
}

static void believe_tags(struct observed *observed)
{
	const struct wanted *wanted = observed->wanted;

	for (uint32_t i = 0; i < wanted->well_formed; i++) {
		const struct wanted_digest *digest = &wanted->digests.items[i];

		for (uint32_t t = 0; t < digest->tag_count; t++) {
			const struct wanted_tag *tag = &wanted->tags.items[digest->first_tag + t];

			/* One that may move is expected to. */
			if (tag->slot != WORK_NONE && !tag->is_mutable)
				believe_tag(&observed->tags[tag->slot], i);
		}
	}
}

static void conclude_tags(struct observed *observed)
{
	if (observed->believes_tags)
		believe_tags(observed);
	for (uint32_t slot = 0; slot < observed->wanted->names.len; slot++) {
		struct observed_tag *tag = &observed->tags[slot];

		if (tag->mapped && !tag->contradicted)
			tag->found = tag->elsewhere ? TAG_ELSEWHERE : TAG_AT_DIGEST;
		else if (tag->found == TAG_AT_DIGEST)
			continue; /* believed */
		else if (tag->listed || tag->mapped || !observed->tells_tags)
			add_question(observed, false, slot);
		else
			tag->found = TAG_ABSENT;
	}
}

/* `tells_digests`: the list names every manifest, tagged or not. */
static void conclude_digests(struct observed *observed, bool tells_digests)
{
	const struct wanted *wanted = observed->wanted;

	for (uint32_t i = 0; i < wanted->well_formed; i++) {
		if (observed->digests[i] == KNOWN_PRESENT)
			continue;
		if (tells_digests)
			observed->digests[i] = KNOWN_ABSENT;
		else if (wanted->digests.items[i].by_digest)
			add_question(observed, true, i);
	}
}

static void forget(struct observed *observed)
{
	memset(observed->digests, KNOWN_NOTHING, observed->wanted->digests.len);
	memset(observed->beside, 0, observed->wanted->digests.len);
	vec_clear(&observed->attached.items);
	for (size_t i = 0; i < observed->wanted->names.len; i++) {
		mem_free(observed->tags[i].elsewhere);
		observed->tags[i] = (struct observed_tag){0};
	}
	if (observed->extra)
		extra_tags_release(observed->extra);
}

bool observed_list(struct observed *observed, struct registry *registry,
	const struct repository *repository, struct err **err)
{
	const struct tags_visitor visitor = {.on_tag = on_tag,
		.on_manifest = on_manifest,
		.on_manifest_tag = on_manifest_tag,
		.ctx = observed};
	enum tags_kind kind = TAGS_PLAIN;
	bool listed = registry_tags_list(
		registry, repository, &visitor, &observed->tally, &kind, &observed->err);
	bool missing = !listed && err_is(observed->err, ERR_NOT_FOUND);
	bool whole =
		observed->listed_tags < LIST_CUT_OFF && observed->listed_manifests < LIST_CUT_OFF;

	if (!listed)
		forget(observed);
	if (!listed && !missing) {
		if (err)
			*err = err_copy(observed->err);
		return false;
	}
	if (missing) {
		err_free(steal_ptr(&observed->err));
		/* A plain registry also says 404 for a repository of untagged manifests. */
		kind = registry_host_is_google(registry, repository->host) ? TAGS_GOOGLE
									   : TAGS_PLAIN;
	}
	observed->tells_tags = kind == TAGS_PLAIN || whole;
	observed->is_listed = true;
	observed->attached.is_partial = !observed->tells_tags;
	inventory_finish(&observed->attached);
	conclude_tags(observed);
	conclude_digests(observed, kind == TAGS_GOOGLE && whole);
	observed_bundles_conclude(observed, registry, repository);
	return true;
}

static bool ask_tag(struct observed *observed, struct registry *registry,
	const struct repository *repository, uint32_t slot, struct err **err)
{
	struct observed_tag *tag = &observed->tags[slot];
	struct digest digest;

	if (registry_manifest_head(registry, repository, observed->wanted->names.items[slot].name,
		    &observed->tally, &digest, err)) {
		set_digest(observed, tag, &digest);
		tag->found = tag->elsewhere ? TAG_ELSEWHERE : TAG_AT_DIGEST;
		return true;
	}
	if (!err_is(*err, ERR_NOT_FOUND))
		return false;
	tag->found = TAG_ABSENT;
	return true;
}

static bool ask_digest(struct observed *observed, struct registry *registry,
	const struct repository *repository, uint32_t index, struct err **err)
{
	struct digest wanted = digest_from_sha256(observed->wanted->digests.items[index].sha256);
	struct digest found;
	char text[DIGEST_TEXT_SIZE];

	digest_format(&wanted, text);
	if (registry_manifest_head(registry, repository, text, &observed->tally, &found, err)) {
		if (!digest_equal(&wanted, &found))
			return err_set(err, ERR_DIGEST, "%s/%s: asked for %s, was told of another",
				repository->host, repository->path, text);
		observed->digests[index] = KNOWN_PRESENT;
		return true;
	}
	if (!err_is(*err, ERR_NOT_FOUND))
		return false;
	observed->digests[index] = KNOWN_ABSENT;
	return true;
}

static bool ask(struct observed *observed, struct registry *registry,
	const struct repository *repository, struct observed_question *q)
{
	if (q->is_bundles)
		return observed_bundles_ask(observed, registry, repository, q->index, &q->err);
	return q->is_digest ? ask_digest(observed, registry, repository, q->index, &q->err)
			    : ask_tag(observed, registry, repository, q->index, &q->err);
}

bool observed_ask(struct observed *observed, struct registry *registry,
	const struct repository *repository, size_t question, struct err **err)
{
	struct observed_question *q = &observed->questions.items[question];

	if (!ask(observed, registry, repository, q)) {
		if (err)
			*err = err_copy(q->err);
		return false;
	}
	err_free(steal_ptr(&q->err)); /* a 404 */
	return true;
}

void observed_finish(struct observed *observed)
{
	for (size_t slot = 0; slot < observed->wanted->names.len; slot++)
		if (observed->tags[slot].found == TAG_AT_DIGEST)
			observed->digests[observed->tags[slot].digest] = KNOWN_PRESENT;
}

enum known observed_beside(
	const struct observed *observed, uint32_t digest, enum observed_beside beside)
{
	if (observed->beside[digest] & beside)
		return KNOWN_PRESENT;
	return observed->tells_tags ? KNOWN_ABSENT : KNOWN_NOTHING;
}

const struct err *observed_error(const struct observed *observed, bool is_digest, uint32_t index)
{
	size_t low = 0, high = observed->questions.len;

	if (observed->err)
		return observed->err;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct observed_question *q = &observed->questions.items[middle];

		if (q->is_digest == is_digest && q->index == index && !q->is_bundles)
			return q->err;
		if (!q->is_bundles &&
			(q->is_digest < is_digest ||
				(q->is_digest == is_digest && q->index < index)))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
