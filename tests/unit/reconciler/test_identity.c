#include "reconciler/identity.h"

#include <criterion/criterion.h>

static void expect(const char *repository, const char *identity)
{
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);
	bool mapped = identity_map(NULL, repository, &out);
	cr_assert_eq(mapped, identity != NULL, "%s", repository);
	cr_assert_str_eq(str_text(&out), identity ? identity : "");
}

Test(identity, regional_hosts_have_one_public_name)
{
	expect("us-central1-docker.pkg.dev/k8s-artifacts-prod/images/kube-apiserver",
		"registry.k8s.io/kube-apiserver");
	expect("asia-south1-docker.pkg.dev/k8s-artifacts-prod/images/a/b/c",
		"registry.k8s.io/a/b/c");
}

Test(identity, hosts_match_exactly)
{
	expect("docker.pkg.dev/k8s-artifacts-prod/images/a", NULL);
	expect("-docker.pkg.dev/k8s-artifacts-prod/images/a", NULL);
	expect("us-docker.pkg.dev.evil.example/k8s-artifacts-prod/images/a", NULL);
	expect("evil.example-docker.pkg.dev/k8s-artifacts-prod/images/a", NULL);
	expect("us-docker.pkg.dev:8443/k8s-artifacts-prod/images/a", NULL);
	expect("us.gcr.io/k8s-artifacts-prod/images/a", NULL);
}

Test(identity, paths_match_whole_components)
{
	expect("us-docker.pkg.dev/k8s-artifacts-prod/images2/a", NULL);
	expect("us-docker.pkg.dev/k8s-artifacts-prod/images-x", NULL);
	expect("us-docker.pkg.dev/k8s-artifacts-prod/images", NULL);
	expect("us-docker.pkg.dev/x/k8s-artifacts-prod/images/a", NULL);
	expect("us-docker.pkg.dev", NULL);
}

static void expect_with(
	const struct identities *identities, const char *repository, const char *identity)
{
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);

	cr_assert_eq(
		identity_map(identities, repository, &out), identity != NULL, "%s", repository);
	cr_assert_str_eq(str_text(&out), identity ? identity : "");
}

static void add_rule(struct identities *identities, const char *prefix, const char *identity)
{
	*vec_push(&identities->rules) =
		(struct identity_rule){mem_strdup(prefix), mem_strdup(identity)};
}

Test(identity, the_longest_prefix_wins_over_what_is_built_in_too)
{
	CLEANUP(identities_release) struct identities identities = {0};

	add_rule(&identities, "us-docker.pkg.dev/team", "images.example.com");
	add_rule(&identities, "us-docker.pkg.dev/team/prod", "registry.example.com/team");
	add_rule(&identities, "us-docker.pkg.dev/k8s-artifacts-prod/images", "k8s.example.com");
	add_rule(&identities, "quay.io", "mirror.example.com");
	expect_with(&identities, "us-docker.pkg.dev/team/a", "images.example.com/a");
	expect_with(
		&identities, "us-docker.pkg.dev/team/prod/a/b", "registry.example.com/team/a/b");
	expect_with(&identities, "us-docker.pkg.dev/team/prod", "images.example.com/prod");
	expect_with(
		&identities, "us-docker.pkg.dev/team/production", "images.example.com/production");
	expect_with(
		&identities, "us-docker.pkg.dev/k8s-artifacts-prod/images/a", "k8s.example.com/a");
	expect_with(
		&identities, "eu-docker.pkg.dev/k8s-artifacts-prod/images/a", "registry.k8s.io/a");
	expect_with(&identities, "us-docker.pkg.dev.evil.example/team/a", NULL);
	expect_with(&identities, "quay.io/a", "mirror.example.com/a");
	expect_with(&identities, "quay.io.evil.example/a", NULL);
	expect_with(&identities, "ghcr.io/team/a", NULL);
}

/* As one number: the order of qsort. */
static int order(const struct identities *identities, const char *a, const char *b)
{
	int result = identity_compare(identities, a, b);

	cr_assert_eq(identity_compare(identities, b, a), -result);
	return result < 0 ? -1 : result > 0;
}

Test(identity, the_canonical_registry_is_signed_first_then_the_alphabet_decides)
{
	CLEANUP(identities_release)
	struct identities identities = {.canonical = mem_strdup("quay.io/team")};

	cr_assert_eq(order(NULL, "us-central1-docker.pkg.dev/p/a", "asia-docker.pkg.dev/p/a"), -1);
	cr_assert_eq(order(NULL, "us-central1-docker.pkg.dev.evil/a", "asia.example/a"), 1);
	cr_assert_eq(order(NULL, "b.example/a", "a.example/a"), 1);
	cr_assert_eq(order(NULL, "a.example/a", "a.example/a"), 0);
	cr_assert_eq(order(&identities, "quay.io/team/a", "asia-docker.pkg.dev/p/a"), -1);
	cr_assert_eq(order(&identities, "quay.io/teams/a", "asia-docker.pkg.dev/p/a"), 1);
}
