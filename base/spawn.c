/*
 * Child programs by posix_spawn. Knows how to start, find and end them; who talks to the child
 * reads and writes the descriptors itself, with SIGPIPE ignored by the program.
 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

enum { FIRST_NAP_MS = 1, LONGEST_NAP_MS = 20 };

struct channel {
	int read;
	int write;
};
#define CHANNEL_INIT                                                                               \
	{                                                                                          \
		.read = -1, .write = -1                                                            \
	}

static void channel_release(struct channel *channel)
{
	fd_closep(&channel->read);
	fd_closep(&channel->write);
}

/* Above the standard descriptors even if ours are closed: the child's dup2 must not overwrite. */
static bool lift(int *fd)
{
	int lifted;

	if (*fd > STDERR_FILENO)
		return true;
	lifted = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (lifted < 0)
		return false;
	close(*fd);
	*fd = lifted;
	return true;
}

static bool channel_open(struct channel *channel, struct err **err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set_errno(err, errno, "cannot make a pipe");
	*channel = (struct channel){.read = ends[0], .write = ends[1]};
	if (!lift(&channel->read) || !lift(&channel->write))
		return err_set_errno(err, errno, "cannot make a pipe");
	return true;
}

static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t signals;

	posix_spawnattr_init(attributes);
	posix_spawnattr_setflags(
		attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(attributes, &signals);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(attributes, &signals);
	posix_spawnattr_setpgroup(attributes, 0);
}

/* Returns an errno value. */
static int start(
	const struct spawn_options *options, int input, int output, int errors, pid_t *ret_pid)
{
	/* posix_spawn does not write to the vectors; its prototype predates const. */
	char *const *arguments = (const void *)options->arguments;
	char *const *environment = (const void *)options->environment;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int number;

	set_attributes(&attributes);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (errors >= 0)
		posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	/* Ours are close-on-exec; a library's may not be. */
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	number = posix_spawn(
		ret_pid, options->program, &actions, &attributes, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return number;
}

bool spawn_start(
	const struct spawn_options *options, struct spawn_child *ret_child, struct err **err)
{
	CLEANUP(channel_release) struct channel input = CHANNEL_INIT;
	CLEANUP(channel_release) struct channel output = CHANNEL_INIT;
	CLEANUP(channel_release) struct channel errors = CHANNEL_INIT;
	pid_t pid;
	int number;

	if (options->program[0] != '/')
		return err_set(err, ERR_INTERNAL, "cannot start %s: not an absolute path",
			options->program);
	if (!channel_open(&input, err) || !channel_open(&output, err) ||
		(!options->keep_stderr && !channel_open(&errors, err)))
		return err_prefix(err, "cannot start %s", options->program);
	number = start(options, input.read, output.write, errors.write, &pid);
	if (number == ENOENT)
		return err_set(
			err, ERR_NOT_FOUND, "cannot start %s: no such program", options->program);
	if (number)
		return err_set_errno(err, number, "cannot start %s", options->program);
	*ret_child = (struct spawn_child){
		.pid = pid,
		.input = steal_fd(&input.write),
		.output = steal_fd(&output.read),
		.errors = steal_fd(&errors.read),
	};
	return true;
}

/* True once the child has ended. It stays a zombie, so that its process group keeps its number. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) < 0)
		return errno != EINTR;
	return info.si_pid == pid;
}

static void wait_for_end(pid_t pid, int64_t grace_ms)
{
	int64_t deadline = clock_monotonic_ms(&clock_system) + grace_ms;
	int64_t nap_ms = FIRST_NAP_MS;

	while (!has_ended(pid)) {
		int64_t left = deadline - clock_monotonic_ms(&clock_system);
		struct timespec nap = {0};

		if (left <= 0)
			return;
		nap.tv_nsec = (left < nap_ms ? left : nap_ms) * 1000000;
		nanosleep(&nap, NULL);
		nap_ms = nap_ms * 2 < LONGEST_NAP_MS ? nap_ms * 2 : LONGEST_NAP_MS;
	}
}

void spawn_stop(struct spawn_child *child, int64_t grace_ms, int *ret_status)
{
	int status = 255 << 8; /* "failed" if somebody else has taken the status away */

	fd_closep(&child->input);
	fd_closep(&child->output);
	fd_closep(&child->errors);
	child->input = child->output = child->errors = -1;
	if (child->pid <= 0)
		return;
	wait_for_end(child->pid, grace_ms);
	/* Even after a clean end: the child may have left children of its own. */
	kill(-child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	child->pid = -1;
	if (ret_status)
		*ret_status = status;
}

char *spawn_find_program(const char *name)
{
	const char *entry = getenv("PATH");

	if (!entry || !*name || strchr(name, '/'))
		return NULL;
	for (;; entry++) {
		size_t len = strcspn(entry, ":");
		CLEANUP(mem_freep) char *directory = mem_strndup(entry, len);
		CLEANUP(mem_freep) char *path = fs_join(directory, name);
		struct stat info;

		if (directory[0] == '/' && stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
			access(path, X_OK) == 0)
			return steal_ptr(&path);
		entry += len;
		if (!*entry)
			return NULL;
	}
}
