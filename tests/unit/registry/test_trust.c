#include "registry/trust.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "registry/host.h"

/* Two places below a directory that is gone after the test. */
struct sandbox {
	char root[32];
	struct trust_places places;
};

static struct sandbox sandbox_make(void)
{
	struct sandbox box = {.root = "/tmp/cip-trust-XXXXXX"};
	cr_assert_not_null(mkdtemp(box.root));
	*vec_push(&box.places.paths) = fs_join(box.root, "first");
	*vec_push(&box.places.paths) = fs_join(box.root, "second");
	return box;
}

static void sandbox_remove(struct sandbox *box)
{
	fs_remove_tree(box->root, NULL);
	trust_places_release(&box->places);
}

static void put(const struct sandbox *box, const char *path)
{
	CLEANUP(mem_freep) char *full = fs_join(box->root, path);
	CLEANUP(mem_freep) char *directory = mem_strndup(full, (size_t)(strrchr(full, '/') - full));
	cr_assert(fs_make_directories(directory, NULL));
	cr_assert(fs_write_atomic(full, "x", 1, 0600, NULL));
}

/* The files' paths below the root, a space behind each. */
static void expect_files(const struct sandbox *box, const char *host, const char *wanted)
{
	CLEANUP(trust_files_release) struct trust_files files = {0};
	CLEANUP(str_release) struct str found = STR_INIT(STR_TEXT_MAX);
	CLEANUP(err_freep) struct err *err = NULL;
	size_t skip = strlen(box->root) + 1;
	cr_assert(trust_find(&box->places, host, &files, &err), "%s", err ? err->msg : "");
	for (size_t i = 0; i < files.cas.len; i++)
		str_addf(&found, "%s ", files.cas.items[i] + skip);
	for (size_t i = 0; i < files.identities.len; i++)
		str_addf(&found, "%s+%s ", files.identities.items[i].certificate + skip,
			files.identities.items[i].key + skip);
	cr_assert_str_eq(str_text(&found), wanted, "%s", host);
}

Test(trust, files_of_a_host)
{
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make();
	put(&box, "first/r.io/b.crt");
	put(&box, "first/r.io/a.crt");
	put(&box, "first/r.io/client.cert");
	put(&box, "first/r.io/client.key");
	put(&box, "first/r.io/README");
	put(&box, "first/r.io/.crt");
	expect_files(&box, "r.io",
		"first/r.io/a.crt first/r.io/b.crt first/r.io/client.cert+first/r.io/client.key ");
	expect_files(&box, "r.io:5000", "");
	expect_files(&box, "sub.r.io", "");
}

Test(trust, first_directory_counts)
{
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make();
	put(&box, "first/r.io:5000/README");
	put(&box, "second/r.io:5000/a.crt");
	put(&box, "second/q.io/a.crt");
	put(&box, "second/p.io:443/a.crt");
	put(&box, "second/[fd00::1]:443/a.crt");
	put(&box, "second/[fd00::1]:5000/a.crt");
	expect_files(&box, "r.io:5000", "");
	expect_files(&box, "q.io", "second/q.io/a.crt ");
	expect_files(&box, "p.io", "second/p.io:443/a.crt ");
	expect_files(&box, "p.io:444", "");
	expect_files(&box, "[fd00::1]", "second/[fd00::1]:443/a.crt ");
	expect_files(&box, "[fd00::1]:5000", "second/[fd00::1]:5000/a.crt ");
}

Test(trust, links_to_nothing_are_no_files)
{
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make();
	put(&box, "first/r.io/a.crt");
	CLEANUP(mem_freep) char *link = fs_join(box.root, "first/r.io/b.crt");
	cr_assert_eq(symlink("/nonexistent.crt", link), 0);
	expect_files(&box, "r.io", "first/r.io/a.crt ");
}

static void expect_half(const char *file, const char *text)
{
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make();
	CLEANUP(trust_files_release) struct trust_files files = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	put(&box, file);
	cr_assert_not(trust_find(&box.places, "r.io", &files, &err));
	cr_assert(err_is(err, ERR_USAGE));
	cr_assert(strstr(err->msg, box.root) && strstr(err->msg, text), "%s", err->msg);
}

Test(trust, half_a_client_certificate)
{
	expect_half("first/r.io/me.cert", "lacks its key, me.key");
	expect_half("first/r.io/me.key", "lacks its client certificate, me.cert");
}

/* Root may read everything. */
Test(trust, unreadable_directories_are_passed_over)
{
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make();
	put(&box, "first/r.io/me.cert");
	put(&box, "second/r.io/a.crt");
	CLEANUP(mem_freep) char *directory = fs_join(box.root, "first/r.io");
	cr_assert_eq(chmod(directory, 0), 0);
	if (access(directory, R_OK) != 0)
		expect_files(&box, "r.io", "second/r.io/a.crt ");
	cr_assert_eq(chmod(directory, 0700), 0);
}

Test(trust, places_in_their_order)
{
	CLEANUP(trust_places_release) struct trust_places places = {0};
	setenv("HOME", "/home/me", 1);
	cr_assert(trust_places_init(&places, "/tmp", NULL));
	cr_assert_eq(places.paths.len, 4);
	cr_assert_str_eq(places.paths.items[0], "/tmp");
	cr_assert_str_eq(places.paths.items[1], "/home/me/.config/containers/certs.d");
	cr_assert_str_eq(places.paths.items[2], "/etc/containers/certs.d");
	cr_assert_str_eq(places.paths.items[3], "/etc/docker/certs.d");
}

Test(trust, an_unusable_first_place)
{
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make();
	struct trust_places places;
	CLEANUP(err_freep) struct err *absent = NULL;
	CLEANUP(err_freep) struct err *flat = NULL;
	CLEANUP(mem_freep) char *nowhere = fs_join(box.root, "nowhere");
	cr_assert_not(trust_places_init(&places, nowhere, &absent));
	cr_assert(err_is(absent, ERR_USAGE) && strstr(absent->msg, "--cert-dir: /") &&
		strstr(absent->msg, "/nowhere"));
	put(&box, "ca.crt");
	trust_places_release(&places);
	cr_assert_not(trust_places_init(&places, box.root, &flat));
	cr_assert(err_is(flat, ERR_USAGE) && strstr(flat->msg, "a directory for each registry"));
	trust_places_release(&places);
}

/* A host is made, and says what is wrong when it is asked. */
Test(trust, of_a_host)
{
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make();
	put(&box, "first/broken.io/ca.crt");
	const struct registry_host_options hosts[] = {{.host = "broken.io", .plain_http = true}};
	const struct registry_options options = {.cert_dir = box.places.paths.items[0]};
	const struct registry_options configured = {
		.cert_dir = box.places.paths.items[0], .hosts = hosts, .host_count = 1};
	CLEANUP(registry_freep) struct registry *registry = registry_new(&options, NULL);
	CLEANUP(registry_freep) struct registry *plain = registry_new(&configured, NULL);
	cr_assert(registry && plain);
	const struct err *err = host_get(registry, "broken.io")->unusable;
	cr_assert(err_is(err, ERR_USAGE));
	cr_assert(strstr(err->msg, "registry broken.io: ") && strstr(err->msg, "/ca.crt"));
	cr_assert_null(host_get(registry, "other.io")->unusable);
	cr_assert_null(host_get(plain, "broken.io")->unusable);
}
