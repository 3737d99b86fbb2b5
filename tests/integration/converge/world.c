/* Starting commands, waiting for them, comparing what they leave. It does not know what goes wrong. */
#include "tests/integration/converge/world.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/fs.h"
#include "tests/integration/converge/wire.h"

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "%s: %s\n", what, detail);
	exit(2);
}

/* ---- Arguments ---- */

/* NAME=HOST:PORT */
static void add_server(struct world *world, const char *text, bool is_destination)
{
	const char *sign = strchr(text, '='), *colon = strrchr(text, ':');
	uint64_t port = 0;

	if (!sign || !colon || !number_parse(colon + 1, UINT16_MAX, &port))
		die("NAME=HOST:PORT", text);
	char *name = mem_strndup(text, (size_t)(sign - text));
	*vec_push(&world->servers) = (struct world_server){
		.port = (uint16_t)port,
		.gate_port = gate_add(world->gate, name, (uint16_t)port, is_destination),
		.is_destination = is_destination,
		.name = name,
	};
}

static char *replaced(const char *text, const char *name, unsigned port)
{
	CLEANUP(str_release) struct str out = STR_INIT(WIRE_MAX);
	CLEANUP(mem_freep) char *mark = mem_printf("@%s@", name);

	for (const char *found; (found = strstr(text, mark)); text = found + strlen(mark)) {
		str_add(&out, text, (size_t)(found - text));
		str_addf(&out, "127.0.0.1:%u", port);
	}
	str_add_text(&out, text);
	return str_steal(&out, NULL);
}

static void write_settings(const struct world *world, const char *settings)
{
	CLEANUP(str_release) struct str file = STR_INIT(WIRE_MAX);
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep) char *path = fs_join(world->directory, "cip.yaml");

	if (!fs_read_file(settings, &file, &err))
		die(settings, err->msg);
	CLEANUP(mem_freep) char *text = str_steal(&file, NULL);
	for (size_t i = 0; i < world->servers.len; i++) {
		const struct world_server *server = &world->servers.items[i];
		char *next = replaced(text, server->name, server->gate_port);
		mem_free(text);
		text = next;
	}
	if (!fs_write_atomic(path, text, strlen(text), 0600, &err))
		die(path, err->msg);
}

/* The vectors stay in argv, each ended where the next mark was. */
static void add_commands(struct world *world, char **argv)
{
	for (; *argv; argv++) {
		if (strcmp(*argv, "--") == 0)
			*vec_push(&world->commands) = argv + 1;
		else if (strcmp(*argv, "++") == 0)
			*vec_push(&world->others) = argv + 1;
		else if (strcmp(*argv, "==") == 0)
			*vec_push(&world->first) = argv + 1;
		else
			continue;
		*argv = NULL;
	}
}

void world_init(struct world *world, int argc, char **argv,
	void (*other)(const char *option, const char *value))
{
	const char *settings = NULL;
	int i = 0;

	world->gate = gate_new();
	for (; i < argc && strcmp(argv[i], "--") != 0; i += 2) {
		if (i + 1 >= argc)
			die("no value", argv[i]);
		if (strcmp(argv[i], "--server") == 0 || strcmp(argv[i], "--destination") == 0)
			add_server(world, argv[i + 1], argv[i][2] == 'd');
		else if (strcmp(argv[i], "--directory") == 0)
			world->directory = argv[i + 1];
		else if (strcmp(argv[i], "--settings") == 0)
			settings = argv[i + 1];
		else
			other(argv[i], argv[i + 1]);
	}
	if (settings)
		write_settings(world, settings);
	add_commands(world, argv + i);
}

void world_release(struct world *world)
{
	gate_free(world->gate);
	for (size_t i = 0; i < world->servers.len; i++)
		mem_free(world->servers.items[i].name);
	vec_release(&world->servers);
	vec_release(&world->commands);
	vec_release(&world->others);
	vec_release(&world->first);
	lines_release(&world->wanted);
}

/* ---- Runs ---- */

static pid_t start(const struct world *world, char **command)
{
	CLEANUP(mem_freep) char *path = fs_join(world->directory, "out");
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	if (posix_spawn(&pid, command[0], &actions, NULL, command, environ) != 0)
		die("cannot start", command[0]);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

/* While it is not reaped nobody else has its number. */
static bool has_ended(pid_t pid, int options)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | options) == 0 &&
		info.si_pid == pid;
}

static struct world_end reap(pid_t pid)
{
	struct world_end end = {0};
	int status = 0;

	waitpid(pid, &status, 0);
	end.is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return end;
}

static struct world_end run_command(struct world *world, char **command)
{
	pid_t pid = start(world, command);

	gate_watch(world->gate, pid);
	has_ended(pid, 0);
	gate_forget(world->gate);
	return reap(pid);
}

void world_empty(struct world *world)
{
	for (size_t i = 0; i < world->servers.len; i++) {
		CLEANUP(wire_answer_release) struct wire_answer answer = WIRE_ANSWER_INIT;
		if (world->servers.items[i].is_destination)
			wire_request(
				world->servers.items[i].port, "DELETE", "/admin/contents", &answer);
	}
	const struct gate_rule rule = {.action = GATE_PASS};
	gate_begin(world->gate, &rule);
	for (size_t i = 0; i < world->first.len; i++)
		if (reap(start(world, world->first.items[i])).status != 0)
			die("what comes first fails", world->first.items[i][0]);
	gate_end(world->gate);
}

struct world_end world_run(struct world *world, const struct gate_rule *rule)
{
	CLEANUP(mem_freep) char *path = fs_join(world->directory, "out");
	struct world_end all = {0};

	unlink(path);
	gate_begin(world->gate, rule);
	for (size_t i = 0; i < world->commands.len && !all.is_killed; i++) {
		struct world_end end = run_command(world, world->commands.items[i]);
		all.is_killed = end.is_killed;
		if (!all.status)
			all.status = end.status;
	}
	gate_end(world->gate);
	return all;
}

/* ---- Two at once ---- */

static int run_others(struct world *world)
{
	int status = 0;

	for (size_t i = 0; i < world->commands.len; i++) {
		char **command =
			world->others.len ? world->others.items[i] : world->commands.items[i];
		struct world_end end = reap(start(world, command));
		if (!status)
			status = end.status;
	}
	return status;
}

int world_run_others(struct world *world)
{
	const struct gate_rule rule = {.action = GATE_PASS};

	gate_begin(world->gate, &rule);
	int status = run_others(world);
	gate_end(world->gate);
	return status;
}

/* One command, during which the others run once if its request comes. */
static int run_overlapped(struct world *world, char **command, bool kills, bool *ret_met)
{
	pid_t pid = start(world, command);
	int status = 0;

	while (!*ret_met && !has_ended(pid, WNOHANG)) {
		*ret_met = gate_holds(world->gate);
		if (!*ret_met)
			poll(NULL, 0, 1);
	}
	if (*ret_met && gate_holds(world->gate)) {
		status = run_others(world);
		if (kills)
			kill(pid, SIGKILL);
		gate_release(world->gate, !kills);
	}
	struct world_end end = reap(pid);
	return status || end.is_killed ? status : end.status;
}

bool world_overlap(struct world *world, size_t k, bool kills, int *ret_status)
{
	const struct gate_rule rule = {.action = GATE_HOLD, .nth = k};
	bool met = false;

	*ret_status = 0;
	gate_begin(world->gate, &rule);
	for (size_t i = 0; i < world->commands.len && !(met && kills); i++) {
		int status = run_overlapped(world, world->commands.items[i], kills, &met);
		if (!*ret_status)
			*ret_status = status;
	}
	gate_end(world->gate);
	return met;
}

int world_together(struct world *world)
{
	const struct gate_rule rule = {.action = GATE_PASS};
	int status = 0;

	gate_begin(world->gate, &rule);
	for (size_t i = 0; i < world->commands.len; i++) {
		char **command =
			world->others.len ? world->others.items[i] : world->commands.items[i];
		pid_t first = start(world, world->commands.items[i]),
		      second = start(world, command);
		struct world_end ends[] = {reap(first), reap(second)};
		if (!status)
			status = ends[0].status ? ends[0].status : ends[1].status;
	}
	gate_end(world->gate);
	return status;
}

/* ---- What is there ---- */

void world_state(const struct world *world, struct lines *lines)
{
	for (size_t i = 0; i < world->servers.len; i++) {
		const struct world_server *server = &world->servers.items[i];
		if (server->is_destination)
			claims_add(server->name, server->port, lines);
	}
	lines_sort(lines);
}

/* Both are sorted; a line that is there twice is two. */
size_t world_differences(const struct world *world, const struct lines *lines,
	bool (*skips)(const char *line, const char *server), const char *server)
{
	size_t a = 0, b = 0, found = 0;

	while (a < world->wanted.texts.len || b < lines->texts.len) {
		const char *wanted =
			a < world->wanted.texts.len ? world->wanted.texts.items[a] : NULL;
		const char *there = b < lines->texts.len ? lines->texts.items[b] : NULL;
		int order = !wanted ? 1 : !there ? -1 : strcmp(wanted, there);
		const char *line = order <= 0 ? wanted : there;
		a += order <= 0;
		b += order >= 0;
		if (order == 0 || (skips && skips(line, server)))
			continue;
		if (++found <= 10)
			printf("    %s %.300s\n", order < 0 ? "lacks" : "has  ", line);
	}
	return found;
}

void world_print_output(const struct world *world)
{
	CLEANUP(mem_freep) char *path = fs_join(world->directory, "out");
	CLEANUP(str_release) struct str text = STR_INIT(WIRE_MAX);

	if (!fs_read_file(path, &text, NULL))
		return;
	size_t shown = text.len < 2000 ? text.len : 2000;
	printf("%s\n", str_text(&text) + text.len - shown);
}
