/* See git_fixture.h. Tests may start git; the program never does. */
#include "tests/unit/reconciler/git_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"

static char root[64];
static struct str log_text = STR_INIT(1 << 20);

static void remember(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	str_addf(&log_text, "%s: %s\n", log_level_name(level), text);
}

void git_fixture_enter(void)
{
	snprintf(root, sizeof(root), "/tmp/cip-git-test-XXXXXX");
	cr_assert(mkdtemp(root));
	cr_assert_eq(chdir(root), 0);
	log_set_sink(remember, NULL);
}

void git_fixture_leave(void)
{
	cr_assert_eq(chdir("/"), 0);
	cr_assert(fs_remove_tree(root, NULL));
	log_set_sink(NULL, NULL);
	str_release(&log_text);
}

const char *git_fixture_log(void)
{
	return str_text(&log_text);
}

void git_fixture_write(const char *path, const char *text)
{
	CLEANUP(mem_freep) char *directory = mem_strdup(path);
	char *slash = strrchr(directory, '/');
	CLEANUP(file_closep) FILE *file = NULL;

	if (slash) {
		*slash = '\0';
		cr_assert(fs_make_directories(directory, NULL));
	}
	file = fopen(path, "we");
	cr_assert(file, "%s", path);
	cr_assert_geq(fputs(text, file), 0);
}

static char *run(const char *directory, const char *const *arguments)
{
	CLEANUP(mem_freep) char *program = spawn_find_program("git");
	CLEANUP(mem_freep) char *home = mem_printf("HOME=%s", root);
	CLEANUP(mem_freep) char *path = mem_printf("PATH=%s", getenv("PATH"));
	const char *environment[] = {home, path, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a",
		"GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=c",
		"GIT_COMMITTER_EMAIL=c@example.com", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_DATE=1700000000 +0000", NULL};
	const char *all[20] = {"git", "-C", directory, "-c", "protocol.file.allow=always", "-c",
		"advice.nestedTag=false"};
	const struct spawn_options options = {
		.program = program,
		.arguments = all,
		.environment = environment,
		.keep_stderr = true,
	};
	struct spawn_child child = SPAWN_CHILD_INIT;
	CLEANUP(str_release) struct str output = STR_INIT(1 << 20);
	CLEANUP(err_freep) struct err *err = NULL;
	char chunk[1024];
	ssize_t got;
	int status = -1;

	cr_assert(program, "the tests need git");
	for (size_t i = 1; arguments[i]; i++)
		all[i + 6] = arguments[i];
	cr_assert(spawn_start(&options, &child, &err), "%s", err ? err->msg : "");
	while ((got = read(child.output, chunk, sizeof(chunk))) > 0)
		str_add(&output, chunk, (size_t)got);
	spawn_stop(&child, 20000, &status);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "git %s failed", arguments[1]);
	return str_steal(&output, NULL);
}

void git_fixture_run(const char *directory, const char *const *arguments)
{
	CLEANUP(mem_freep) char *output = run(directory, arguments);

	(void)output;
}

char *git_fixture_id(const char *directory, const char *name)
{
	char *id =
		run(directory, (const char *const[]){"git", "rev-parse", "--verify", name, NULL});

	id[strcspn(id, "\n")] = '\0';
	return id;
}

void git_fixture_init(const char *directory)
{
	git_fixture_git(".", "init", "-q", "-b", "main", directory);
}

void git_fixture_commit(const char *directory, const char *file, const char *text)
{
	CLEANUP(mem_freep) char *path = fs_join(directory, file);

	git_fixture_write(path, text);
	git_fixture_git(directory, "add", "--", file);
	git_fixture_git(directory, "commit", "-q", "-m", file);
}

char *git_fixture_read(struct source *source, const char *path)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(1 << 20);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(source_read(source, path, &bytes, &err), "%s", err ? err->msg : "");
	return str_steal(&bytes, NULL);
}

char *git_fixture_list(struct source *source, const char *directory)
{
	static const char *const marks[] = {
		[SOURCE_FILE] = "",
		[SOURCE_DIRECTORY] = "/",
		[SOURCE_LINK] = "@",
		[SOURCE_OTHER] = "?",
	};
	CLEANUP(source_entries_release) struct source_entries entries = {0};
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(source_list(source, directory, &entries, &err), "%s", err ? err->msg : "");
	for (size_t i = 0; i < entries.list.len; i++)
		str_addf(&text, "%s%s%s", i ? " " : "", entries.list.items[i].name,
			marks[entries.list.items[i].kind]);
	return str_steal(&text, NULL);
}
