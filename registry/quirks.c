/*
 * The table. A line for each host or family, the first that matches counts; add the source of what
 * is claimed. No code elsewhere may ask for a registry by its name.
 */
#include "registry/quirks.h"

#include <string.h>

#define CHUNK ((size_t)4 << 20)
#define PAGE 1000 /* ECR and distribution refuse more; go-containerregistry issue 1091 */
#define COMMON .chunk_bytes = CHUNK
#define GOOGLE .is_google = true, .cross_mounts = true, .tags_page_size = QUIRKS_GOOGLE_PAGE, COMMON

static const struct quirks table[] = {
	/* API and token server: docs.docker.com/reference/api/registry/auth; key of helpers:
	 * docker/cli cli/config/configfile/file.go */
	{"docker.io", .api_host = "registry-1.docker.io",
		.helper_key = "https://index.docker.io/v1/", .token_server = "auth.docker.io",
		.tags_page_size = PAGE, COMMON},
	/* docs.gitlab.com/api/container_registry */
	{"registry.gitlab.com", .token_server = "gitlab.com", .tags_page_size = PAGE, COMMON},
	/* go-containerregistry pkg/v1/google/keychain.go, list.go; `origin` of a mount:
	 * pkg/v1/remote/write.go */
	{"gcr.io", GOOGLE},
	{"*.gcr.io", GOOGLE},
	{"*.pkg.dev", GOOGLE},
	/* Shows 100 a page whatever is asked for: go-containerregistry issue 681 */
	{"quay.io", .tags_page_size = 100, COMMON},
	{"*", .tags_page_size = PAGE, COMMON},
};

static bool matches(const char *pattern, const char *host)
{
	if (pattern[0] != '*')
		return strcmp(pattern, host) == 0;
	size_t len = strlen(host), suffix = strlen(pattern + 1);
	return suffix == 0 || (len > suffix && strcmp(host + len - suffix, pattern + 1) == 0);
}

const struct quirks *quirks_of(const char *canonical_host)
{
	const struct quirks *quirks = table;
	while (!matches(quirks->pattern, canonical_host))
		quirks++;
	return quirks;
}
