/*
 * Several small documents of one repository at a time: manifests and blobs that are read as a whole,
 * such as signatures. All are in flight together; images are copied by registry/copy.h. Any thread.
 */
#ifndef CIP_REGISTRY_FETCH_H
#define CIP_REGISTRY_FETCH_H

#include "registry/registry.h"

struct fetch {
	struct digest digest; /* what is wanted */
	bool is_manifest;     /* else a blob */
	size_t max;	      /* bytes; more are ERR_TOO_LARGE */
	struct document
		document; /* owned; bytes NULL if there is an error. Of a blob without media type */
	struct err *err;  /* owned; as of registry_manifest_get */
};
void fetch_release(struct fetch *fetch);

/*
 * GETs each; what was damaged on the way is asked for once more. Entries have their own outcome.
 */
void registry_fetch(struct registry *registry, const struct repository *repository,
	struct fetch *fetches, size_t count, struct http_tally *tally);

#endif
