/*
 * The rules that map destinations to identities. The one rule that is built in is Kubernetes':
 * regional Artifact Registry hosts behind registry.k8s.io. Does not know who signs what.
 */
#include "reconciler/identity.h"

#include <stddef.h>
#include <string.h>

#define CANONICAL "us-central1-docker.pkg.dev"

/* Built in: '*' and the end of a first label stand for any one label that ends so. */
static const struct {
	const char *host, *path, *identity;
} built_in = {"*-docker.pkg.dev", "k8s-artifacts-prod/images", "registry.k8s.io"};

void identities_release(struct identities *identities)
{
	for (size_t i = 0; i < identities->rules.len; i++) {
		mem_free(identities->rules.items[i].prefix);
		mem_free(identities->rules.items[i].identity);
	}
	vec_release(&identities->rules);
	mem_free(identities->canonical);
	*identities = (struct identities){0};
}

static bool is_built_in_host(const char *host, size_t len)
{
	size_t tail = strlen(built_in.host) - 1;

	return len > tail && memcmp(built_in.host + 1, host + len - tail, tail) == 0 &&
		!memchr(host, '.', len - tail);
}

/* What follows the prefix, without the slash; NULL if it is another one or all there is. */
static const char *rest_below(const char *prefix, const char *text)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 && text[len] == '/' ? text + len + 1 : NULL;
}

bool identity_map(const struct identities *identities, const char *repository, struct str *out)
{
	size_t host_len = strcspn(repository, "/"), best_len = 0;
	const char *identity = NULL, *rest = NULL;

	if (repository[host_len] && is_built_in_host(repository, host_len)) {
		rest = rest_below(built_in.path, repository + host_len + 1);
		identity = rest ? built_in.identity : NULL;
		best_len = rest ? host_len + 1 + strlen(built_in.path) : 0;
	}
	for (size_t i = 0; identities && i < identities->rules.len; i++) {
		const struct identity_rule *rule = &identities->rules.items[i];
		const char *below = rest_below(rule->prefix, repository);

		if (!below || strlen(rule->prefix) < best_len)
			continue;
		identity = rule->identity;
		rest = below;
		best_len = strlen(rule->prefix);
	}
	if (!identity)
		return false;
	str_add_text(out, identity);
	str_add_char(out, '/');
	str_add_text(out, rest);
	return true;
}

int identity_compare(const struct identities *identities, const char *a, const char *b)
{
	const char *canonical =
		identities && identities->canonical ? identities->canonical : CANONICAL;
	bool first = rest_below(canonical, a) != NULL, second = rest_below(canonical, b) != NULL;

	return first != second ? (first ? -1 : 1) : strcmp(a, b);
}
