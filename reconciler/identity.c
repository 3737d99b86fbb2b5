/*
 * The rules that map destinations to identities. The one rule that is built in is Kubernetes':
 * regional Artifact Registry hosts behind registry.k8s.io. Does not know who signs what.
 */
#include "reconciler/identity.h"

#include <stddef.h>
#include <string.h>

struct identity_rule {
	const char
		*host; /* exact, or '*' and the end of a first label: any one label that ends so */
	const char *path; /* whole components */
	const char *identity;
};

static const struct identity_rule rules[] = {
	{"*-docker.pkg.dev", "k8s-artifacts-prod/images", "registry.k8s.io"},
};

static bool host_matches(const char *pattern, const char *host, size_t len)
{
	size_t pattern_len = strlen(pattern);
	if (pattern[0] != '*')
		return pattern_len == len && memcmp(pattern, host, len) == 0;

	size_t tail = pattern_len - 1;
	return len > tail && memcmp(pattern + 1, host + len - tail, tail) == 0 &&
		!memchr(host, '.', len - tail);
}

/* What follows the rule's path, without the slash; NULL if the path is another or all there is. */
static const char *path_rest(const char *prefix, const char *path)
{
	size_t len = strlen(prefix);
	return strncmp(path, prefix, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

bool identity_map(const char *repository, struct str *out)
{
	const struct identity_rule *best = NULL;
	size_t host_len = strcspn(repository, "/");
	const char *path = repository[host_len] ? repository + host_len + 1 : "";
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (host_matches(rules[i].host, repository, host_len) &&
			path_rest(rules[i].path, path) &&
			(!best || strlen(rules[i].path) > strlen(best->path)))
			best = &rules[i];
	}
	if (!best)
		return false;
	str_add_text(out, best->identity);
	str_add_char(out, '/');
	str_add_text(out, path_rest(best->path, path));
	return true;
}
