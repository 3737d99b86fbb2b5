/*
 * What refers to a manifest: signatures, attestations and other artifacts that name it as their
 * `subject` (distribution-spec "Listing Referrers", "Referrers Tag Schema"; registry-client facts
 * 4.6, 4.7). Registries with the referrers API list them; elsewhere they are listed by an image
 * index under the tag "<algorithm>-<encoded>" of the subject, which clients keep up to date.
 * Which of the two a host has is learned once a run; docs/decisions/005.
 *
 * All functions may be called from any thread.
 */
#ifndef CIP_REGISTRY_REFERRERS_H
#define CIP_REGISTRY_REFERRERS_H

#include "base/vec.h"
#include "registry/registry.h"

/* More of one subject are ERR_TOO_LARGE. */
#define REFERRERS_MAX 10000

struct referrer {
	struct digest digest;
	int64_t size;	     /* bytes, never negative */
	char *media_type;    /* owned; "" if not said */
	char *artifact_type; /* owned; "" if not said */
	char *json;	     /* owned; the descriptor with its annotations and all else it has */
};

struct referrers {
	VEC(struct referrer) items; /* each digest once */
	bool from_tag;		    /* of the index under the tag, not of the API */
};
void referrers_release(struct referrers *referrers);

/*
 * Those of `subject`, none being a success; with `artifact_type` (may be NULL) only those of that
 * type or of no type that is said. Descriptors that are malformed, or of digests other than sha256
 * and sha512, are passed over: anybody who may push can add one. Errors as in registry.h;
 * ERR_INVALID also for a list that is no image index, a page elsewhere, or links in a circle.
 */
bool referrers_list(struct registry *registry, const struct repository *repository,
	const struct digest *subject, const char *artifact_type, struct http_tally *tally,
	struct referrers *ret_referrers, struct err **err);

/*
 * Only what the referrers API lists; *ret_supported false, and an empty list, where there is none: then
 * referrers_list would look at the index under the tag.
 */
bool referrers_list_api(struct registry *registry, const struct repository *repository,
	const struct digest *subject, const char *artifact_type, struct http_tally *tally,
	bool *ret_supported, struct referrers *ret_referrers, struct err **err);

/* Is it known, by an answer in this run or from cip.yaml, that the host lists no referrers? Asks nobody. */
bool referrers_are_by_tag(struct registry *registry, const struct repository *repository);

/*
 * PUTs manifests that name `subject`, by digest, and sees to it that they are listed: by the API,
 * if the registry has it, else in the index under the tag, in one write that keeps everything else
 * in it byte by byte. Their blobs have to be there. Of several threads with one subject the
 * others wait; writers elsewhere are noticed by reading again, and what they took away is put back.
 * ERR_INVALID: a document that does not name the subject, or a registry whose API does not list
 * what it took. ERR_CONFLICT: something else is under the tag, or other writers keep replacing it.
 * Safe to repeat.
 */
bool referrers_put(struct registry *registry, const struct repository *repository,
	const struct digest *subject, const struct document *documents, size_t count,
	struct http_tally *tally, struct err **err);

#endif
