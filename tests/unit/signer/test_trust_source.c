/* Trust roots from files and from the program itself: nobody is asked. TUF: tests/threads/trust_source.c. */
#include "signer/trust_source.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "signer/built_in.h"
#include "signer/services.h"
#include "signer/tuf_metadata.h"

#define NOW 1795000000 /* 2026-11-18 */

static char directory[] = "/tmp/cip-trust-XXXXXX";

static void setup(void)
{
	cr_assert(mkdtemp(directory));
}

static void teardown(void)
{
	fs_remove_tree(directory, NULL);
}

TestSuite(trust_source, .init = setup, .fini = teardown);

static char *file_of(const char *name, const char *text, size_t len)
{
	char *path = fs_join(directory, name);

	cr_assert(fs_write_atomic(path, text, len, 0600, NULL));
	return path;
}

static void expect_error(
	const struct trust_source_options *options, enum err_kind kind, const char *words)
{
	CLEANUP(trust_source_release) struct trust_source source = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(trust_source_load(options, &source, &err));
	cr_assert_eq(err->kind, kind, "%s", err->msg);
	cr_assert(strstr(err->msg, words), "'%s' does not say '%s'", err->msg, words);
	cr_assert_null(source.root);
}

Test(trust_source, built_in)
{
	const struct trust_source_options options = {
		.built_in = true, .wants_signing_config = true};
	CLEANUP(trust_source_release) struct trust_source source = {0};
	CLEANUP(signing_services_release) struct signing_services services = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(trust_source_load(&options, &source, &err), "%s", err ? err->msg : "");
	cr_assert_eq(source.root->skipped.len, 0);
	cr_assert_geq(source.root->logs.len, 2);
	cr_assert_geq(source.root->timestamp_authorities.len, 1);
	cr_assert(strstr(source.origin, "built in"));
	cr_assert(signing_services_choose(
		source.signing_config, source.signing_config_len, NOW, 2, &services, &err));
	cr_assert_str_eq(services.fulcio_url, "https://fulcio.sigstore.dev");
}

Test(trust_source, initial_roots_that_are_built_in)
{
	static const enum built_in roots[] = {BUILT_IN_ROOT, BUILT_IN_STAGING_ROOT};

	for (size_t i = 0; i < 2; i++) {
		struct built_in_file file = built_in_file(roots[i]);
		CLEANUP(err_freep) struct err *err = NULL;
		CLEANUP(tuf_metadata_freep)
		struct tuf_metadata *root = tuf_metadata_parse(TUF_ROOT, file.text, file.len, &err);

		cr_assert(root, "%s", err ? err->msg : "");
		cr_assert(tuf_metadata_check(root, &root->roles.items[TUF_ROOT], root, &err), "%s",
			err ? err->msg : "");
		cr_assert_geq(root->version, 14);
		cr_assert(root->consistent_snapshot);
	}
}

Test(trust_source, files)
{
	struct built_in_file root = built_in_file(BUILT_IN_TRUSTED_ROOT);
	CLEANUP(mem_freep) char *root_path = file_of("root", root.text, root.len);
	CLEANUP(mem_freep) char *config_path = file_of("config", "{\"a\":\0 1}", 9);
	CLEANUP(mem_freep) char *bad_path = file_of("bad", "{}", 2);
	CLEANUP(mem_freep) char *missing = fs_join(directory, "missing");
	CLEANUP(err_freep) struct err *err = NULL;
	struct trust_source_options options = {
		.trusted_root = root_path, .wants_signing_config = true};

	{
		CLEANUP(trust_source_release) struct trust_source source = {0};
		cr_assert(trust_source_load(&options, &source, &err), "%s", err ? err->msg : "");
		cr_assert_null(source.signing_config, "no other instance's services are mixed in");
		cr_assert_str_eq(source.origin, root_path);
	}
	{
		CLEANUP(trust_source_release) struct trust_source source = {0};
		options.signing_config = config_path;
		cr_assert(trust_source_load(&options, &source, &err), "%s", err ? err->msg : "");
		cr_assert_eq(source.signing_config_len, 9);
		cr_assert_arr_eq(source.signing_config, "{\"a\":\0 1}", 10);
	}
	options.signing_config = missing;
	expect_error(&options, ERR_NOT_FOUND, missing);
	options.trusted_root = bad_path;
	expect_error(&options, ERR_UNSUPPORTED, bad_path);
	options.trusted_root = missing;
	expect_error(&options, ERR_NOT_FOUND, missing);
	options.built_in = true;
	expect_error(&options, ERR_USAGE, "only be one");
}

Test(trust_source, nothing_stands_in_for_the_network)
{
	const struct trust_source_options options = {0};

	expect_error(&options, ERR_USAGE, "no network");
}
