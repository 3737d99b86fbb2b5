#include "registry/quirks.h"

#include <criterion/criterion.h>
#include <string.h>

#include "registry/host.h"

static bool is_google(const char *host)
{
	return quirks_of(host)->is_google;
}

Test(quirks, google_by_whole_labels)
{
	cr_expect(is_google("gcr.io"));
	cr_expect(is_google("us.gcr.io"));
	cr_expect(is_google("us-central1-docker.pkg.dev"));
	cr_expect_not(is_google("pkg.dev"));
	cr_expect_not(is_google("agcr.io"));
	cr_expect_not(is_google("gcr.io.evil.example"));
	cr_expect_not(is_google("evilpkg.dev"));
	cr_expect_not(is_google("127.0.0.1:5000"));
	cr_expect(quirks_of("gcr.io")->cross_mounts);
	cr_expect_not(quirks_of("docker.io")->cross_mounts);
}

Test(quirks, every_host_has_a_page_and_a_chunk)
{
	static const char *const hosts[] = {
		"docker.io", "registry.gitlab.com", "a.gcr.io", "quay.io", "r.example"};
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		cr_expect(quirks_of(hosts[i])->tags_page_size > 0 &&
			quirks_of(hosts[i])->chunk_bytes > 0);
	cr_expect_eq(quirks_of("quay.io")->tags_page_size, 100);
	cr_expect_eq(quirks_of("gcr.io")->tags_page_size, 10000);
	cr_expect_eq(quirks_of("r.example")->tags_page_size, 1000);
	cr_expect_null(quirks_of("r.example")->token_server);
	cr_expect_str_eq(quirks_of("docker.io")->api_host, "registry-1.docker.io");
}

Test(quirks, configuration_goes_over_the_table)
{
	const struct registry_host_options hosts = {.host = "quay.io",
		.token_server = "sso.example",
		.chunked_upload = true,
		.cross_mounts = true,
		.chunk_bytes = 7,
		.tags_page_size = 50};
	const struct registry_options options = {.hosts = &hosts, .host_count = 1};
	CLEANUP(registry_freep) struct registry *registry = registry_new(&options, NULL);
	cr_assert(registry);
	const struct quirks *quirks = &host_get(registry, "quay.io")->quirks;
	cr_expect_str_eq(quirks->token_server, "sso.example");
	cr_expect(quirks->chunked_upload && quirks->cross_mounts && !quirks->is_google);
	cr_expect_eq(quirks->chunk_bytes, 7);
	cr_expect_eq(quirks->tags_page_size, 50);
	quirks = &host_get(registry, "docker.io")->quirks;
	cr_expect_str_eq(quirks->token_server, "auth.docker.io");
	cr_expect(!quirks->chunked_upload && !quirks->cross_mounts);
}
