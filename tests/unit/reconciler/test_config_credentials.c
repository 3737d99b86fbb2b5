#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "reconciler/config.h"

static const char template[] = "/tmp/cip-config-XXXXXX";
static char root[sizeof(template)], *config_file, *tree;

static void setup(void)
{
	memcpy(root, template, sizeof(root));
	cr_assert(mkdtemp(root));
	config_file = fs_join(root, "cip.yaml");
	tree = fs_join(root, "tree");
	cr_assert(fs_make_directories(tree, NULL));
}

static void teardown(void)
{
	fs_remove_tree(root, NULL);
	mem_free(config_file);
	mem_free(tree);
}
TestSuite(config_credentials, .init = setup, .fini = teardown);

static bool load(const char *text, struct config *ret_config, struct err **err)
{
	cr_assert(fs_write_atomic(config_file, text, strlen(text), 0600, NULL));
	return config_load(config_file, tree, ret_config, err);
}

static void load_credentials(
	const char *credentials, struct config *ret_config, struct credential_options **ret_sides)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep)
	char *text = mem_printf("registries:\n  r.example:\n    credentials: %s\n", credentials);
	cr_assert(load(text, ret_config, &err), "%s: %s", credentials, err ? err->msg : "");
	*ret_sides = ret_config->hosts.items[0].credentials;
}

static void expect_fault(const char *credentials, const char *says)
{
	CLEANUP(config_release) struct config config = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep)
	char *text = mem_printf("registries:\n  r.example:\n    credentials: %s\n", credentials);
	cr_assert_not(load(text, &config, &err), "%s", credentials);
	cr_expect(err_is(err, ERR_USAGE));
	cr_expect(strstr(err->msg, says), "%s: %s", credentials, err->msg);
	cr_expect_null(strstr(err->msg, "hunter2"), "%s", err->msg);
}

Test(config_credentials, every_way)
{
	static const struct {
		const char *text;
		enum credential_way way;
		const char *file, *helper;
	} ways[] = {
		{"{username: u, password_file: /a}", CREDENTIAL_WAY_PASSWORD_FILE, "/a", NULL},
		{"{token_file: /a}", CREDENTIAL_WAY_TOKEN_FILE, "/a", NULL},
		{"{identity_token_file: /a}", CREDENTIAL_WAY_IDENTITY_TOKEN_FILE, "/a", NULL},
		{"{authfile: /a}", CREDENTIAL_WAY_AUTHFILE, "/a", NULL},
		{"{helper: gcloud}", CREDENTIAL_WAY_HELPER, NULL, "gcloud"},
		{"{google: {}}", CREDENTIAL_WAY_GOOGLE, NULL, NULL},
		{"{google: }", CREDENTIAL_WAY_GOOGLE, NULL, NULL},
		{"{google: {file: /a}}", CREDENTIAL_WAY_GOOGLE, "/a", NULL},
		{"{anonymous: true}", CREDENTIAL_WAY_ANONYMOUS, NULL, NULL},
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		CLEANUP(config_release) struct config config = {0};
		struct credential_options *sides;
		load_credentials(ways[i].text, &config, &sides);
		for (int side = 0; side < CREDENTIAL_SIDES; side++) {
			cr_expect_eq(sides[side].way, ways[i].way, "%s", ways[i].text);
			cr_expect_str_eq(sides[side].file ? sides[side].file : "",
				ways[i].file ? ways[i].file : "");
			cr_expect_str_eq(sides[side].helper ? sides[side].helper : "",
				ways[i].helper ? ways[i].helper : "");
		}
		cr_expect_eq(sides[CREDENTIAL_SOURCE].username != NULL, i == 0);
	}
}

Test(config_credentials, each_side_has_its_own)
{
	CLEANUP(config_release) struct config config = {0};
	struct credential_options *sides;
	load_credentials(
		"{source: {anonymous: true}, destination: {username: u, password_file: p}}",
		&config, &sides);
	cr_expect_eq(sides[CREDENTIAL_SOURCE].way, CREDENTIAL_WAY_ANONYMOUS);
	cr_expect_eq(sides[CREDENTIAL_DESTINATION].way, CREDENTIAL_WAY_PASSWORD_FILE);
	cr_expect_str_eq(sides[CREDENTIAL_DESTINATION].username, "u");
	CLEANUP(mem_freep) char *beside = fs_join(root, "p");
	cr_expect_str_eq(sides[CREDENTIAL_DESTINATION].file, beside, "relative to cip.yaml");
}

Test(config_credentials, one_side_leaves_the_other_to_others)
{
	CLEANUP(config_release) struct config config = {0};
	struct credential_options *sides;
	load_credentials("{source: {helper: x}}", &config, &sides);
	cr_expect_eq(sides[CREDENTIAL_SOURCE].way, CREDENTIAL_WAY_HELPER);
	cr_expect_eq(sides[CREDENTIAL_DESTINATION].way, CREDENTIAL_WAY_NONE);
}

Test(config_credentials, secrets_do_not_stand_here)
{
	static const char *const secrets[] = {"{username: u, password: hunter2}",
		"{token: hunter2}", "{identity_token: hunter2}", "{auth: hunter2}",
		"{secret: hunter2}", "{source: {password: hunter2}}"};
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		expect_fault(secrets[i], "secrets do not stand in this file: write it to a file");
	expect_fault("{password: {hunter2: hunter2}}", "expected no secret here");
}

Test(config_credentials, files_of_the_tree_are_refused)
{
	expect_fault("{token_file: tree/token}", "lies in the manifest tree");
	expect_fault("{google: {file: tree/key.json}}", "lies in the manifest tree");
	expect_fault("{source: {authfile: tree/../tree/a}}", "lies in the manifest tree");
}

Test(config_credentials, what_cannot_be_meant)
{
	expect_fault("{}", "no credential: expected password_file");
	expect_fault("", "expected credentials: a mapping");
	expect_fault("{source: {}}", "no credential: expected password_file");
	expect_fault("{username: u}", "a username alone: expected password_file");
	expect_fault("{password_file: p}", "username and password_file go together");
	expect_fault("{username: u, token_file: p}", "username and password_file go together");
	expect_fault("{token_file: p, helper: x}", "token_file and helper: one credential");
	expect_fault("{google: {}, anonymous: true}", "google and anonymous: one credential");
	expect_fault("{anonymous: false}", "anonymous: true is meant");
	expect_fault("{helper: x, source: {helper: y}}", "either one credential for both sides");
	expect_fault("{source: {helper: y}, helper: x}", "either one credential for both sides");
	expect_fault("{source: {destination: {helper: y}}}", "destination inside of source");
	expect_fault("{helper: \"\"}", "found empty text");
	expect_fault("{google: yes}", "expected google: a mapping");
	expect_fault("{passwordfile: x}", "passwordfile");
}

Test(config_credentials, accounts_to_impersonate)
{
	CLEANUP(config_release) struct config config = {0};
	CLEANUP(config_release) struct config none = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert(load("google:\n  impersonate: [a@p.iam.gserviceaccount.com, b@p]\n"
		       "  iam_endpoint: https://iamcredentials-x.p.googleapis.com\n",
		&config, &err));
	cr_assert_eq(config.google_accounts.len, 2);
	cr_expect_str_eq(config.google_accounts.items[1], "b@p");
	cr_expect_str_eq(config.google_iam_endpoint, "https://iamcredentials-x.p.googleapis.com");
	cr_assert_not(load("google:\n  impersonate: [everybody]\n", &none, &err));
	cr_expect(strstr(err->msg, "\"everybody\": expected a service account"), "%s", err->msg);
}
