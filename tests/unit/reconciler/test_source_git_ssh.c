/*
 * Repositories over ssh, with a script in place of ssh: what it is called with, and what becomes of
 * its answers, its silence and its end. tests/integration/source_ssh.sh has the real one.
 */
#include "reconciler/source_git_ssh.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "tests/unit/reconciler/git_fixture.h"

/* Runs what it was asked to run, here; notes its arguments, one a line, and its environment. */
static const char honest[] = "#!/bin/sh\n"
			     "printf '%s\\n' \"$@\" > \"$0.arguments\"\n"
			     "env > \"$0.environment\"\n"
			     "for command do :; done\n"
			     "cd \"${0%/*}/..\" && exec sh -c \"$command\"\n";

static void install(const char *script)
{
	const char *old = getenv("PATH");
	CLEANUP(mem_freep) char *here = mem_new(4096, 1);

	cr_assert(getcwd(here, 4096));
	CLEANUP(mem_freep) char *path = mem_printf("%s/bin:%s", here, old);
	setenv("PATH", path, 1);
	git_fixture_write("bin/ssh", script);
	cr_assert_eq(chmod("bin/ssh", 0755), 0);
}

static void enter(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &ignore, NULL);
	git_fixture_enter();
	git_fixture_init("it's a repo!");
	git_fixture_commit("it's a repo!", "file", "one");
	setenv("SSH_ASKPASS", "/bin/false", 1);
	setenv("SSH_AUTH_SOCK", "/nowhere", 1);
}

TestSuite(source_git_ssh, .init = enter, .fini = git_fixture_leave, .timeout = 60);

static struct source_git_options remote = {
	.url = "ssh://git@[::1]:2222/./it's%20a%20repo!", .cache_dir = "cache"};

static void expect_file(const char *text)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(source_freep) struct source *source = source_open_git(&remote, &err);

	cr_assert(source, "%s", err ? err->msg : "");
	CLEANUP(mem_freep) char *got = git_fixture_read(source, "file");
	cr_expect_str_eq(got, text);
}

static void expect_failure(enum err_kind kind, const char *words)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(source_freep) struct source *source = source_open_git(&remote, &err);

	cr_assert_null(source);
	cr_expect_eq(err->kind, kind, "%s: %s", err_kind_name(err->kind), err->msg);
	cr_expect(strstr(err->msg, words), "%s", err->msg);
}

static char *text_of(const char *path)
{
	CLEANUP(str_release) struct str text = STR_INIT(100000);

	cr_assert(fs_read_file(path, &text, NULL));
	return str_steal(&text, NULL);
}

Test(source_git_ssh, fetches_all_and_then_what_is_new)
{
	install(honest);
	/* A relative path of the scp form, so that the script's directory is the "home". */
	remote.url = "git@example.com:it's a repo!";
	git_fixture_git("it's a repo!", "tag", "-a", "-m", "x", "v1");
	expect_file("one");
	for (int i = 0; i < 60; i++)
		git_fixture_git("it's a repo!", "commit", "-q", "--allow-empty", "-m", "history");
	git_fixture_commit("it's a repo!", "file", "two");
	expect_file("two");
	expect_file("two");
	remote.ref = "v1";
	expect_file("one");
	cr_expect_null(strstr(git_fixture_log(), "warn"), "%s", git_fixture_log());
}

Test(source_git_ssh, calls_ssh_with_checked_arguments_only)
{
	static const char wanted[] = "-T\n"
				     "-o\nBatchMode=yes\n"
				     "-o\nStrictHostKeyChecking=yes\n"
				     "-o\nConnectTimeout=15\n"
				     "-o\nControlMaster=no\n"
				     "-o\nForwardAgent=no\n"
				     "-o\nForwardX11=no\n"
				     "-o\nClearAllForwardings=yes\n"
				     "-o\nPermitLocalCommand=no\n"
				     "-i\n%s/k%%%%ey\n"
				     "-o\nIdentitiesOnly=yes\n"
				     "-p\n2222\n"
				     "--\n"
				     "git@::1\n"
				     "git-upload-pack '/./it'\\''s a repo'\\!''\n";
	CLEANUP(mem_freep) char *here = mem_new(4096, 1);

	install(honest);
	cr_assert(getcwd(here, 4096));
	git_fixture_write("k%ey", "");
	remote.ssh_key_file = "k%ey";
	expect_failure(ERR_NOT_FOUND, "no such repository");

	CLEANUP(mem_freep) char *arguments = text_of("bin/ssh.arguments");
	CLEANUP(mem_freep) char *environment = text_of("bin/ssh.environment");
	CLEANUP(str_release) struct str expected = STR_INIT(10000);
	const char *rest = strstr(wanted, "%s");
	str_add(&expected, wanted, (size_t)(rest - wanted));
	str_addf(&expected, "%s/k%%%%ey", here);
	str_add_text(&expected, rest + strlen("%s/k%%%%ey"));
	cr_expect_str_eq(arguments, str_text(&expected));
	cr_expect(strstr(environment, "SSH_AUTH_SOCK=/nowhere\n"), "%s", environment);
	cr_expect_null(strstr(environment, "SSH_ASKPASS"), "%s", environment);
}

/* One connection, without what is tried again after it. */
static void expect_end(const char *script, enum err_kind kind, const char *words)
{
	CLEANUP(source_git_url_release) struct source_git_url url = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep) char *text = mem_printf("#!/bin/sh\n%s\n", script);
	const struct source_git_deadline deadline = source_git_deadline_start(NULL, 0);
	char byte;
	size_t len;

	install(text);
	cr_assert(source_git_url_parse("example.com:a", &url, NULL));
	const struct source_git_ssh_options options = {.url = &url, .deadline = &deadline};
	CLEANUP(source_git_wire_freep)
	struct source_git_wire *wire = source_git_ssh_new(&options, NULL);
	cr_assert(wire->begin(wire->ctx, SOURCE_GIT_ADVERTISE, NULL));
	cr_assert_not(wire->read(wire->ctx, &byte, 1, &len, &err));
	cr_expect_eq(err->kind, kind, "%s: %s", err_kind_name(err->kind), err->msg);
	cr_expect(strstr(err->msg, words), "%s", err->msg);
}

Test(source_git_ssh, turns_what_ssh_says_into_advice)
{
	expect_end("echo 'Host key verification failed.' >&2; exit 255", ERR_TLS, "known_hosts");
	expect_end("echo 'git@x: Permission denied (publickey).' >&2; exit 255", ERR_AUTH,
		"no key was accepted");
	expect_end("echo 'ERROR: Repository not found.' >&2; exit 1", ERR_NOT_FOUND,
		"ssh ended with 1 and said: ERROR: Repository not found.");
	expect_end("echo 'sh: git-upload-pack: command not found' >&2; exit 127", ERR_UNSUPPORTED,
		"no Git");
	expect_end("echo 'ssh: connect: Connection refused' >&2; exit 255", ERR_TRANSIENT,
		"Connection refused");
	expect_end("exit 3", ERR_TRANSIENT, "ssh ended with 3 without a word");
	expect_end("kill -9 $$", ERR_TRANSIENT, "ssh ended with 137");
}

Test(source_git_ssh, servers_that_speak_something_else)
{
	install("#!/bin/sh\necho 'Welcome to the machine'\n");
	expect_failure(ERR_INVALID, "not a Git repository?");
	install("#!/bin/sh\nprintf '0000'\n");
	expect_failure(ERR_INVALID, "neither branches nor tags");
	install("#!/bin/sh\nprintf '0033ERR access denied or repository not exported: x\\n'\n");
	expect_failure(ERR_INVALID, "access denied");
}

Test(source_git_ssh, tries_again_what_may_pass)
{
	/* Fails the first time. */
	install("#!/bin/sh\n"
		"[ -e \"$0.once\" ] || { touch \"$0.once\"; echo reset by peer >&2; exit 255; }\n"
		"for command do :; done\n"
		"cd \"${0%/*}/..\" && exec sh -c \"$command\"\n");
	remote.url = "example.com:it's a repo!";
	expect_file("one");
	cr_expect(strstr(git_fixture_log(), "trying again"), "%s", git_fixture_log());
}

Test(source_git_ssh, long_complaints_are_cut)
{
	CLEANUP(err_freep) struct err *err = NULL;

	install("#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' x >&2\nexit 1\n");
	cr_assert_null(source_open_git(&remote, &err));
	cr_expect_leq(strlen(err->msg), 4096 + 500);
}

Test(source_git_ssh, a_broken_connection_is_no_broken_cache)
{
	install(honest);
	remote.url = "example.com:it's a repo!";
	expect_file("one");
	install("#!/bin/sh\nexit 255\n");
	expect_failure(ERR_TRANSIENT, "ssh ended with 255");
	cr_expect_null(strstr(git_fixture_log(), "damaged"), "%s", git_fixture_log());
}

static const char silent[] = "#!/bin/sh\nexec sleep 100\n";

Test(source_git_ssh, silence_ends_with_the_deadline)
{
	int64_t before = clock_monotonic_ms(&clock_system);

	install(silent);
	remote.timeout_ms = 100;
	expect_failure(ERR_TIMEOUT, "within its time of 0.1 s");
	cr_expect_lt(clock_monotonic_ms(&clock_system) - before, 5000);
}

Test(source_git_ssh, silence_ends_before_the_deadline_too)
{
	CLEANUP(source_git_url_release) struct source_git_url url = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	const struct source_git_deadline deadline = source_git_deadline_start(NULL, 0);
	char byte;
	size_t len;

	install(silent);
	cr_assert(source_git_url_parse("example.com:a", &url, NULL));
	const struct source_git_ssh_options options = {
		.url = &url, .deadline = &deadline, .stall_timeout_ms = 50};
	CLEANUP(source_git_wire_freep)
	struct source_git_wire *wire = source_git_ssh_new(&options, NULL);
	cr_assert(wire->begin(wire->ctx, SOURCE_GIT_ADVERTISE, NULL));
	cr_assert_not(wire->read(wire->ctx, &byte, 1, &len, &err));
	cr_expect_eq(err->kind, ERR_TIMEOUT);
	cr_expect(strstr(err->msg, "silent"), "%s", err->msg);
}

static void *raise_soon(void *token)
{
	usleep(50000);
	cancel_raise(token, CANCEL_DRAIN);
	return NULL;
}

Test(source_git_ssh, silence_ends_when_the_run_is_stopped)
{
	CLEANUP(cancel_freep) struct cancel *token = cancel_new();
	int64_t before = clock_monotonic_ms(&clock_system);
	pthread_t thread;

	install(silent);
	remote.cancel = token;
	cr_assert_eq(pthread_create(&thread, NULL, raise_soon, token), 0);
	expect_failure(ERR_CANCELLED, "interrupted");
	pthread_join(thread, NULL);
	cr_expect_lt(clock_monotonic_ms(&clock_system) - before, 5000);
}

Test(source_git_ssh, missing_program_and_missing_key)
{
	remote.ssh_key_file = "nokey";
	install(honest);
	expect_failure(ERR_USAGE, "ssh key nokey");
	remote.ssh_key_file = NULL;
	setenv("PATH", "/nowhere", 1);
	expect_failure(ERR_USAGE, "install openssh-client");
}
