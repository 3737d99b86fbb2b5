#include "image/reference.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/str.h"

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void expect_registry(const char *text, const char *wanted)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep) char *name = NULL;
	cr_assert(
		registry_name_canonical(text, &name, &err), "'%s': %s", text, err ? err->msg : "");
	cr_assert_str_eq(name, wanted);

	CLEANUP(mem_freep) char *again = NULL;
	cr_assert(registry_name_canonical(name, &again, NULL), "'%s' is not canonical", name);
	cr_assert_str_eq(again, name);
}

static void expect_no_registry(const char *text, const char *reason)
{
	CLEANUP(err_freep) struct err *err = NULL;
	char *name = NULL;
	cr_assert_not(registry_name_canonical(text, &name, &err), "'%s' became '%s'", text, name);
	cr_assert(err_is(err, ERR_INVALID));
	cr_assert(strstr(err->msg, reason), "'%s' does not say '%s'", err->msg, reason);
}

Test(reference, one_spelling_of_a_registry)
{
	expect_registry("gcr.io", "gcr.io");
	expect_registry("GCR.IO", "gcr.io");
	expect_registry("gcr.io.", "gcr.io");
	expect_registry("gcr.io:443/k8s-staging", "gcr.io/k8s-staging");
	expect_registry("gcr.io:0443", "gcr.io");
	expect_registry("gcr.io:5000", "gcr.io:5000");
	expect_registry("gcr.io:80", "gcr.io:80");
	expect_registry("us-central1-docker.pkg.dev/k8s-artifacts-prod/images/foo",
		"us-central1-docker.pkg.dev/k8s-artifacts-prod/images/foo");
	expect_registry("localhost", "localhost");
	expect_registry("LocalHost:80", "localhost");
	expect_registry("localhost:443", "localhost:443");
	expect_registry("127.0.0.1:5000/a__b/c-d--e.f_g", "127.0.0.1:5000/a__b/c-d--e.f_g");
	expect_registry("[::1]:5000", "[::1]:5000");
	expect_registry("[0:0:0:0:0:0:0:1]", "[::1]");
	expect_registry("[2001:DB8::0]/a", "[2001:db8::]/a");
	expect_registry("registry.default:443", "registry.default");
	expect_registry("registry:443", "registry:443");
}

Test(reference, docker_hub_has_one_name)
{
	expect_registry("index.docker.io/library", "docker.io/library");
	expect_registry("registry-1.docker.io:443", "docker.io");
	expect_registry("Docker.io", "docker.io");
}

Test(reference, no_registry)
{
	expect_no_registry("", "no host");
	expect_no_registry("/a", "no host");
	expect_no_registry("foo", "no registry host");
	expect_no_registry("library/foo", "no registry host");
	expect_no_registry("FOO/bar", "no registry host");
	expect_no_registry("https://gcr.io/a", "port");
	expect_no_registry("gcr.io/", "empty path component");
	expect_no_registry("gcr.io//a", "empty path component");
	expect_no_registry("gcr.io/a/", "empty path component");
	expect_no_registry("gcr.io/A", "path component 'A'");
	expect_no_registry("gcr.io/a..b", "path component");
	expect_no_registry("gcr.io/a___b", "path component");
	expect_no_registry("gcr.io/a._b", "path component");
	expect_no_registry("gcr.io/-a", "path component");
	expect_no_registry("gcr.io/a-", "path component");
	expect_no_registry("gcr.io/..", "path component");
	expect_no_registry("gcr.io/a?b", "path component");
	expect_no_registry("gcr.io/a%2f", "path component");
	expect_no_registry("gcr.io/a:b", "path component");
	expect_no_registry("gcr..io", "label");
	expect_no_registry("gcr.io..", "label");
	expect_no_registry("-gcr.io", "label");
	expect_no_registry("gcr_x.io", "label");
	expect_no_registry("user@gcr.io", "label");
	expect_no_registry("gcr.io:", "port");
	expect_no_registry("gcr.io:0", "port");
	expect_no_registry("gcr.io:65536", "port");
	expect_no_registry("gcr.io:5000:1", "port");
	expect_no_registry("gcr.io:+80", "port");
	expect_no_registry("[::1", "label");
	expect_no_registry("[::1]x", "after ']'");
	expect_no_registry("[fe80::1%eth0]", "IPv6");
	expect_no_registry("[127.0.0.1]", "IPv6");
}

/* Resolvers read these as addresses: as names they would be second spellings of a host. */
Test(reference, numbers_that_are_no_names)
{
	expect_no_registry("127.1:5000", "ends in a number");
	expect_no_registry("0x7f.0.0.1", "ends in a number");
	expect_no_registry("1.0x7f", "ends in a number");
	expect_no_registry("127.0.0.256", "ends in a number");
	expect_no_registry("2130706433:80", "ends in a number");
	expect_registry("10.0.0.1", "10.0.0.1");
	expect_registry("1.2.3.4a", "1.2.3.4a");
}

static bool registry_of_length(size_t len)
{
	CLEANUP(str_release) struct str text = STR_INIT(1024);
	CLEANUP(mem_freep) char *name = NULL;
	str_add_text(&text, "gcr.io/");
	while (text.len < len)
		str_add_char(&text, 'a');
	return registry_name_canonical(str_text(&text), &name, NULL) &&
		image_name_check(str_text(&text) + strlen("gcr.io/"), NULL);
}

Test(reference, length_limit)
{
	cr_assert(registry_of_length(255));
	cr_assert_not(registry_of_length(256));
}

Test(reference, image_names)
{
	static const char *const good[] = {"a", "0", "foo/bar", "a.b_c__d---e/f", HEX64};
	static const char *const bad[] = {"", "/", "a/", "/a", "a//b", "A", "a.", "a/.", "a b",
		"a:b", "a@b", "é", "a/../b", "foo_/bar", "\x7f"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_assert(image_name_check(good[i], NULL), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(err_freep) struct err *err = NULL;
		cr_assert_not(image_name_check(bad[i], &err), "'%s'", bad[i]);
		cr_assert(err_is(err, ERR_INVALID));
	}
}

Test(reference, loopback)
{
	static const char *const yes[] = {"localhost", "localhost:5000", "a.localhost:1",
		"127.0.0.1", "127.8.9.10:5000", "[::1]", "[::1]:5000"};
	static const char *const no[] = {"127.evil.example", "127.0.0.1.evil.example",
		"localhost.example", "notlocalhost", ".localhost", "128.0.0.1", "[::2]", "[::1%lo]",
		"10.0.0.1", "[::ffff:127.0.0.1]", "gcr.io:127"};
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		cr_assert(host_is_loopback(yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		cr_assert_not(host_is_loopback(no[i]), "%s", no[i]);
}

Test(reference, tags)
{
	char long_tag[130];
	memset(long_tag, 'a', sizeof(long_tag));
	long_tag[129] = '\0';
	cr_assert_not(tag_is_valid(long_tag));
	long_tag[128] = '\0';
	cr_assert(tag_is_valid(long_tag));

	cr_assert(tag_is_valid("v1.0_x-Y"));
	cr_assert(tag_is_valid("_"));
	cr_assert_not(tag_is_valid(""));
	cr_assert_not(tag_is_valid("-a"));
	cr_assert_not(tag_is_valid(".a"));
	cr_assert_not(tag_is_valid("a:b"));
	cr_assert_not(tag_is_valid("a/b"));
	cr_assert_not(tag_is_valid("a b"));
	cr_assert_not(tag_is_valid("\xc3\xa9"));
}

Test(reference, reserved_tags)
{
	cr_assert(tag_is_reserved("sha256-" HEX64));
	cr_assert(tag_is_reserved("sha256-" HEX64 ".sig"));
	cr_assert(tag_is_reserved("sha256-" HEX64 "-anything"));
	cr_assert(tag_is_reserved("sha512-" HEX64));
	cr_assert_not(tag_is_reserved("sha256-"));
	cr_assert_not(tag_is_reserved("sha256-abc"));
	cr_assert_not(tag_is_reserved("v" HEX64));
	cr_assert_not(tag_is_reserved("xsha256-" HEX64));
}
