/*
 * ssh as a child: argument vector, no shell on this side, nothing interactive, host keys strictly
 * checked. Three pipes are driven by poll(2), so a silent server, a full pipe and a cancelled run
 * all end. What ssh and the server say on standard error is kept, bounded, for the error.
 */
#include "reconciler/source_git_ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"

#define ERRORS_MAX ((size_t)4096)
#define STALL_DEFAULT_MS ((int64_t)60 * 1000)
#define CONNECT_TIMEOUT_OPTION "ConnectTimeout=15"
/* For ssh to end by itself and for the last of its words after its output has ended. */
#define GOODBYE_MS 2000

struct ssh_wire {
	const struct source_git_url *url;
	const struct source_git_deadline *deadline;
	int64_t stall_timeout_ms;
	char *program;
	char *key_file; /* absolute, '%' doubled; NULL: none */
	struct spawn_child child;
	struct str errors;
	int wake; /* eventfd that the cancel token writes to */
	struct cancel_watch watch;
};

/* POSIX shell quoting; '!' too, for shells with history on the other side, as git does. */
static char *quote(const char *text)
{
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);

	str_add_char(&out, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '!')
			str_addf(&out, "'\\%c'", *text);
		else
			str_add_char(&out, *text);
	}
	str_add_char(&out, '\'');
	return str_steal(&out, NULL);
}

struct words {
	VEC(const char *) list;
};

static void words_release(struct words *words)
{
	vec_release(&words->list);
}

static void add_option(struct words *words, const char *option)
{
	*vec_push(&words->list) = "-o";
	*vec_push(&words->list) = option;
}

/* The texts are borrowed: `destination` and `command` from the caller, the rest from the wire. */
static void make_arguments(const struct ssh_wire *wire, const char *destination,
	const char *command, struct words *words)
{
	static const char *const options[] = {"BatchMode=yes", "StrictHostKeyChecking=yes",
		CONNECT_TIMEOUT_OPTION, "ControlMaster=no", "ForwardAgent=no", "ForwardX11=no",
		"ClearAllForwardings=yes", "PermitLocalCommand=no"};

	*vec_push(&words->list) = "ssh";
	*vec_push(&words->list) = "-T";
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		add_option(words, options[i]);
	if (wire->key_file) {
		*vec_push(&words->list) = "-i";
		*vec_push(&words->list) = wire->key_file;
		add_option(words, "IdentitiesOnly=yes");
	}
	if (wire->url->port) {
		*vec_push(&words->list) = "-p";
		*vec_push(&words->list) = wire->url->port;
	}
	*vec_push(&words->list) = "--";
	*vec_push(&words->list) = destination;
	*vec_push(&words->list) = command;
	*vec_push(&words->list) = NULL;
}

/* "NAME=value" of the variables ssh needs to find its files and the agent. */
static void make_environment(struct words *owned)
{
	static const char *const names[] = {
		"HOME", "PATH", "USER", "LOGNAME", "SSH_AUTH_SOCK", "TMPDIR"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value)
			*vec_push(&owned->list) = mem_printf("%s=%s", names[i], value);
	}
	/* Messages are matched below. */
	*vec_push(&owned->list) = mem_strdup("LC_ALL=C");
	*vec_push(&owned->list) = NULL;
}

static void owned_words_release(struct words *words)
{
	for (size_t i = 0; i < words->list.len; i++) {
		char *text;

		memcpy(&text, &words->list.items[i], sizeof(text));
		mem_free(text);
	}
	words_release(words);
}

static bool set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool start(struct ssh_wire *wire, struct err **err)
{
	const struct source_git_url *url = wire->url;
	CLEANUP(mem_freep) char *path = quote(url->path);
	CLEANUP(mem_freep) char *command = mem_printf("git-upload-pack %s", path);
	CLEANUP(mem_freep)
	char *destination =
		mem_printf("%s%s%s", url->user ? url->user : "", url->user ? "@" : "", url->host);
	CLEANUP(words_release) struct words arguments = {0};
	CLEANUP(owned_words_release) struct words environment = {0};
	CLEANUP(err_freep) struct err *reason = NULL;

	make_arguments(wire, destination, command, &arguments);
	make_environment(&environment);

	const struct spawn_options options = {
		.program = wire->program,
		.arguments = arguments.list.items,
		.environment = environment.list.items,
	};
	if (!spawn_start(&options, &wire->child, &reason))
		return err_set(err, ERR_TRANSIENT, "%s", reason->msg);
	if (!set_nonblocking(wire->child.input) || !set_nonblocking(wire->child.output) ||
		!set_nonblocking(wire->child.errors))
		return err_set(err, ERR_INTERNAL, "cannot use the pipes to ssh");
	return true;
}

static void take_errors(struct ssh_wire *wire)
{
	char chunk[1024];
	ssize_t got;

	while ((got = read(wire->child.errors, chunk, sizeof(chunk))) > 0) {
		size_t room = ERRORS_MAX - wire->errors.len;

		str_add(&wire->errors, chunk, (size_t)got < room ? (size_t)got : room);
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	fd_closep(&wire->child.errors);
	wire->child.errors = -1;
}

/*
 * Waits until `fd` is ready for `events`, collecting standard error meanwhile; at most `wait_ms`
 * after the last sign of life. False with an error on deadline, cancellation and silence.
 */
static bool wait_ready(struct ssh_wire *wire, int fd, short events, struct err **err)
{
	int64_t silent_since = clock_monotonic_ms(&clock_system);

	for (;;) {
		struct pollfd polls[] = {
			{.fd = fd, .events = events},
			{.fd = wire->child.errors, .events = POLLIN},
			{.fd = wire->wake, .events = POLLIN},
		};
		int64_t now = clock_monotonic_ms(&clock_system);
		int64_t left = silent_since + wire->stall_timeout_ms - now;
		int64_t allowed = source_git_deadline_left_ms(wire->deadline);

		if (!source_git_deadline_check(wire->deadline, err))
			return false;
		if (left <= 0)
			return err_set(err, ERR_TIMEOUT, "%s was silent for %d s", wire->url->host,
				(int)(wire->stall_timeout_ms / 1000));
		left = left < allowed ? left : allowed;
		if (poll(polls, 3, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR)
			return err_set(err, ERR_INTERNAL, "cannot wait for ssh");
		if (polls[1].revents) {
			take_errors(wire);
			silent_since = clock_monotonic_ms(&clock_system);
		}
		if (polls[0].revents)
			return true;
	}
}

struct symptom {
	const char *text;
	enum err_kind kind;
	const char *advice;
};

/* What ssh (OpenSSH's wording) and git-upload-pack say, and what a person can do about it. */
static const struct symptom symptoms[] = {
	{"Host key verification failed", ERR_TLS,
		"the host's key is unknown or has changed: compare it with the one the host's "
		"owner "
		"publishes and put it into known_hosts"},
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", ERR_TLS,
		"the host's key has changed: ask its owner why before you replace it in "
		"known_hosts"},
	{"Permission denied", ERR_AUTH,
		"no key was accepted: name one that may read the repository, or load it into the "
		"agent"},
	{"Too many authentication failures", ERR_AUTH, "name the key to use"},
	{"Repository not found", ERR_NOT_FOUND,
		"there is no such repository, or this key may not read it"},
	{"does not appear to be a git repository", ERR_NOT_FOUND, "there is no such repository"},
	{"not a git repository", ERR_NOT_FOUND, "there is no such repository"},
	{"command not found", ERR_UNSUPPORTED, "the host has no Git"},
	{"Could not resolve hostname", ERR_TRANSIENT, "is the host's name right?"},
	{"Connection refused", ERR_TRANSIENT, "does it accept ssh on this port?"},
	{"timed out", ERR_TRANSIENT, "the host did not answer"},
};

/* Lines as sentences: an error is one line. Fresh memory. */
static char *on_one_line(const char *text)
{
	CLEANUP(str_release) struct str line = STR_INIT(STR_TEXT_MAX);

	for (text += strspn(text, "\r\n"); *text; text += strspn(text, "\r\n")) {
		size_t len = strcspn(text, "\r\n");

		str_addf(&line, "%s%.*s", line.len ? "; " : "", (int)len, text);
		text += len;
	}
	return mem_strdup(str_text(&line));
}

/* ssh has ended where it should not: says why, in its own words. */
static bool ended(struct ssh_wire *wire, struct err **err)
{
	int64_t until = clock_monotonic_ms(&clock_system) + GOODBYE_MS;
	int status = 0;
	struct pollfd last;

	for (int64_t left = GOODBYE_MS; wire->child.errors >= 0 && left > 0;
		left = until - clock_monotonic_ms(&clock_system)) {
		last = (struct pollfd){.fd = wire->child.errors, .events = POLLIN};
		if (poll(&last, 1, (int)left) > 0)
			take_errors(wire);
	}
	spawn_stop(&wire->child, GOODBYE_MS, &status);

	CLEANUP(mem_freep) char *said = on_one_line(str_text(&wire->errors));
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	for (size_t i = 0; i < sizeof(symptoms) / sizeof(*symptoms); i++)
		if (strstr(said, symptoms[i].text))
			return err_set(err, symptoms[i].kind, "%s (ssh ended with %d and said: %s)",
				symptoms[i].advice, code, said);
	return err_set(err, ERR_TRANSIENT, "ssh ended with %d%s%s", code,
		*said ? " and said: " : " without a word", said);
}

static bool ssh_begin(void *ctx, enum source_git_phase phase, struct err **err)
{
	struct ssh_wire *wire = ctx;

	return phase == SOURCE_GIT_NEGOTIATE || wire->child.pid > 0 || start(wire, err);
}

static bool ssh_write(void *ctx, const void *bytes, size_t len, struct err **err)
{
	struct ssh_wire *wire = ctx;
	const char *at = bytes;

	while (len) {
		if (wire->child.pid <= 0)
			return err_set(err, ERR_TRANSIENT, "ssh has ended");
		if (!wait_ready(wire, wire->child.input, POLLOUT, err))
			return false;

		ssize_t written = write(wire->child.input, at, len);
		if (written < 0 && errno != EAGAIN && errno != EINTR)
			return ended(wire, err);
		if (written > 0) {
			at += written;
			len -= (size_t)written;
		}
	}
	return true;
}

static bool ssh_read(void *ctx, void *bytes, size_t max, size_t *ret_len, struct err **err)
{
	struct ssh_wire *wire = ctx;

	for (;;) {
		if (wire->child.pid <= 0)
			return err_set(err, ERR_TRANSIENT, "ssh has ended");
		if (!wait_ready(wire, wire->child.output, POLLIN, err))
			return false;

		ssize_t got = read(wire->child.output, bytes, max);
		if (got > 0) {
			*ret_len = (size_t)got;
			return true;
		}
		/* The protocol tells its end itself; nobody reads on after it. */
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			return ended(wire, err);
	}
}

static void wake_up(void *ctx)
{
	struct ssh_wire *wire = ctx;

	/* Fails only when the counter is full, and then it is awake. */
	eventfd_write(wire->wake, 1);
}

static void ssh_wire_free(void *ctx)
{
	struct ssh_wire *wire = ctx;

	if (wire->deadline->cancel)
		cancel_unwatch(wire->deadline->cancel, &wire->watch);
	/* Nothing it could still say matters. */
	spawn_stop(&wire->child, 0, NULL);
	fd_closep(&wire->wake);
	str_release(&wire->errors);
	mem_free(wire->program);
	mem_free(wire->key_file);
	mem_free(wire);
}

/* ssh expands '~', '%' and '${' in names of keys: gives it a name that stays what it is. */
static bool name_key(const char *file, char **ret_name, struct err **err)
{
	char absolute[PATH_MAX];
	CLEANUP(str_release) struct str name = STR_INIT(STR_TEXT_MAX);

	if (!realpath(file, absolute) || access(absolute, R_OK) != 0) {
		err_set_errno(err, errno, "ssh key %s", file);
		if (err && *err)
			(*err)->kind = ERR_USAGE;
		return false;
	}
	if (strstr(absolute, "${"))
		return err_set(err, ERR_USAGE, "ssh key %s: '${' in its path is not usable", file);
	for (const char *c = absolute; *c; c++)
		str_addf(&name, *c == '%' ? "%%%c" : "%c", *c);
	*ret_name = str_steal(&name, NULL);
	return true;
}

struct source_git_wire *source_git_ssh_new(
	const struct source_git_ssh_options *options, struct err **err)
{
	struct ssh_wire *ssh = mem_new(1, sizeof(*ssh));
	struct source_git_wire *wire = mem_new(1, sizeof(*wire));

	ssh->url = options->url;
	ssh->deadline = options->deadline;
	ssh->stall_timeout_ms =
		options->stall_timeout_ms ? options->stall_timeout_ms : STALL_DEFAULT_MS;
	ssh->child = (struct spawn_child)SPAWN_CHILD_INIT;
	ssh->program = spawn_find_program("ssh");
	ssh->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ssh->watch = (struct cancel_watch){.wake = wake_up, .ctx = ssh};
	str_init(&ssh->errors, ERRORS_MAX);
	*wire = (struct source_git_wire){
		.begin = ssh_begin,
		.write = ssh_write,
		.read = ssh_read,
		.free = ssh_wire_free,
		.ctx = ssh,
	};
	if (ssh->deadline->cancel)
		cancel_watch(ssh->deadline->cancel, &ssh->watch);
	if (!ssh->program)
		err_set(err, ERR_USAGE, "no ssh in PATH: install openssh-client");
	else if (!options->key_file || name_key(options->key_file, &ssh->key_file, err))
		return wire;
	source_git_wire_free(wire);
	return NULL;
}
