/*
 * Documents that are at hand: their blobs into a repository, before a manifest that names them
 * (registry_manifest_put, referrers_put). They go the way that copies take (registry/copy.h). Any thread.
 */
#ifndef CIP_REGISTRY_PUSH_H
#define CIP_REGISTRY_PUSH_H

#include "registry/registry.h"

/* Borrowed; not empty. */
struct blob_bytes {
	const char *bytes;
	size_t len;
	bool is_shared; /* many of a run's documents name it: brought to a repository once a run */
	/*
	 * Path of a repository of the same host that is known to hold it: it is mounted from there if the
	 * registry does that, else sent. NULL: none.
	 */
	const char *mount_from;
};

/*
 * Brings each to the repository, in flight together; what is there already is not sent where the
 * registry can tell. Errors as in registry.h; some may be there after a failure.
 */
bool registry_blobs_put(struct registry *registry, const struct repository *repository,
	const struct blob_bytes *blobs, size_t count, struct http_tally *tally, struct err **err);

#endif
