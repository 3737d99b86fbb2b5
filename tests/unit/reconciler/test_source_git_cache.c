/*
 * Mirrors kept between runs: reused, pruned, locked, rebuilt when damaged, and never trusted
 * (trust rule 26).
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/reconciler/git_fixture.h"

static struct source_git_options cached = {.url = "repo", .cache_dir = "cache"};

static void enter(void)
{
	git_fixture_enter();
	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "one");
}

TestSuite(source_git_cache, .init = enter, .fini = git_fixture_leave, .timeout = 60);

static struct source *open_cached(void)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct source *source = source_open_git(&cached, &err);

	cr_assert(source, "%s", err ? err->msg : "");
	return source;
}

static void expect_file(const char *text)
{
	CLEANUP(source_freep) struct source *source = open_cached();
	CLEANUP(mem_freep) char *got = git_fixture_read(source, "file");

	cr_expect_str_eq(got, text);
}

static void expect_failure(enum err_kind kind, const char *words)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(source_freep) struct source *source = source_open_git(&cached, &err);

	cr_assert_null(source);
	cr_expect_eq(err->kind, kind, "%s: %s", err_kind_name(err->kind), err->msg);
	cr_expect(strstr(err->msg, words), "%s", err->msg);
}

static void expect_logged(const char *words)
{
	cr_expect(strstr(git_fixture_log(), words), "no '%s' in: %s", words, git_fixture_log());
}

static void expect_no_warning(void)
{
	cr_expect_null(strstr(git_fixture_log(), "warn"), "%s", git_fixture_log());
}

/* The only path that matches; fresh memory. */
static char *find(const char *pattern)
{
	glob_t found = {0};
	char *path;

	cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "%s", pattern);
	cr_assert_eq(found.gl_pathc, 1, "%s: %zu", pattern, found.gl_pathc);
	path = mem_strdup(found.gl_pathv[0]);
	globfree(&found);
	return path;
}

static size_t count(const char *pattern)
{
	glob_t found = {0};
	size_t paths = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;

	globfree(&found);
	return paths;
}

/* A path inside the mirror; fresh memory. */
static char *inside(const char *name)
{
	CLEANUP(mem_freep) char *mirror = find("cache/*.git");

	return fs_join(mirror, name);
}

static void write_inside(const char *name, const char *text)
{
	CLEANUP(mem_freep) char *path = inside(name);

	git_fixture_write(path, text);
}

/* Turns over bytes of a file from `offset` on. */
static void damage(const char *path, off_t offset, size_t len)
{
	CLEANUP(fd_closep) int fd = -1;

	cr_assert_eq(chmod(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	for (size_t i = 0; i < len; i++) {
		char byte;

		cr_assert_eq(pread(fd, &byte, 1, offset + (off_t)i), 1);
		byte = (char)~byte;
		cr_assert_eq(pwrite(fd, &byte, 1, offset + (off_t)i), 1);
	}
}

static off_t size_of(const char *path)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0);
	return status.st_size;
}

/* Of a pack, from its header (gitformat-pack(5)). */
static unsigned object_count(const char *pack)
{
	CLEANUP(fd_closep) int fd = open(pack, O_RDONLY | O_CLOEXEC);
	unsigned char header[12];

	cr_assert_eq(read(fd, header, sizeof(header)), (ssize_t)sizeof(header));
	return header[8] << 24 | header[9] << 16 | header[10] << 8 | header[11];
}

Test(source_git_cache, brings_only_what_is_new)
{
	expect_file("one");
	cr_expect_eq(count("cache/*/objects/pack/*.pack"), 1);
	expect_logged("whole history");
	expect_file("one");
	cr_expect_eq(count("cache/*/objects/pack/*.pack"), 1);

	CLEANUP(mem_freep) char *first = find("cache/*/objects/pack/*.pack");
	cr_assert_eq(rename(first, "kept.pack"), 0);
	cr_assert_eq(link("kept.pack", first), 0);
	git_fixture_commit("repo", "file", "two");
	expect_file("two");
	cr_expect_eq(count("cache/*/objects/pack/*.pack"), 2);
	cr_assert_eq(unlink(first), 0);
	/* A commit, a tree and a blob, not the history. */
	CLEANUP(mem_freep) char *second = find("cache/*/objects/pack/*.pack");
	cr_expect_eq(object_count(second), 3);
	cr_assert_eq(link("kept.pack", first), 0);
	expect_file("two");
	expect_no_warning();
}

Test(source_git_cache, is_private_and_complete)
{
	struct stat status;

	git_fixture_git("repo", "tag", "-a", "-m", "x", "v1");
	git_fixture_git("repo", "update-ref", "refs/pull/1/head", "HEAD");
	expect_file("one");
	cr_assert_eq(stat("cache", &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0700);

	CLEANUP(mem_freep) char *mirror = find("cache/*.git");
	cr_assert_eq(stat(mirror, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0700);
	git_fixture_git(mirror, "fsck", "--strict", "--no-dangling");

	CLEANUP(str_release) struct str refs = STR_INIT(10000);
	CLEANUP(mem_freep) char *path = inside("packed-refs");
	cr_assert(fs_read_file(path, &refs, NULL));
	cr_expect(strstr(str_text(&refs), "refs/heads/main"));
	cr_expect(strstr(str_text(&refs), "refs/tags/v1"));
	cr_expect_null(strstr(str_text(&refs), "refs/pull"));
}

Test(source_git_cache, forgets_refs_that_are_gone)
{
	git_fixture_git("repo", "branch", "a");
	cached.ref = "a";
	expect_file("one");
	git_fixture_git("repo", "branch", "-D", "-q", "a");
	expect_failure(ERR_NOT_FOUND, "no branch or tag");
	/* A directory where a file was. */
	git_fixture_git("repo", "branch", "a/b");
	cached.ref = "a/b";
	expect_file("one");
}

Test(source_git_cache, follows_history_that_was_rewritten)
{
	CLEANUP(mem_freep) char *gone = NULL;

	git_fixture_commit("repo", "file", "two");
	gone = git_fixture_id("repo", "HEAD");
	expect_file("two");
	git_fixture_git("repo", "reset", "-q", "--hard", "HEAD~1");
	git_fixture_commit("repo", "file", "three");
	expect_file("three");
	cached.ref = gone;
	expect_failure(ERR_NOT_FOUND, "in no branch or tag");
}

Test(source_git_cache, never_answers_for_a_repository_that_fails)
{
	expect_file("one");
	cr_assert_eq(rename("repo/.git", "repo/.gone"), 0);
	expect_failure(ERR_INVALID, "not a Git repository");
	cr_assert_eq(rename("repo/.gone", "repo/.git"), 0);
	expect_file("one");
	expect_no_warning();
}

Test(source_git_cache, rebuilds_what_is_no_repository)
{
	expect_file("one");
	CLEANUP(mem_freep) char *mirror = find("cache/*.git");
	cr_assert(fs_remove_tree(mirror, NULL));
	git_fixture_write(mirror, "a file");
	expect_file("one");
	expect_logged("is no mirror");
}

Test(source_git_cache, does_not_follow_a_link_in_its_place)
{
	expect_file("one");
	CLEANUP(mem_freep) char *mirror = find("cache/*.git");
	cr_assert_eq(rename(mirror, "elsewhere"), 0);
	cr_assert_eq(symlink("../elsewhere", mirror), 0);
	git_fixture_write("elsewhere/precious", "x");
	expect_file("one");
	expect_logged("is no mirror");
	cr_expect_eq(access("elsewhere/precious", F_OK), 0);
}

/* A pack cut short, an index turned over, a pack without index: each is found and mended. */
Test(source_git_cache, rebuilds_damaged_packs)
{
	for (int way = 0; way < 4; way++) {
		CLEANUP(mem_freep) char *pack = NULL;
		CLEANUP(mem_freep) char *index = NULL;

		expect_file("one");
		pack = find("cache/*/objects/pack/*.pack");
		index = find("cache/*/objects/pack/*.idx");
		cr_assert_eq(chmod(pack, 0600), 0);
		if (way == 0)
			cr_assert_eq(truncate(pack, 40), 0);
		else if (way == 1)
			damage(index, 0, 100);
		else if (way == 2)
			cr_assert_eq(unlink(pack), 0);
		else
			damage(pack, 12, (size_t)size_of(pack) - 12 - 20);
		expect_file("one");
	}
	expect_logged("is damaged");
}

Test(source_git_cache, rebuilds_refs_that_make_no_sense)
{
	expect_file("one");
	write_inside("packed-refs", "this is no list of refs\n");
	git_fixture_commit("repo", "file", "two");
	expect_file("two");
}

Test(source_git_cache, an_object_that_is_missing_is_fetched_again)
{
	/* The tip is there, what it needs is not: a fetch alone would bring nothing. */
	CLEANUP(mem_freep) char *tip = git_fixture_id("repo", "HEAD");
	CLEANUP(mem_freep) char *mirror = NULL;

	expect_file("one");
	mirror = find("cache/*.git");
	git_fixture_write("only", tip);
	git_fixture_git(
		"repo", "-c", "alias.tip=!git pack-objects -q ../pack-tip < ../only", "tip");
	CLEANUP(mem_freep) char *pack = find("pack-tip*.pack");
	CLEANUP(mem_freep) char *index = find("pack-tip*.idx");
	CLEANUP(mem_freep) char *old_pack = find("cache/*/objects/pack/*.pack");
	CLEANUP(mem_freep) char *old_index = find("cache/*/objects/pack/*.idx");
	cr_assert_eq(rename(pack, old_pack), 0);
	cr_assert_eq(rename(index, old_index), 0);
	expect_file("one");
	expect_logged("is damaged");
}

/* Opens a source over a mirror of an earlier run whose pack is then turned over. */
static struct source *open_then_damage(void)
{
	struct source *source;

	expect_file("one");
	source = open_cached();
	CLEANUP(mem_freep) char *pack = find("cache/*/objects/pack/*.pack");
	damage(pack, 12, (size_t)size_of(pack) - 12 - 20);
	return source;
}

Test(source_git_cache, damage_that_shows_late_is_mended_at_the_same_commit)
{
	CLEANUP(source_freep) struct source *source = open_then_damage();
	CLEANUP(mem_freep) char *commit = mem_strdup(source_commit(source));

	git_fixture_commit("repo", "file", "two");
	CLEANUP(mem_freep) char *text = git_fixture_read(source, "file");
	cr_expect_str_eq(text, "one");
	cr_expect_str_eq(source_commit(source), commit);
	expect_logged("is damaged");
	expect_file("two");
}

Test(source_git_cache, damage_that_cannot_be_mended_is_an_error)
{
	CLEANUP(source_freep) struct source *source = open_then_damage();
	CLEANUP(str_release) struct str bytes = STR_INIT(1000);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_eq(rename("repo", "gone"), 0);
	cr_assert_not(source_read(source, "file", &bytes, &err));
	cr_expect_eq(bytes.len, 0);
	cr_expect(strstr(err->msg, "file: "), "%s", err->msg);
}

Test(source_git_cache, foreign_settings_hooks_and_alternates_are_discarded)
{
	static const char *const foreign[] = {"hooks/post-update", "objects/info/alternates",
		"objects/info/commit-graph", "commondir", "shallow", "config.worktree",
		"info/grafts", "refs/heads/planted", "objects/pack/multi-pack-index"};
	CLEANUP(str_release) struct str config = STR_INIT(10000);

	expect_file("one");
	git_fixture_init("evil");
	git_fixture_commit("evil", "file", "evil");
	write_inside("config",
		"[url \"../evil\"]\n\tinsteadOf = repo\n[include]\n\tpath = "
		"/etc/passwd\n[core]\n\trepositoryformatversion = 99\n");
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		write_inside(foreign[i], "../../../../evil/.git/objects\n");
	expect_file("one");
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		CLEANUP(mem_freep) char *path = inside(foreign[i]);

		cr_expect_neq(access(path, F_OK), 0, "%s", path);
	}

	CLEANUP(mem_freep) char *path = inside("config");
	cr_assert(fs_read_file(path, &config, NULL));
	cr_expect_null(strstr(str_text(&config), "insteadOf"));
	expect_logged("hooks does not belong");
}

Test(source_git_cache, planted_refs_and_peeled_tags_change_nothing)
{
	CLEANUP(mem_freep) char *good = NULL;
	CLEANUP(mem_freep) char *tag = NULL;
	CLEANUP(mem_freep) char *text = NULL;

	git_fixture_git("repo", "tag", "-a", "-m", "x", "v1");
	good = git_fixture_id("repo", "HEAD");
	tag = git_fixture_id("repo", "v1");
	git_fixture_commit("repo", "file", "two");
	expect_file("two");

	CLEANUP(mem_freep) char *second = git_fixture_id("repo", "HEAD");
	text = mem_printf("# pack-refs with: peeled fully-peeled sorted \n"
			  "%s refs/heads/main\n%s refs/heads/planted\n%s refs/tags/v1\n^%s\n",
		good, good, tag, second);
	write_inside("packed-refs", text);
	cached.ref = "v1";
	expect_file("one");
	write_inside("packed-refs", text);
	cached.ref = "main";
	expect_file("two");
	write_inside("packed-refs", text);
	cached.ref = "planted";
	expect_failure(ERR_NOT_FOUND, "no branch or tag");
}

Test(source_git_cache, global_settings_are_not_read)
{
	CLEANUP(mem_freep) char *here = mem_new(4096, 1);

	cr_assert(getcwd(here, 4096));
	git_fixture_init("evil");
	git_fixture_commit("evil", "file", "evil");
	CLEANUP(mem_freep)
	char *text = mem_printf("[url \"%s/evil\"]\n\tinsteadOf = %s/repo\n[broken\n", here, here);
	git_fixture_write(".gitconfig", text);
	git_fixture_write("git/config", text);
	setenv("HOME", here, 1);
	setenv("XDG_CONFIG_HOME", here, 1);
	expect_file("one");
}

Test(source_git_cache, directories_others_can_write_are_refused)
{
	cr_assert_eq(mkdir("cache", 0700), 0);
	cr_assert_eq(chmod("cache", 0770), 0);
	expect_failure(ERR_USAGE, "chmod go-w");
	cr_assert_eq(chmod("cache", 0707), 0);
	expect_failure(ERR_USAGE, "can be written by others");
	cr_assert_eq(chmod("cache", 0755), 0);
	expect_file("one");

	CLEANUP(mem_freep) char *mirror = find("cache/*.git");
	cr_assert_eq(chmod(mirror, 0777), 0);
	expect_failure(ERR_USAGE, "can be written by others");
}

Test(source_git_cache, directories_of_other_users_are_refused)
{
	if (geteuid() != 0)
		return;
	cr_assert_eq(mkdir("cache", 0700), 0);
	cr_assert_eq(chown("cache", 4242, 4242), 0);
	expect_failure(ERR_USAGE, "another user (uid 4242)");
}

static char *lock_path(void)
{
	expect_file("one");
	return find("cache/*.lock");
}

Test(source_git_cache, waits_for_the_lock_until_its_time_is_over)
{
	CLEANUP(mem_freep) char *path = lock_path();
	CLEANUP(fd_closep) int fd = open(path, O_RDWR | O_CLOEXEC);

	cr_assert_eq(flock(fd, LOCK_EX), 0);
	cached.timeout_ms = 50;
	expect_failure(ERR_TIMEOUT, "another process");
	cr_assert_eq(flock(fd, LOCK_UN), 0);
	cached.timeout_ms = 0;
	expect_file("one");
}

static void *raise_soon(void *token)
{
	usleep(30000);
	cancel_raise(token, CANCEL_DRAIN);
	return NULL;
}

Test(source_git_cache, waiting_for_the_lock_can_be_cancelled)
{
	CLEANUP(mem_freep) char *path = lock_path();
	CLEANUP(fd_closep) int fd = open(path, O_RDWR | O_CLOEXEC);
	CLEANUP(cancel_freep) struct cancel *token = cancel_new();
	pthread_t thread;

	cr_assert_eq(flock(fd, LOCK_EX), 0);
	cached.cancel = token;
	cr_assert_eq(pthread_create(&thread, NULL, raise_soon, token), 0);
	expect_failure(ERR_CANCELLED, "interrupted");
	pthread_join(thread, NULL);
}

static void *open_and_read(void *ctx)
{
	(void)ctx;
	expect_file("one");
	return NULL;
}

Test(source_git_cache, many_may_use_it_at_once)
{
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, open_and_read, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(count("cache/*/objects/pack/*.pack"), 1);
}

Test(source_git_cache, two_urls_do_not_share_a_mirror)
{
	git_fixture_init("a-b");
	git_fixture_commit("a-b", "file", "first");
	git_fixture_init("a/b");
	git_fixture_commit("a/b", "file", "second");
	cached.url = "a-b";
	expect_file("first");
	cached.url = "a/b";
	expect_file("second");
	cr_expect_eq(count("cache/*.git"), 2);
}
