#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "registry/credentials_private.h"

static char *home;

static char *at(const char *name)
{
	return fs_join(home, name);
}

static void write_file(const char *name, mode_t mode, const char *text)
{
	CLEANUP(mem_freep) char *path = at(name);
	cr_assert(fs_write_atomic(path, text, strlen(text), mode, NULL));
	cr_assert_eq(chmod(path, mode), 0);
}

static void setup(void)
{
	static const char *const unwanted[] = {
		"REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG"};
	char directory[] = "/tmp/cip-credentials.XXXXXX";
	cr_assert(mkdtemp(directory));
	home = mem_strdup(directory);
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		unsetenv(unwanted[i]);
	setenv("HOME", home, 1);
	/* What is looked at after cip.yaml. */
	setenv("DOCKER_AUTH_CONFIG",
		"{\"auths\":{\"r.example\":{\"username\":\"later\",\"password\":\"p\"}}}", 1);
	signal(SIGPIPE, SIG_IGN);
}

static void teardown(void)
{
	fs_remove_tree(home, NULL);
	mem_free(home);
}
TestSuite(credentials_config, .init = setup, .fini = teardown);

/* Both sides of r.example. */
static struct credentials *make(
	const struct credential_options *both, const char *authfile, struct err **err)
{
	const struct registry_host_options host = {
		.host = "r.example", .credentials = {*both, *both}};
	const struct credentials_options options = {.clock = &clock_system,
		.hosts = &host,
		.host_count = 1,
		.authfile = {[CREDENTIAL_SOURCE] = authfile}};
	return credentials_new(&options, err);
}

static const struct credential *find(struct credentials *credentials, enum credential_side side)
{
	const struct credential *found = NULL;
	struct err *err = NULL;
	cr_assert(credentials_find(credentials, side, "r.example", "a/b", &found, &err), "%s",
		err ? err->msg : "");
	return found;
}

static void expect(struct credentials *credentials, enum credential_kind kind, const char *username,
	const char *secret)
{
	const struct credential *found = find(credentials, CREDENTIAL_DESTINATION);
	cr_expect_eq(found->kind, kind);
	cr_expect_str_eq(found->username, username);
	cr_expect_str_eq(found->secret, secret);
}

static void expect_unusable(const struct credential_options *both, const char *says)
{
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert_null(make(both, NULL, &err));
	cr_expect(err_is(err, ERR_USAGE) && strstr(err->msg, says) &&
			strstr(err->msg, "registry r.example: credentials"),
		"%s", err->msg);
}

Test(credentials_config, every_way)
{
	static const struct {
		enum credential_way way;
		enum credential_kind kind;
		const char *text, *username, *secret;
	} ways[] = {
		{CREDENTIAL_WAY_PASSWORD_FILE, CREDENTIAL_PASSWORD, "pass word\r\n", "u",
			"pass word"},
		{CREDENTIAL_WAY_TOKEN_FILE, CREDENTIAL_REGISTRY_TOKEN, "token\n", "", "token"},
		{CREDENTIAL_WAY_IDENTITY_TOKEN_FILE, CREDENTIAL_IDENTITY_TOKEN, "token", "",
			"token"},
		{CREDENTIAL_WAY_AUTHFILE, CREDENTIAL_PASSWORD,
			"{\"auths\":{\"r.example\":{\"username\":\"x\",\"password\":\"y\"}}}", "x",
			"y"},
		{CREDENTIAL_WAY_ANONYMOUS, CREDENTIAL_ANONYMOUS, "", "", ""},
		{CREDENTIAL_WAY_NONE, CREDENTIAL_PASSWORD, "", "later", "p"},
	};
	CLEANUP(mem_freep) char *path = at("file");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		write_file("file", 0600, ways[i].text);
		const struct credential_options options = {.way = ways[i].way,
			.username = ways[i].kind == CREDENTIAL_PASSWORD ? "u" : NULL,
			.file = path};
		CLEANUP(credentials_freep)
		struct credentials *credentials = make(&options, NULL, NULL);
		cr_assert(credentials);
		expect(credentials, ways[i].kind, ways[i].username, ways[i].secret);
	}
}

Test(credentials_config, flags_go_before_it)
{
	CLEANUP(mem_freep) char *file = at("flag.json");
	const struct credential_options options = {.way = CREDENTIAL_WAY_ANONYMOUS};
	write_file("flag.json", 0600,
		"{\"auths\":{\"r.example\":{\"username\":\"flag\",\"password\":\"p\"}}}");
	CLEANUP(credentials_freep) struct credentials *credentials = make(&options, file, NULL);
	cr_expect_str_eq(find(credentials, CREDENTIAL_SOURCE)->username, "flag");
	cr_expect_eq(find(credentials, CREDENTIAL_DESTINATION)->kind, CREDENTIAL_ANONYMOUS);
	/* And is read again when it changes. */
	write_file("flag.json", 0600, "{\"auths\":{}}");
	cr_expect_eq(find(credentials, CREDENTIAL_SOURCE)->kind, CREDENTIAL_ANONYMOUS);
}

Test(credentials_config, an_authfile_without_the_host_leads_on)
{
	CLEANUP(mem_freep) char *file = at("file");
	const struct credential_options options = {.way = CREDENTIAL_WAY_AUTHFILE, .file = file};
	write_file("file", 0600, "{\"auths\":{\"other.example\":{\"auth\":\"dTpw\"}}}");
	CLEANUP(credentials_freep) struct credentials *credentials = make(&options, NULL, NULL);
	expect(credentials, CREDENTIAL_PASSWORD, "later", "p");
}

Test(credentials_config, helpers)
{
	const struct credential_options options = {.way = CREDENTIAL_WAY_HELPER, .helper = "test"};
	CLEANUP(mem_freep) char *path = mem_printf("%s:/usr/bin:/bin", home);
	setenv("PATH", path, 1);
	write_file("docker-credential-test", 0700,
		"#!/bin/sh\necho '{\"Username\":\"h\",\"Secret\":\"s\"}'\n");
	CLEANUP(credentials_freep) struct credentials *credentials = make(&options, NULL, NULL);
	expect(credentials, CREDENTIAL_PASSWORD, "h", "s");
	write_file("docker-credential-test", 0700,
		"#!/bin/sh\necho credentials not found in native keychain; exit 1\n");
	CLEANUP(credentials_freep) struct credentials *empty = make(&options, NULL, NULL);
	expect(empty, CREDENTIAL_PASSWORD, "later", "p");
	expect_unusable(
		&(struct credential_options){.way = CREDENTIAL_WAY_HELPER, .helper = "../x"},
		"helper: the name of a credential helper");
}

/* As the kubelet changes a mounted secret: the directory behind a link is another one. */
Test(credentials_config, a_mounted_secret_is_read_again)
{
	CLEANUP(mem_freep) char *file = at("..data/password");
	CLEANUP(mem_freep) char *link = at("..data");
	CLEANUP(mem_freep) char *next = at("..next");
	const struct credential_options options = {
		.way = CREDENTIAL_WAY_PASSWORD_FILE, .username = "u", .file = file};
	for (int i = 1; i <= 2; i++) {
		CLEANUP(mem_freep) char *name = mem_printf("..%d", i);
		CLEANUP(mem_freep) char *text = mem_printf("password-%d", i);
		CLEANUP(mem_freep) char *directory = at(name);
		CLEANUP(mem_freep) char *inside = mem_printf("%s/password", name);
		cr_assert(fs_make_directories(directory, NULL));
		write_file(inside, 0600, text);
	}
	cr_assert_eq(symlink("..1", link), 0);
	CLEANUP(credentials_freep) struct credentials *credentials = make(&options, NULL, NULL);
	expect(credentials, CREDENTIAL_PASSWORD, "u", "password-1");
	unsigned id = find(credentials, CREDENTIAL_DESTINATION)->id;
	cr_expect_eq(find(credentials, CREDENTIAL_SOURCE)->id, id, "one credential for both");
	cr_assert_eq(symlink("..2", next), 0);
	cr_assert_eq(rename(next, link), 0);
	expect(credentials, CREDENTIAL_PASSWORD, "u", "password-2");
	cr_expect_neq(find(credentials, CREDENTIAL_DESTINATION)->id, id);
	/* What is gone, or only half there, does not take away what there was. */
	cr_assert_eq(unlink(link), 0);
	expect(credentials, CREDENTIAL_PASSWORD, "u", "password-2");
	cr_assert(fs_make_directories(link, NULL));
	write_file("..data/password", 0600, "");
	expect(credentials, CREDENTIAL_PASSWORD, "u", "password-2");
	write_file("..data/password", 0600, "password-3\n");
	expect(credentials, CREDENTIAL_PASSWORD, "u", "password-3");
}

Test(credentials_config, unusable_from_the_start)
{
	CLEANUP(mem_freep) char *file = at("file");
	struct credential_options options = {
		.way = CREDENTIAL_WAY_PASSWORD_FILE, .username = "u", .file = file};
	expect_unusable(&options, "/file: no such file");
	write_file("file", 0600, "\n");
	expect_unusable(&options, "there is nothing in it");
	write_file("file", 0600, "a\nb\n");
	expect_unusable(&options, "expected one line of text");
	options.way = CREDENTIAL_WAY_AUTHFILE;
	expect_unusable(&options, "/file:1:");
	options = (struct credential_options){.way = CREDENTIAL_WAY_GOOGLE};
	expect_unusable(&options, "its tokens go to Google's registries only");
}

Test(credentials_config, a_token_is_one_word)
{
	CLEANUP(mem_freep) char *file = at("file");
	CLEANUP(err_freep) struct err *err = NULL;
	const struct credential *found;
	const struct credential_options options = {.way = CREDENTIAL_WAY_TOKEN_FILE, .file = file};
	write_file("file", 0600, "two hidden\n");
	CLEANUP(credentials_freep) struct credentials *credentials = make(&options, NULL, NULL);
	cr_assert_not(
		credentials_find(credentials, CREDENTIAL_SOURCE, "r.example", "a", &found, &err));
	cr_expect(err_is(err, ERR_AUTH) && strstr(err->msg, "what it holds is no token") &&
		!strstr(err->msg, "hidden"));
}
