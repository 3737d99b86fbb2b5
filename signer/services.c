/*
 * Reads SigningConfigs and applies their selectors, as Sigstore's clients do: of each sort of service the
 * newest version that we speak, of each operator the newest service. It asks nobody.
 */
#include "signer/services.h"

#include <string.h>

#include "base/clock.h"
#include "signer/json_private.h"
#include "signer/trust_root_private.h"

#define MEDIA_TYPE "application/vnd.dev.sigstore.signingconfig.v0.2+json"
#define SERVICES_MAX 64 /* of each sort */

struct offer {
	char *url;
	const char *operator; /* of the document */
	uint64_t version;
	int64_t start_ms;
};

/* One sort of service: what of it we could use. */
struct offers {
	const char *what; /* for people */
	struct offer items[SERVICES_MAX];
	size_t count;
	size_t listed;
};

static void offers_release(struct offers *offers)
{
	for (size_t i = 0; i < offers->count; i++)
		mem_free(offers->items[i].url);
}

void signing_services_release(struct signing_services *services)
{
	mem_free(services->fulcio_url);
	for (size_t i = 0; i < services->rekor1_urls.len; i++)
		mem_free(services->rekor1_urls.items[i]);
	for (size_t i = 0; i < services->rekor2_urls.len; i++)
		mem_free(services->rekor2_urls.items[i]);
	for (size_t i = 0; i < services->timestamp_urls.len; i++)
		mem_free(services->timestamp_urls.items[i]);
	vec_release(&services->rekor1_urls);
	vec_release(&services->rekor2_urls);
	vec_release(&services->timestamp_urls);
}

/* ---- Reading ---- */

static bool offer_read(const struct json_t *service, int64_t now_ms, uint64_t max_version,
	struct offers *offers, struct err **err)
{
	const char *url, *operator;
	struct validity validity;
	uint64_t version;

	if (!proto_text(service, "url", &url, err) ||
		!proto_text(service, "operator", &operator, err) ||
		!proto_number(service, "majorApiVersion", &version, err) ||
		!validity_read(service, &validity, err))
		return false;
	if (!*url)
		return err_set(err, ERR_INVALID, "it has no URL");
	if (version < 1 || version > max_version || !validity_includes(&validity, now_ms))
		return true;
	offers->items[offers->count++] = (struct offer){.url = mem_strdup(url),
		.operator= operator,
		.version = version,
		.start_ms = validity.start_ms};
	return true;
}

static bool offers_read(const struct json_t *document, const char *key, int64_t now_ms,
	uint64_t max_version, struct offers *offers, struct err **err)
{
	const struct json_t *array;

	if (!proto_objects(document, key, SERVICES_MAX, &array, &offers->listed, err))
		return false;
	for (size_t i = 0; i < offers->listed; i++)
		if (!offer_read(proto_element(array, i), now_ms, max_version, offers, err))
			return err_prefix(err, "%s[%zu]", key, i);
	if (offers->listed && !offers->count)
		return err_set(err, ERR_NOT_FOUND,
			"none of its %zu %s counts now and has a version that is spoken here",
			offers->listed, offers->what);
	return true;
}

/* ---- Choosing ---- */

/* Highest version first, then newest; the order of the document decides the rest. */
static bool goes_before(const struct offer *a, const struct offer *b)
{
	return a->version != b->version ? a->version > b->version : a->start_ms > b->start_ms;
}

/* Leaves one of each operator, all of the highest version. */
static void offers_reduce(struct offers *offers)
{
	size_t kept = 0;

	/* Few enough that a stable sort by hand is the simplest. */
	for (size_t i = 1; i < offers->count; i++)
		for (size_t j = i; j > 0 && goes_before(&offers->items[j], &offers->items[j - 1]);
			j--) {
			struct offer moved = offers->items[j];
			offers->items[j] = offers->items[j - 1];
			offers->items[j - 1] = moved;
		}
	for (size_t i = 0; i < offers->count; i++) {
		struct offer offer = offers->items[i];
		bool is_wanted = offer.version == offers->items[0].version;
		for (size_t j = 0; j < kept; j++)
			if (strcmp(offers->items[j].operator, offer.operator) == 0)
				is_wanted = false;
		if (is_wanted)
			offers->items[kept++] = offer;
		else
			mem_free(offer.url);
	}
	offers->count = kept;
}

static bool count_read(const struct json_t *document, const char *key, const struct offers *offers,
	size_t *ret_count, struct err **err)
{
	const struct json_t *config;
	const char *selector;
	uint64_t count;

	if (!proto_object(document, key, &config, err) ||
		!proto_text(config, "selector", &selector, err) ||
		!proto_number(config, "count", &count, err))
		return false;
	if (strcmp(selector, "ANY") == 0)
		*ret_count = 1;
	else if (strcmp(selector, "ALL") == 0)
		*ret_count = offers->count;
	else if (strcmp(selector, "EXACT") == 0 && count > 0)
		*ret_count = count > SIZE_MAX ? SIZE_MAX : (size_t)count;
	else
		return err_set(err, ERR_INVALID,
			"%s: the selector is \"%.40s\", not ALL, ANY or EXACT with a count", key,
			selector);
	return *ret_count <= offers->count ||
		err_set(err, ERR_NOT_FOUND,
			"%zu %s by different operators are asked for, %zu can be used now",
			*ret_count, offers->what, offers->count);
}

struct choice {
	struct offers fulcio, rekor, timestamping;
	size_t rekor_count, timestamp_count;
};

static void choice_release(struct choice *choice)
{
	offers_release(&choice->fulcio);
	offers_release(&choice->rekor);
	offers_release(&choice->timestamping);
}

static bool choose(const struct json_t *document, int64_t now_ms, unsigned max_rekor_version,
	struct choice *choice, struct err **err)
{
	choice->fulcio.what = "certificate authorities";
	choice->rekor.what = "transparency logs";
	choice->timestamping.what = "timestamp authorities";
	if (!offers_read(document, "caUrls", now_ms, 1, &choice->fulcio, err) ||
		!offers_read(document, "rekorTlogUrls", now_ms, max_rekor_version, &choice->rekor,
			err) ||
		!offers_read(document, "tsaUrls", now_ms, 1, &choice->timestamping, err))
		return false;
	offers_reduce(&choice->fulcio);
	offers_reduce(&choice->rekor);
	offers_reduce(&choice->timestamping);
	return (!choice->rekor.count ||
		       count_read(document, "rekorTlogConfig", &choice->rekor, &choice->rekor_count,
			       err)) &&
		(!choice->timestamping.count ||
			count_read(document, "tsaConfig", &choice->timestamping,
				&choice->timestamp_count, err));
}

static void services_fill(struct choice *choice, struct signing_services *services)
{
	if (choice->fulcio.count)
		services->fulcio_url = steal_ptr(&choice->fulcio.items[0].url);
	for (size_t i = 0; i < choice->rekor_count; i++) {
		struct offer *offer = &choice->rekor.items[i];
		if (offer->version == 1)
			*vec_push(&services->rekor1_urls) = steal_ptr(&offer->url);
		else
			*vec_push(&services->rekor2_urls) = steal_ptr(&offer->url);
	}
	for (size_t i = 0; i < choice->timestamp_count; i++)
		*vec_push(&services->timestamp_urls) =
			steal_ptr(&choice->timestamping.items[i].url);
}

bool signing_services_choose(const char *text, size_t len, int64_t now, unsigned max_rekor_version,
	struct signing_services *ret_services, struct err **err)
{
	CLEANUP(json_tree_freep) struct json_t *document = NULL;
	CLEANUP(choice_release) struct choice choice = {0};
	const char *media_type;

	if (!proto_load(text, len, SIGNING_CONFIG_MAX_SIZE, &document, err) ||
		!proto_text(document, "mediaType", &media_type, err))
		return err_prefix(err, "signing config");
	if (strcmp(media_type, MEDIA_TYPE) != 0)
		return err_set(err, ERR_UNSUPPORTED,
			"signing config: media type \"%.160s\" instead of \"" MEDIA_TYPE "\"",
			media_type);
	if (!choose(document, now * 1000, max_rekor_version, &choice, err))
		return err_prefix(err, "signing config");
	*ret_services = (struct signing_services){0};
	services_fill(&choice, ret_services);
	return true;
}
