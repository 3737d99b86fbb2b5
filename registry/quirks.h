/*
 * What is known of real registries before they are asked: one table, one line for each habit that
 * differs from the specification, with its source. What a host shows during a run is learned
 * elsewhere (registry/host.h); what cip.yaml says of a host goes over the table. Pure, any thread.
 */
#ifndef CIP_REGISTRY_QUIRKS_H
#define CIP_REGISTRY_QUIRKS_H

#include <stdbool.h>
#include <stddef.h>

/* Google shows up to so many manifests in a list, and not all where there are more. */
#define QUIRKS_GOOGLE_PAGE 10000

/* NULL, 0 and false: nothing special. */
struct quirks {
	const char *pattern;	  /* a canonical host; "*.example.com": any below it; "*": any */
	const char *api_host;	  /* where its API is, if the name people write is not the host */
	const char *helper_key;	  /* what credential helpers know it by, if not the host */
	const char *token_server; /* host, besides its own, whose token server sees its secrets */
	/* Google's own: speaks the extended tags list, takes Google's access tokens. Never from
	 * cip.yaml, since Google's tokens go to Google's hosts only. */
	bool is_google;
	/* POST ?mount=&from=&origin= takes blobs from another host that has this too. */
	bool cross_mounts;
	/* A manifest whose blobs it lacks is always refused, and the answer names them all. */
	bool checks_blobs;
	/* It has no referrers API, so the index under the tag is looked at without asking for a list. */
	bool referrers_by_tag;
	/* Blobs are sent in pieces (PATCH), because a PUT of the whole is refused. */
	bool chunked_upload;
	size_t chunk_bytes;	 /* a piece; never 0 */
	unsigned tags_page_size; /* the `n` a list is asked with; never 0 */
};

/* Never NULL. */
const struct quirks *quirks_of(const char *canonical_host);

#endif
