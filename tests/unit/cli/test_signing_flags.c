/* Whom to trust, from flags: which of them go together, and what is said when nobody answers. */
#include "cli/signing_flags.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "reconciler/config.h"

static void expect_error(
	const struct trust_flags *flags, struct http *http, enum err_kind kind, const char *words)
{
	CLEANUP(trust_source_release) struct trust_source source = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(trust_flags_load(flags, NULL, http, &source, &err));
	cr_assert_eq(err->kind, kind, "%s", err->msg);
	cr_assert(strstr(err->msg, words), "'%s' does not say '%s'", err->msg, words);
}

Test(signing_flags, trust_flags_that_exclude_each_other)
{
	expect_error(&(struct trust_flags){.trusted_root = "f", .built_in = true}, NULL, ERR_USAGE,
		"--trusted-root and --built-in-trusted-root");
	expect_error(&(struct trust_flags){.trusted_root = "f", .tuf_root = "d"}, NULL, ERR_USAGE,
		"mean nothing with --trusted-root");
	expect_error(&(struct trust_flags){.built_in = true, .tuf_mirror = "https://m"}, NULL,
		ERR_USAGE, "mean nothing with --built-in-trusted-root");
	expect_error(&(struct trust_flags){.built_in = true, .staging = true}, NULL, ERR_USAGE,
		"not that of --staging");
	expect_error(&(struct trust_flags){.tuf_mirror = "https://m", .staging = true}, NULL,
		ERR_USAGE, "--staging and --tuf-mirror");
}

static void expect_merged(struct trust_flags flags, const char *root, const char *mirror)
{
	const struct config_sigstore file = {.trusted_root = (char[]){"file"},
		.tuf_mirror = (char[]){"https://mirror"},
		.tuf_cache = (char[]){"cache"},
		.no_sct = true};

	trust_flags_merge(&flags, &file);
	cr_assert(flags.ignore_sct);
	cr_assert_str_eq(flags.tuf_cache, "cache");
	cr_assert_str_eq(flags.trusted_root ? flags.trusted_root : "-", root);
	cr_assert_str_eq(flags.tuf_mirror ? flags.tuf_mirror : "-", mirror);
}

Test(signing_flags, a_file_behind_the_flags)
{
	expect_merged((struct trust_flags){0}, "file", "https://mirror");
	expect_merged((struct trust_flags){.trusted_root = "flag"}, "flag", "-");
	expect_merged((struct trust_flags){.tuf_mirror = "https://flag"}, "-", "https://flag");
	expect_merged((struct trust_flags){.tuf_root = "flag"}, "-", "-");
	expect_merged((struct trust_flags){.built_in = true}, "-", "-");
	expect_merged((struct trust_flags){.staging = true}, "-", "-");
}

/* A cache that is named for all runs is in nobody's way. */
Test(signing_flags, a_cache_that_is_not_needed)
{
	CLEANUP(trust_source_release) struct trust_source source = {0};
	const struct trust_flags flags = {.built_in = true, .tuf_cache = "/nonexistent"};

	cr_assert(trust_flags_load(&flags, NULL, NULL, &source, NULL));
}

Test(signing_flags, the_network_is_needed_for_tuf_alone)
{
	CLEANUP(trust_source_release) struct trust_source source = {0};
	const struct trust_flags built_in = {.built_in = true};
	const struct trust_flags file = {.trusted_root = "/nonexistent/root.json", .staging = true};

	cr_assert(trust_flags_need_network(&(struct trust_flags){.staging = true}));
	cr_assert_not(trust_flags_need_network(&built_in));
	cr_assert_not(trust_flags_need_network(&file));
	cr_assert(trust_flags_load(&built_in, NULL, NULL, &source, NULL));
	expect_error(&file, NULL, ERR_NOT_FOUND, "/nonexistent/root.json");
}

/* Port 1 answers nobody. The message then says what to do without TUF. */
Test(signing_flags, advice_when_nobody_answers)
{
	const struct http_options options = {.attempts = 1};
	CLEANUP(http_freep) struct http *http = http_new(&options, NULL);
	struct trust_flags flags = {.tuf_mirror = "http://127.0.0.1:1"};

	cr_assert(setenv("HOME", "/nonexistent", 1) == 0);
	expect_error(&flags, http, ERR_USAGE, "initial root.json");
	CLEANUP(mem_freep)
	char *root = mem_printf("%s/signer/data/public-good-root.json", getenv("CIP_SOURCE_DIR"));
	flags.tuf_root = root;
	expect_error(
		&flags, http, ERR_TRANSIENT, "--trusted-root FILE, or --built-in-trusted-root)");
}
