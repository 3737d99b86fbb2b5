/*
 * Adding referrers. A registry that lists them itself is left to it, and its word (OCI-Subject) is
 * believed only after it has kept it once. Elsewhere the index under the tag is read, extended and
 * written without a lock, since registries have none: reading again shows who was in between.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/manifest.h"
#include "registry/manifest_request.h"
#include "registry/referrers_private.h"

/* Writes of one index before we give way. */
#define WRITES_MAX 6
/* Looks at an API until it shows what was put. */
#define LOOKS_MAX 3

/* ---- The manifests ---- */

/* *ret_promised: the registry says that it will list each of them. */
static bool put_documents(const struct referrers_place *place, const struct document *documents,
	size_t count, bool *ret_promised, struct err **err)
{
	bool promised = true;
	for (size_t i = 0; i < count; i++) {
		CLEANUP(request_release) struct request request;
		char text[DIGEST_TEXT_SIZE];
		struct digest subject;
		manifest_put_init(&request, place->registry, place->repository,
			digest_format(&documents[i].digest, text), "", &documents[i], place->tally);
		if (!request_do(&request, err) || !manifest_put_take(&request, &documents[i], err))
			return false;
		promised &= manifest_put_subject(&request, &subject) &&
			digest_equal(&subject, place->subject);
	}
	*ret_promised = promised;
	return true;
}

/* ---- The API ---- */

static bool has_all(const struct referrers_set *there, const struct referrers_set *wanted)
{
	for (size_t i = 0; i < wanted->list.items.len; i++)
		if (!referrers_set_has(there, &wanted->list.items.items[i].digest))
			return false;
	return true;
}

static bool not_listed(const struct referrers_place *place, struct err **err)
{
	char text[DIGEST_TEXT_SIZE];
	return err_set(err, ERR_INVALID,
		"%s/%s: the registry took what refers to %s, but its referrers API does not list "
		"it; clients will not find it",
		place->repository->host, place->repository->path,
		digest_format(place->subject, text));
}

/* *ret_done false: there is no API here. */
static bool find_in_api(const struct referrers_place *place, const struct referrers_set *wanted,
	bool promised, bool *ret_done, struct err **err)
{
	struct host *host = host_get(place->registry, place->repository->host);
	for (unsigned look = 1;; look++) {
		CLEANUP(referrers_set_release) struct referrers_set there = {0};
		bool supported = false;
		if (!referrers_from_api(place, NULL, &there, &supported, err))
			return false;
		*ret_done = supported;
		if (!supported) {
			unsigned none = REFERRERS_NONE;
			if (promised)
				atomic_compare_exchange_strong(
					&host->referrers, &none, REFERRERS_LIES);
			return true;
		}
		if (has_all(&there, wanted)) {
			if (promised)
				host->referrers = REFERRERS_PROVEN;
			return true;
		}
		if (look == LOOKS_MAX)
			return not_listed(place, err);
		if (!registry_pause(place->registry, look, err))
			return false;
	}
}

/* ---- The tag ---- */

static bool write_index(
	const struct referrers_place *place, const struct str *bytes, struct err **err)
{
	char tag[REFERRERS_TAG_SIZE];
	char media_type[] = MEDIA_TYPE_OCI_INDEX;
	const struct document document = {
		.bytes = bytes->bytes,
		.len = bytes->len,
		.media_type = media_type,
		.digest = digest_of(DIGEST_SHA256, bytes->bytes, bytes->len),
	};
	return registry_manifest_put(place->registry, place->repository,
		referrers_tag(place->subject, tag), &document, place->tally, err);
}

/*
 * Until a read shows everything: ours, and what an earlier read of this call has shown. Somebody
 * who wrote between our read and our write took nothing of ours away, but we of theirs: they have
 * to look, as we do.
 */
static bool extend_tag(
	const struct referrers_place *place, struct referrers_set *known, struct err **err)
{
	char text[DIGEST_TEXT_SIZE];
	for (unsigned writes = 0;; writes++) {
		CLEANUP(document_release) struct document current = {0};
		CLEANUP(str_release) struct str next = STR_INIT(REFERRERS_INDEX_MAX);
		size_t added = 0;
		if (!referrers_tag_read(place, &current, err))
			return false;
		if (!referrers_index_extend(known, current.bytes, current.len, &next, &added, err))
			return err_prefix(err, "%s/%s: referrers of %s", place->repository->host,
				place->repository->path, digest_format(place->subject, text));
		if (added == 0)
			return true;
		if (writes == WRITES_MAX)
			break;
		if (current.bytes &&
			!referrers_set_read(known, current.bytes, current.len, NULL, err))
			return false;
		if (writes > 0 && !registry_pause(place->registry, writes, err))
			return false;
		if (!write_index(place, &next, err))
			return false;
	}
	return err_set(err, ERR_CONFLICT,
		"%s/%s: other writers keep replacing the index of what refers to %s: run again",
		place->repository->host, place->repository->path,
		digest_format(place->subject, text));
}

static bool extend_tag_alone(
	const struct referrers_place *place, struct referrers_set *known, struct err **err)
{
	char tag[REFERRERS_TAG_SIZE];
	referrers_tag(place->subject, tag);
	if (!registry_tag_lock(place->registry, place->repository, tag, err))
		return false;
	bool ok = extend_tag(place, known, err);
	registry_tag_unlock(place->registry, place->repository, tag);
	return ok;
}

/* ---- Both ---- */

bool referrers_put(struct registry *registry, const struct repository *repository,
	const struct digest *subject, const struct document *documents, size_t count,
	struct http_tally *tally, struct err **err)
{
	const struct referrers_place place = {registry, repository, subject, tally};
	CLEANUP(referrers_set_release) struct referrers_set wanted = {0};
	const struct host *host = host_get(registry, repository->host);
	bool promised = false, done = false;
	for (size_t i = 0; i < count; i++)
		if (!referrers_set_add_document(&wanted, &documents[i], subject, err))
			return err_prefix(err, "%s/%s", repository->host, repository->path);
	if (!put_documents(&place, documents, count, &promised, err))
		return false;
	unsigned state = host->referrers;
	if (promised && state == REFERRERS_PROVEN)
		return true;
	bool may_have_api = promised ? state != REFERRERS_LIES
				     : state != REFERRERS_NONE && state != REFERRERS_LIES;
	if (may_have_api && !find_in_api(&place, &wanted, promised, &done, err))
		return false;
	return done || extend_tag_alone(&place, &wanted, err);
}
