#include "reconciler/identity.h"

#include <criterion/criterion.h>

static void expect(const char *repository, const char *identity)
{
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);
	bool mapped = identity_map(repository, &out);
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
