/*
 * Names (distribution reference grammar, registry-client facts §1): hosts, repository paths, tags.
 * Everything is keyed by the canonical full repository "host/path": lower-case host, no trailing
 * dot, no default port, Docker Hub's aliases folded into docker.io. Pure, any thread.
 */
#ifndef CIP_IMAGE_REFERENCE_H
#define CIP_IMAGE_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* A repository as borrowed text: both parts point into memory of whoever made it. */
struct repository {
	const char *host; /* canonical, "registry.example:5000"; key of credentials and limits */
	const char *path; /* "k8s-artifacts-prod/images/foo", no leading or trailing slash */
};

/*
 * Canonical form of a registry of a promoter manifest: host, optionally followed by path
 * components ("us-docker.pkg.dev/project/repo"). The host is mandatory: short names are errors, and
 * so are more than 255 bytes. ERR_INVALID names the offending part. The caller frees the result.
 */
bool registry_name_canonical(const char *text, char **ret_name, struct err **err);

/*
 * "component{/component}" of at most 255 bytes, as an image name below a registry. ERR_INVALID names
 * the offending part.
 */
bool image_name_check(const char *name, struct err **err);

/* Addresses and names of the loopback: localhost, *.localhost, 127.0.0.0/8, [::1], any port. */
bool host_is_loopback(const char *host);

/* [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}, ASCII. */
bool tag_is_valid(const char *tag);

/*
 * "sha256-" (or "sha512-", which referrers' tags cut to the same length) + 64 hex digits, bare or
 * with a suffix: such tags carry signatures and referrers of other digests, so no manifest may
 * claim one.
 */
bool tag_is_reserved(const char *tag);

#endif
