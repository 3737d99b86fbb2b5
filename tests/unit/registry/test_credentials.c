#include "registry/credentials.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "registry/credentials_private.h"

static char *home;

static void write_file(const char *name, mode_t mode, const char *text)
{
	CLEANUP(mem_freep) char *path = fs_join(home, name);
	CLEANUP(mem_freep) char *directory = mem_strndup(path, (size_t)(strrchr(path, '/') - path));
	cr_assert(fs_make_directories(directory, NULL));
	cr_assert(fs_write_atomic(path, text, strlen(text), mode, NULL));
	cr_assert_eq(chmod(path, mode), 0);
}

/* Of one user, named as the place is. */
static void write_auth(const char *name, const char *user)
{
	CLEANUP(mem_freep)
	char *text = mem_printf("{\"auths\":{\"r.example\":{\"username\":\"%s\","
				"\"password\":\"p\"}}}",
		user);
	write_file(name, 0600, text);
}

static void set(const char *name, const char *below)
{
	CLEANUP(mem_freep) char *path = fs_join(home, below);
	setenv(name, path, 1);
}

static void setup(void)
{
	static const char *const unwanted[] = {"DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE",
		"XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG"};
	char directory[] = "/tmp/cip-credentials.XXXXXX";
	cr_assert(mkdtemp(directory));
	home = mem_strdup(directory);
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		unsetenv(unwanted[i]);
	setenv("HOME", home, 1);
	signal(SIGPIPE, SIG_IGN);
}

static void teardown(void)
{
	fs_remove_tree(home, NULL);
	mem_free(home);
}

static struct credentials *make(const char *source, const char *destination)
{
	CLEANUP(mem_freep) char *from = source ? fs_join(home, source) : NULL;
	CLEANUP(mem_freep) char *to = destination ? fs_join(home, destination) : NULL;
	const struct credentials_options options = {
		.authfile = {[CREDENTIAL_SOURCE] = from, [CREDENTIAL_DESTINATION] = to},
		.clock = &clock_system};
	struct err *err = NULL;
	struct credentials *credentials = credentials_new(&options, &err);
	cr_assert(credentials, "%s", err ? err->msg : "");
	return credentials;
}

static void expect(struct credentials *credentials, enum credential_side side, const char *user)
{
	const struct credential *found = NULL;
	struct err *err = NULL;
	cr_assert(credentials_find(credentials, side, "r.example", "a/b", &found, &err), "%s",
		err ? err->msg : "");
	cr_expect_str_eq(found->username, user, "%s, not %s", found->username, user);
}

static void expect_now(const char *user)
{
	CLEANUP(credentials_freep) struct credentials *credentials = make(NULL, NULL);
	expect(credentials, CREDENTIAL_SOURCE, user);
	expect(credentials, CREDENTIAL_DESTINATION, user);
}

TestSuite(credentials, .init = setup, .fini = teardown);

/* From the last place to the first: each goes before those that were there already. */
Test(credentials, order)
{
	expect_now("");
	write_auth(".docker/config.json", "docker");
	expect_now("docker");
	write_auth("elsewhere/config.json", "docker2");
	set("DOCKER_CONFIG", "elsewhere");
	expect_now("docker2");
	write_auth(".config/containers/auth.json", "config");
	expect_now("config");
	write_auth("xdg/containers/auth.json", "xdg");
	set("XDG_CONFIG_HOME", "xdg");
	expect_now("xdg");
	write_auth("run/containers/auth.json", "run");
	set("XDG_RUNTIME_DIR", "run");
	expect_now("run");
	set("REGISTRY_AUTH_FILE", "named.json");
	expect_now("run"); /* does not exist */
	write_auth("named.json", "named");
	expect_now("named");
	setenv("DOCKER_AUTH_CONFIG",
		"{\"auths\":{\"r.example\":{\"username\":\"variable\",\"password\":\"p\"}}}", 1);
	expect_now("variable");
	write_auth("from.json", "from");
	CLEANUP(credentials_freep) struct credentials *credentials = make("from.json", NULL);
	expect(credentials, CREDENTIAL_SOURCE, "from");
	expect(credentials, CREDENTIAL_DESTINATION, "variable");
}

Test(credentials, equal_ones_have_one_id)
{
	const struct credential *from, *to;
	write_auth("from.json", "u");
	write_auth("to.json", "u");
	CLEANUP(credentials_freep) struct credentials *credentials = make("from.json", "to.json");
	cr_assert(credentials_find(credentials, CREDENTIAL_SOURCE, "r.example", "a", &from, NULL));
	cr_assert(
		credentials_find(credentials, CREDENTIAL_DESTINATION, "r.example", "a", &to, NULL));
	cr_expect_eq(from->id, to->id);
	cr_expect(strstr(from->origin, "/from.json") && strstr(to->origin, "/to.json"));
}

static void expect_unusable(const char *file, const char *says)
{
	CLEANUP(mem_freep) char *path = file ? fs_join(home, file) : NULL;
	const struct credentials_options options = {
		.authfile = {[CREDENTIAL_SOURCE] = path}, .clock = &clock_system};
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert_not(credentials_new(&options, &err));
	cr_expect(err_is(err, ERR_USAGE) && strstr(err->msg, says), "%s", err->msg);
}

Test(credentials, unusable_files)
{
	expect_unusable("absent.json", "--src-authfile");
	write_file("bad.json", 0600, "{");
	expect_unusable("bad.json", "bad.json:1:");
	/* A directory cannot be read as a file, by nobody. */
	write_file(".config/containers/auth.json/x", 0600, "");
	expect_now("");
	set("REGISTRY_AUTH_FILE", ".config/containers");
	expect_unusable(NULL, ".config/containers");
	unsetenv("REGISTRY_AUTH_FILE");
	write_file(".docker/config.json", 0600, "hidden");
	expect_unusable(NULL, ".docker/config.json:1:");
}

/* ---- Helpers ---- */

static void write_helper(const char *script)
{
	CLEANUP(mem_freep) char *text = mem_printf("#!/bin/sh\n%s\n", script);
	write_file("bin/docker-credential-test", 0700, text);
	CLEANUP(mem_freep) char *path = mem_printf("relative:%s/bin:/usr/bin:/bin", home);
	setenv("PATH", path, 1);
}

static struct err *ask(int64_t timeout_ms, struct credential_answer *answer)
{
	struct err *err = NULL;
	if (credential_helper_run("test", "r.example", timeout_ms, NULL, answer, &err))
		return NULL;
	return err;
}

static void expect_helper(const char *script, enum credential_kind kind, const char *wanted)
{
	CLEANUP(credential_answer_release) struct credential_answer answer = {0};
	write_helper(script);
	CLEANUP(err_freep) struct err *err = ask(10000, &answer);
	cr_assert_not(err, "%s: %s", script, err ? err->msg : "");
	CLEANUP(mem_freep) char *found = mem_printf("%s:%s", answer.username, answer.secret);
	cr_expect_eq(answer.kind, kind);
	cr_expect_str_eq(found, wanted);
}

static void expect_failure(const char *script, int64_t timeout_ms, const char *says)
{
	struct credential_answer answer = {0};
	write_helper(script);
	CLEANUP(err_freep) struct err *err = ask(timeout_ms, &answer);
	cr_assert(err, "%s", script);
	cr_expect(err_is(err, ERR_AUTH) && strstr(err->msg, "docker-credential-test") &&
			strstr(err->msg, says),
		"%s", err->msg);
	cr_expect_not(strstr(err->msg, "hidden"), "%s", err->msg);
}

Test(credentials, helper_answers)
{
	setenv("CIP_HIDDEN", "x", 1);
	expect_helper("[ \"$1\" = get ] && [ \"$(cat)\" = r.example ] && [ -z \"$CIP_HIDDEN\" ] && "
		      "[ \"$HOME\" ] && echo '{\"ServerURL\":\"\",\"Username\":\"u\","
		      "\"Secret\":\"s\"}'",
		CREDENTIAL_PASSWORD, "u:s");
	expect_helper("echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'; echo noise >&2",
		CREDENTIAL_IDENTITY_TOKEN, "<token>:t");
	expect_helper(
		"echo credentials not found in native keychain; exit 1", CREDENTIAL_ANONYMOUS, ":");
}

Test(credentials, helper_failures)
{
	expect_failure("echo the keychain is locked; exit 1", 10000, "the keychain is locked");
	expect_failure("echo '{\"Secret\":\"hidden\"}'; exit 1", 10000, "failed");
	expect_failure("echo hidden", 10000, "not the JSON");
	expect_failure("echo '{\"Username\":\"u\",\"Secret\":\"\"}'", 10000, "not the JSON");
	expect_failure("yes hidden", 10000, "printed more");
	expect_failure("sleep 60 & wait", 50, "no answer");
	struct credential_answer answer = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert_not(credential_helper_run("absent", "r", 100, NULL, &answer, &err));
	cr_expect(err_is(err, ERR_AUTH) && strstr(err->msg, "PATH"));
}

Test(credentials, helpers_go_before_the_auths_of_their_file)
{
	write_helper("echo \"$$\" >>\"$HOME/runs\"; echo '{\"Username\":\"helper\",\"Secret\":"
		     "\"s\"}'");
	write_file(".docker/config.json", 0600,
		"{\"credsStore\":\"test\",\"auths\":{\"r.example\":{\"username\":\"file\","
		"\"password\":\"p\"}}}");
	CLEANUP(credentials_freep) struct credentials *credentials = make(NULL, NULL);
	expect(credentials, CREDENTIAL_SOURCE, "helper");
	expect(credentials, CREDENTIAL_DESTINATION, "helper");
	CLEANUP(mem_freep) char *path = fs_join(home, "runs");
	CLEANUP(str_release) struct str runs = STR_INIT(4096);
	cr_assert(fs_read_file(path, &runs, NULL));
	cr_expect_eq(strchr(runs.bytes, '\n'), runs.bytes + runs.len - 1, "ran more than once");
}

Test(credentials, a_helper_without_an_answer_leads_on)
{
	write_helper("echo credentials not found in native keychain; exit 1");
	write_file(".docker/config.json", 0600,
		"{\"credsStore\":\"test\",\"auths\":{\"r.example\":{\"username\":\"file\","
		"\"password\":\"p\"}}}");
	expect_now("file");
}
