/* The two places where referrers are listed. Internal to registry/; errors as in referrers.h. */
#ifndef CIP_REGISTRY_REFERRERS_PRIVATE_H
#define CIP_REGISTRY_REFERRERS_PRIVATE_H

#include "registry/referrers_index.h"
#include "registry/request.h"

/* What one call is about. Borrowed. */
struct referrers_place {
	struct registry *registry;
	const struct repository *repository;
	const struct digest *subject;
	struct http_tally *tally;
};

/*
 * Adds what the API lists, all pages. *ret_supported false: there is no API here, nothing was
 * added. What it shows of the host is learned.
 */
bool referrers_from_api(const struct referrers_place *place, const char *artifact_type,
	struct referrers_set *set, bool *ret_supported, struct err **err);

/*
 * Reads the index under the tag; *ret_document is empty if there is none. ERR_CONFLICT if something
 * else is there.
 */
bool referrers_tag_read(
	const struct referrers_place *place, struct document *ret_document, struct err **err);

#endif
