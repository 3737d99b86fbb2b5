#include "registry/auth_realm.h"

#include <criterion/criterion.h>
#include <string.h>

static struct registry *make(const char *host, const char *endpoint)
{
	const struct registry_host_options hosts = {.host = host, .endpoint = endpoint};
	const struct registry_options options = {.hosts = &hosts, .host_count = 1};
	struct registry *registry = registry_new(&options, NULL);
	cr_assert(registry);
	return registry;
}

static bool takes(const char *host, const char *endpoint, const char *url)
{
	CLEANUP(registry_freep) struct registry *registry = make(host, endpoint);
	return auth_realm_takes_secrets(host_get(registry, host), url);
}

Test(auth_realm, who_sees_secrets)
{
	cr_expect(takes("r.example", NULL, "https://r.example/token"));
	cr_expect(takes("r.example", NULL, "https://r.example:8443/token"));
	cr_expect(takes("r.example:5000", NULL, "https://r.example/token"));
	cr_expect(takes("docker.io", NULL, "https://auth.docker.io/token"));
	cr_expect(takes("registry.gitlab.com", NULL, "https://gitlab.com/jwt/auth"));
	cr_expect(takes("127.0.0.1:5000", NULL, "http://127.0.0.1:5001/token"));
	cr_expect(takes("r.example", "mirror.example", "https://r.example/token"));
	cr_expect(takes("r.example", "mirror.example", "https://mirror.example/token"));

	cr_expect_not(takes("r.example", NULL, "https://auth.r.example/token"));
	cr_expect_not(takes("r.example", NULL, "https://r.example.evil.example/token"));
	cr_expect_not(takes("r.example", NULL, "https://auth.docker.io/token"));
	cr_expect_not(takes("docker.io", NULL, "http://auth.docker.io/token"));
	cr_expect_not(takes("docker.io", NULL, "https://auth.docker.io.evil.example/token"));
	cr_expect_not(takes("127.0.0.1:5000", NULL, "http://127.0.0.2:5000/token"));
	cr_expect_not(takes("r.example", NULL, "https://user@r.example/token"));
	cr_expect_not(takes("r.example", NULL, "token"));
}

Test(auth_realm, a_configured_token_server_sees_secrets)
{
	const struct registry_host_options hosts = {
		.host = "registry.example", .token_server = "Git.Example"};
	const struct registry_options options = {.hosts = &hosts, .host_count = 1};
	CLEANUP(registry_freep) struct registry *registry = registry_new(&options, NULL);
	cr_assert(registry);
	const struct host *host = host_get(registry, "registry.example");
	cr_expect(auth_realm_takes_secrets(host, "https://git.example/jwt/auth"));
	cr_expect(auth_realm_takes_secrets(host, "https://registry.example/token"));
	cr_expect_not(auth_realm_takes_secrets(host, "http://git.example/jwt/auth"));
	cr_expect_not(auth_realm_takes_secrets(
		host_get(registry, "other.example"), "https://git.example/jwt/auth"));
}

static bool resolves(const char *host, bool plain, enum http_source server, const char *realm,
	const char *wanted)
{
	const struct registry_host_options hosts = {.host = host, .plain_http = plain};
	const struct registry_options options = {.hosts = &hosts, .host_count = 1};
	CLEANUP(registry_freep) struct registry *registry = registry_new(&options, NULL);
	CLEANUP(auth_realm_release) struct auth_realm resolved = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	struct host *at = host_get(registry, host);
	CLEANUP(mem_freep) char *url = mem_printf("%s/v2/a/tags/list", at->origin);
	const struct http_response answer = {
		.status = 401, .url = url, .source = HTTP_SOURCE_CONFIGURED, .server = server};
	bool ok = auth_realm_resolve(at, &answer, realm, &resolved, &err);
	cr_expect(ok || err_is(err, ERR_AUTH));
	if (ok && wanted)
		cr_expect_str_eq(resolved.url, wanted);
	return ok;
}

Test(auth_realm, where_a_registry_may_send_us)
{
	const enum http_source public = HTTP_SOURCE_PUBLIC, here = HTTP_SOURCE_LOOPBACK;
	cr_expect(resolves(
		"r.example", false, public, "https://t.example/x?y=z", "https://t.example/x?y=z"));
	cr_expect(resolves("r.example", false, public, "/token", "https://r.example/token"));
	cr_expect(resolves("127.0.0.1:1", false, here, "http://127.0.0.1:2/t", NULL));
	cr_expect(resolves("r.example", true, HTTP_SOURCE_PRIVATE, "http://r.example/t", NULL));

	cr_expect_not(resolves("r.example", false, public, "http://r.example/token", NULL));
	cr_expect_not(resolves("r.example", false, public, "http://127.0.0.1/token", NULL));
	cr_expect_not(resolves("r.example", false, public, "https://127.0.0.1/token", NULL));
	cr_expect_not(resolves("r.example", false, public, "https://169.254.169.254/t", NULL));
	cr_expect_not(resolves("r.example", false, public, "https://10.0.0.1/t", NULL));
	cr_expect_not(resolves("r.example", false, public, "https://u:p@r.example/t", NULL));
	cr_expect_not(resolves("r.example", true, public, "http://t.example/token", NULL));
	cr_expect_not(resolves("r.example", false, public, "ftp://r.example/token", NULL));
}
