/* base/spawn.h, with the shell and cat as children. */
#include "base/spawn.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum { PATIENCE_MS = 10000 };

TestSuite(spawn, .timeout = 60);

static void start_shell(const char *script, bool keep_stderr, struct spawn_child *ret_child)
{
	const char *const arguments[] = {"sh", "-c", script, NULL};
	const char *const environment[] = {"PATH=/usr/bin:/bin", "WORD=two words", NULL};
	struct spawn_options options = {
		.program = "/bin/sh",
		.arguments = arguments,
		.environment = environment,
		.keep_stderr = keep_stderr,
	};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(spawn_start(&options, ret_child, &err), "%s", err ? err->msg : "");
}

/* Reads until the end of the file and checks the whole text. */
static void expect_output(int fd, const char *wanted)
{
	CLEANUP(str_release) struct str text = STR_INIT(10000);
	char chunk[256];

	for (;;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t got;

		cr_assert_eq(poll(&ready, 1, PATIENCE_MS), 1, "the child says nothing");
		got = read(fd, chunk, sizeof(chunk));
		cr_assert_geq(got, 0);
		if (!got)
			break;
		str_add(&text, chunk, (size_t)got);
	}
	cr_assert_str_eq(str_text(&text), wanted);
}

static void expect_script(const char *script, const char *wanted)
{
	struct spawn_child child = SPAWN_CHILD_INIT;
	int status = -1;

	start_shell(script, false, &child);
	expect_output(child.output, wanted);
	spawn_stop(&child, PATIENCE_MS, &status);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(spawn, three_pipes)
{
	struct spawn_child child = SPAWN_CHILD_INIT;
	int status = -1;

	start_shell("read line; echo \"out $line\"; echo bad >&2; exit 3", false, &child);
	cr_assert_eq(write(child.input, "hello\n", 6), 6);
	expect_output(child.output, "out hello\n");
	expect_output(child.errors, "bad\n");
	spawn_stop(&child, PATIENCE_MS, &status);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 3);
}

Test(spawn, our_ends_are_close_on_exec)
{
	struct spawn_child child = SPAWN_CHILD_INIT;

	start_shell("cat", false, &child);
	cr_assert_eq(fcntl(child.input, F_GETFD), FD_CLOEXEC);
	cr_assert_eq(fcntl(child.output, F_GETFD), FD_CLOEXEC);
	cr_assert_eq(fcntl(child.errors, F_GETFD), FD_CLOEXEC);
	spawn_stop(&child, PATIENCE_MS, NULL);
}

Test(spawn, listed_environment_only)
{
	expect_script("echo \"$WORD\"; exec /usr/bin/env -u PWD -u OLDPWD -u SHLVL -u _",
		"two words\nPATH=/usr/bin:/bin\nWORD=two words\n");
}

Test(spawn, default_signals)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t blocked;

	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGTERM, &ignore, NULL);
	sigfillset(&blocked);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	/* The last seven digits are signals 1 to 28; libc ignores two of its own further up. */
	expect_script("exec sed -En 's/^(SigBlk|SigIgn):.*(.{7})$/\\1 \\2/p' /proc/self/status",
		"SigBlk 0000000\nSigIgn 0000000\n");
}

Test(spawn, no_inherited_descriptors)
{
	/* not close-on-exec, as a library may leave them */
	cr_assert_eq(dup2(STDERR_FILENO, 57), 57);
	expect_script(
		"for n in 3 4 5 6 7 8 9 57; do test -e /proc/$$/fd/$n && echo $n; done; :", "");
	close(57);
}

Test(spawn, own_process_group)
{
	struct spawn_child child = SPAWN_CHILD_INIT;

	start_shell("cat", false, &child);
	cr_assert_eq(getpgid(child.pid), child.pid);
	spawn_stop(&child, PATIENCE_MS, NULL);
}

Test(spawn, standard_error_can_be_ours)
{
	struct spawn_child child = SPAWN_CHILD_INIT;
	int ends[2], saved = dup(STDERR_FILENO);

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	dup2(ends[1], STDERR_FILENO);
	start_shell("echo bad >&2", true, &child);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	cr_assert_eq(child.errors, -1);
	expect_output(ends[0], "bad\n");
	spawn_stop(&child, PATIENCE_MS, NULL);
	close(ends[0]);
}

/* Pipes then get the numbers that the child's own standard descriptors need. */
Test(spawn, works_with_standard_descriptors_closed)
{
	struct spawn_child child = SPAWN_CHILD_INIT;
	int saved[3];

	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 20);
		close(i);
	}
	start_shell("read line; echo \"out $line\"; echo bad >&2", false, &child);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	cr_assert_gt(child.input, 2);
	cr_assert_eq(write(child.input, "x\n", 2), 2);
	expect_output(child.output, "out x\n");
	expect_output(child.errors, "bad\n");
	spawn_stop(&child, PATIENCE_MS, NULL);
}

static void expect_start_error(const char *program, enum err_kind kind)
{
	const char *const none[] = {NULL};
	const char *const arguments[] = {"x", NULL};
	struct spawn_options options = {
		.program = program, .arguments = arguments, .environment = none};
	struct spawn_child child = SPAWN_CHILD_INIT;
	CLEANUP(err_freep) struct err *err = NULL;
	int before = dup(0), after;

	close(before);
	cr_assert_not(spawn_start(&options, &child, &err));
	cr_assert(err_is(err, kind), "%s", err->msg);
	cr_assert(strstr(err->msg, program));
	cr_assert(child.pid == -1 && child.input == -1 && child.output == -1);
	after = dup(0);
	close(after);
	cr_assert_eq(after, before, "descriptors leaked");
	cr_assert_lt(waitpid(-1, NULL, WNOHANG), 0, "a zombie is left");
}

Test(spawn, start_errors)
{
	expect_start_error("/no/such/program", ERR_NOT_FOUND);
	expect_start_error("/etc/passwd", ERR_IO);
	expect_start_error("/tmp", ERR_IO);
	expect_start_error("sh", ERR_INTERNAL);
}

Test(spawn, stop_kills_the_stubborn)
{
	struct spawn_child child = SPAWN_CHILD_INIT;
	int64_t start = clock_monotonic_ms(&clock_system);
	int status = -1;

	start_shell("trap '' TERM HUP PIPE; while :; do sleep 1; done", false, &child);
	spawn_stop(&child, 30, &status);
	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(WTERMSIG(status), SIGKILL);
	cr_assert_geq(clock_monotonic_ms(&clock_system) - start, 30);
	cr_assert_lt(clock_monotonic_ms(&clock_system) - start, 900);
	cr_assert(child.pid == -1 && child.input == -1 && child.output == -1 && child.errors == -1);
	status = 77;
	spawn_stop(&child, 30, &status);
	cr_assert_eq(status, 77);
	cr_assert_lt(waitpid(-1, NULL, WNOHANG), 0, "a zombie is left");
}

Test(spawn, stop_does_not_wait_longer_than_needed)
{
	struct spawn_child child = SPAWN_CHILD_INIT;
	int64_t start = clock_monotonic_ms(&clock_system);
	int status = -1;

	start_shell("exec cat", false, &child);
	spawn_stop(&child, 60000, &status);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_assert_lt(clock_monotonic_ms(&clock_system) - start, PATIENCE_MS);
}

Test(spawn, stop_ends_the_whole_group)
{
	struct spawn_child child = SPAWN_CHILD_INIT;
	int status = -1, output;

	start_shell("sleep 60 & exit 0", false, &child);
	output = dup(child.output);
	spawn_stop(&child, PATIENCE_MS, &status);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	/* the end of the file comes when sleep, who holds the other end, is gone */
	expect_output(output, "");
	close(output);
}

/* As when the parent of our program left SIGCHLD ignored: the kernel keeps no status. */
Test(spawn, lost_status_is_a_failure)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct spawn_child child = SPAWN_CHILD_INIT;
	int64_t start;
	int status = 0;

	sigaction(SIGCHLD, &ignore, NULL);
	start_shell("exit 0", false, &child);
	expect_output(child.output, "");
	start = clock_monotonic_ms(&clock_system);
	spawn_stop(&child, PATIENCE_MS, &status);
	cr_assert_neq(status, 0);
	cr_assert_lt(clock_monotonic_ms(&clock_system) - start, PATIENCE_MS / 2);
}

static void expect_found(const char *path_variable, const char *name, const char *wanted)
{
	char *variable = mem_printf("PATH=%s", path_variable);
	char *fake[] = {variable, NULL};
	char **saved = environ;
	CLEANUP(mem_freep) char *found = NULL;

	environ = fake;
	found = spawn_find_program(name);
	environ = saved;
	mem_free(variable);
	if (wanted)
		cr_assert_str_eq(found, wanted);
	else
		cr_assert_null(found, "%s", found);
}

Test(spawn, find_program)
{
	expect_found("/bin", "sh", "/bin/sh");
	expect_found("/no/such:/bin", "sh", "/bin/sh");
	expect_found("/bin/:/usr/bin", "sh", "/bin/sh");
	expect_found("/:/usr", "bin", NULL);  /* a directory */
	expect_found("/etc", "passwd", NULL); /* not executable */
	expect_found("/bin", "no-such-program", NULL);
	expect_found("/", "bin/sh", NULL);
	expect_found("/bin", "", NULL);
	expect_found("", "sh", NULL);
	cr_assert_eq(chdir("/"), 0);
	expect_found("bin:./bin::", "sh", NULL); /* only absolute entries count */
}
