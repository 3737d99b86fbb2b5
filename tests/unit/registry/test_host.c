#include "registry/host.h"

#include <criterion/criterion.h>
#include <string.h>

#include "registry/request.h"

static struct registry *make(const struct registry_host_options *hosts, size_t count)
{
	const struct registry_options options = {.hosts = hosts, .host_count = count};
	struct err *err = NULL;
	struct registry *registry = registry_new(&options, &err);
	cr_assert(registry, "%s", err ? err->msg : "");
	return registry;
}

Test(host, plain_http_only_on_the_loopback_or_if_configured)
{
	const struct registry_host_options hosts[] = {
		{.host = "plain.example:5000", .plain_http = true},
		{.host = "moved.example", .endpoint = "127.0.0.1:5000"},
		{.host = "far.example", .endpoint = "other.example:5000"},
	};
	CLEANUP(registry_freep) struct registry *registry = make(hosts, 3);
	cr_assert_str_eq(host_get(registry, "gcr.io")->origin, "https://gcr.io");
	cr_assert_str_eq(host_get(registry, "10.0.0.1:5000")->origin, "https://10.0.0.1:5000");
	cr_assert_str_eq(host_get(registry, "localhost:5000")->origin, "http://localhost:5000");
	cr_assert_str_eq(host_get(registry, "[::1]:5000")->origin, "http://[::1]:5000");
	cr_assert_str_eq(
		host_get(registry, "plain.example:5000")->origin, "http://plain.example:5000");
	cr_assert_str_eq(host_get(registry, "moved.example")->origin, "http://127.0.0.1:5000");
	cr_assert_str_eq(host_get(registry, "far.example")->origin, "https://other.example:5000");
}

Test(host, docker_hub_has_an_api_name)
{
	CLEANUP(registry_freep) struct registry *registry = make(NULL, 0);
	cr_assert_str_eq(host_get(registry, "docker.io")->origin, "https://registry-1.docker.io");
	cr_assert_str_eq(host_get(registry, "docker.io")->name, "docker.io");
}

Test(host, one_struct_a_host)
{
	CLEANUP(registry_freep) struct registry *registry = make(NULL, 0);
	cr_assert_eq(host_get(registry, "gcr.io"), host_get(registry, "gcr.io"));
	cr_assert_not(registry_host_is_google(registry, "gcr.io"));
	host_get(registry, "gcr.io")->google = true;
	cr_assert(registry_host_is_google(registry, "gcr.io"));
	cr_assert_not(registry_host_is_google(registry, "eu.gcr.io"));
}

static void expect_view(
	struct registry *view, enum credential_side side, enum http_class quota_class)
{
	const struct repository repository = {.host = "gcr.io", .path = "a/b"};
	CLEANUP(request_release) struct request request;
	request_init(&request, view, &repository, "GET", "/manifests/v1", "", NULL);
	cr_assert_eq(request.http.quota_class, quota_class);
	cr_assert_eq(view->side, side);
}

/* Whichever view one has, the others are to be had from it. */
Test(host, views_have_credentials_and_classes)
{
	CLEANUP(registry_freep) struct registry *registry = make(NULL, 0);
	struct registry *signing = registry_for_signing(registry);
	expect_view(registry, CREDENTIAL_DESTINATION, HTTP_CLASS_PROMOTION);
	expect_view(signing, CREDENTIAL_DESTINATION, HTTP_CLASS_SIGNING);
	expect_view(registry_for_sources(signing), CREDENTIAL_SOURCE, HTTP_CLASS_PROMOTION);
	cr_assert_eq(registry_for_signing(registry_for_sources(registry)), signing);
}

Test(host, urls_of_the_endpoint_and_of_the_name_are_its_own)
{
	const struct registry_host_options hosts[] = {
		{.host = "gcr.io", .endpoint = "127.0.0.1:5000"}};
	CLEANUP(registry_freep) struct registry *registry = make(hosts, 1);
	const struct host *host = host_get(registry, "gcr.io");
	cr_assert(host_owns_url(host, "http://127.0.0.1:5000/v2/a?x=y"));
	cr_assert(host_owns_url(host, "https://gcr.io/v2/a"));
	cr_assert(host_owns_url(host, "https://gcr.io:443/v2/a"));
	cr_assert_not(host_owns_url(host, "http://gcr.io/v2/a"));
	cr_assert_not(host_owns_url(host, "http://127.0.0.1:5001/v2/a"));
	cr_assert_not(host_owns_url(host, "https://gcr.io.evil.example/v2/a"));
	cr_assert_not(host_owns_url(host, "no url"));

	CLEANUP(mem_freep)
	char *turned = host_endpoint_url(host, "https://gcr.io/v2/a?_state=b%2F");
	cr_assert_str_eq(turned, "http://127.0.0.1:5000/v2/a?_state=b%2F");
	cr_assert_null(host_endpoint_url(host, "http://127.0.0.1:5000/v2/a"));
	cr_assert_null(host_endpoint_url(host_get(registry, "eu.gcr.io"), "https://eu.gcr.io/v2/"));
}

static void expect_usage(const struct registry_host_options *hosts, size_t count, const char *text)
{
	CLEANUP(err_freep) struct err *err = NULL;
	const struct registry_options options = {.hosts = hosts, .host_count = count};
	cr_assert_null(registry_new(&options, &err));
	cr_assert_eq(err->kind, ERR_USAGE, "%s", err->msg);
	cr_assert(strstr(err->msg, text), "'%s' does not say '%s'", err->msg, text);
}

Test(host, unusable_options)
{
	const struct registry_host_options path[] = {
		{.host = "a.example", .endpoint = "b.example/c"}};
	const struct registry_host_options scheme[] = {
		{.host = "a.example", .endpoint = "http://b.example"}};
	const struct registry_host_options twice[] = {{.host = "a.example"}, {.host = "a.example"}};
	const struct registry_host_options ca[] = {
		{.host = "a.example", .ca_file = "/nonexistent.pem"}};
	expect_usage(path, 1, "registry a.example: endpoint");
	expect_usage(scheme, 1, "registry a.example: endpoint");
	expect_usage(twice, 2, "twice");
	expect_usage(ca, 1, "/nonexistent.pem");
}
