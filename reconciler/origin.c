/*
 * Looks at sources. A 404 on a list proves absence only on a host that has shown Google's
 * extension; everywhere else only a HEAD by digest does. What follows from absence is not decided
 * here.
 */
#include "reconciler/origin.h"

#include <string.h>

enum { LIST_CUT_OFF = 10000 /* see observed.c */, WORTH_A_LIST = 2 };

struct listing {
	struct origin *origins;
	size_t count;
	uint64_t manifests;
};

int origin_compare(const void *left, const void *right)
{
	const struct origin *a = left, *b = right;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return memcmp(a->sha256, b->sha256, DIGEST_SHA256_SIZE);
}

struct origin *origin_find(
	struct origin *origins, size_t count, uint32_t source, const uint8_t *sha256)
{
	const struct origin wanted = {.source = source, .sha256 = sha256};
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = origin_compare(&origins[middle], &wanted);

		if (order == 0)
			return &origins[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void on_tag(void *ctx, const char *tag)
{
	(void)ctx;
	(void)tag;
}

static void on_manifest_tag(void *ctx, const struct digest *digest, const char *tag)
{
	(void)ctx;
	(void)digest;
	(void)tag;
}

static void on_manifest(void *ctx, const struct digest *digest)
{
	struct listing *listing = ctx;
	struct origin *origin;

	listing->manifests++;
	if (digest->algorithm != DIGEST_SHA256)
		return;
	origin = origin_find(
		listing->origins, listing->count, listing->origins[0].source, digest->bytes);
	if (origin)
		origin->known = KNOWN_PRESENT;
}

static void settle(struct origin *origins, size_t count, enum known rest, const struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (rest == KNOWN_NOTHING || origins[i].known != KNOWN_PRESENT)
			origins[i].known = rest;
		if (err)
			origins[i].err = err_copy(err);
	}
}

bool origin_list(struct origin *origins, size_t count, struct registry *registry,
	struct hosts *hosts, const struct repository *repository, struct http_tally *tally)
{
	struct listing listing = {.origins = origins, .count = count};
	const struct tags_visitor visitor = {.on_tag = on_tag,
		.on_manifest = on_manifest,
		.on_manifest_tag = on_manifest_tag,
		.ctx = &listing};
	CLEANUP(err_freep) struct err *err = NULL;
	enum tags_kind kind = TAGS_PLAIN;
	bool listed;

	if (count < WORTH_A_LIST)
		return false;
	if (!registry_host_is_google(registry, repository->host) &&
		!hosts_try_google(hosts, repository->host))
		return false;
	if (!hosts_check(hosts, repository->host, &err)) {
		settle(origins, count, KNOWN_NOTHING, err);
		return true;
	}
	listed = registry_tags_list(registry, repository, &visitor, tally, &kind, &err);
	hosts_note(hosts, repository->host, err);
	if (listed && kind == TAGS_GOOGLE && listing.manifests < LIST_CUT_OFF) {
		settle(origins, count, KNOWN_ABSENT, NULL);
		return true;
	}
	if (!listed && err_is(err, ERR_NOT_FOUND) &&
		registry_host_is_google(registry, repository->host)) {
		settle(origins, count, KNOWN_ABSENT, NULL);
		return true;
	}
	if (!listed && !err_is(err, ERR_NOT_FOUND)) {
		settle(origins, count, KNOWN_NOTHING, err);
		return true;
	}
	settle(origins, count, KNOWN_NOTHING, NULL);
	return false;
}

void origin_ask(struct origin *origin, struct registry *registry, struct hosts *hosts,
	const struct repository *repository, struct http_tally *tally)
{
	const struct digest wanted = digest_from_sha256(origin->sha256);
	struct err *err = NULL;
	struct digest found;
	char text[DIGEST_TEXT_SIZE];

	if (!hosts_check(hosts, repository->host, &origin->err))
		return;
	digest_format(&wanted, text);
	if (registry_manifest_head(registry, repository, text, tally, &found, &err)) {
		origin->known = KNOWN_PRESENT;
	} else if (err_is(err, ERR_NOT_FOUND)) {
		origin->known = KNOWN_ABSENT;
	} else {
		hosts_note(hosts, repository->host, err);
		origin->err = err;
		return;
	}
	hosts_note(hosts, repository->host, NULL);
	err_free(err);
}
