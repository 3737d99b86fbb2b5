/*
 * base/fs.h, in a fresh directory per test. A full disk is played by a file size limit; missing
 * rights by giving up root's for the moment of the call.
 */
#include "base/fs.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static char root[64];

static void enter(void)
{
	snprintf(root, sizeof(root), "/tmp/cip-fs-XXXXXX");
	cr_assert(mkdtemp(root));
	cr_assert_eq(chdir(root), 0);
	umask(022);
}

static void leave(void)
{
	cr_assert_eq(chdir("/"), 0);
	cr_assert(fs_remove_tree(root, NULL));
	cr_assert_neq(access(root, F_OK), 0);
}

TestSuite(fs, .init = enter, .fini = leave, .timeout = 20);

static void write_file(const char *path, const char *text)
{
	CLEANUP(file_closep) FILE *file = fopen(path, "we");

	cr_assert(file);
	cr_assert_geq(fputs(text, file), 0);
}

static void expect_file(const char *path, const char *text)
{
	CLEANUP(str_release) struct str content = STR_INIT(100000);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(fs_read_file(path, &content, &err), "%s", err ? err->msg : "");
	cr_assert_str_eq(str_text(&content), text);
}

static size_t entries_in(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	cr_assert(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

Test(fs, read_appends)
{
	CLEANUP(str_release) struct str out = STR_INIT(100);

	write_file("f", "content");
	str_add_text(&out, "before ");
	cr_assert(fs_read_file("f", &out, NULL));
	cr_assert_str_eq(str_text(&out), "before content");
	write_file("empty", "");
	cr_assert(fs_read_file("empty", &out, NULL));
	cr_assert_eq(out.len, 14);
}

Test(fs, read_larger_than_one_chunk)
{
	CLEANUP(str_release) struct str out = STR_INIT(1000000);
	CLEANUP(mem_freep) char *big = mem_new(300001, 1);

	memset(big, 'b', 300000);
	write_file("f", big);
	cr_assert(fs_read_file("f", &out, NULL));
	cr_assert_eq(out.len, 300000);
	cr_assert_str_eq(str_text(&out), big);
}

Test(fs, read_refuses_more_than_the_maximum)
{
	CLEANUP(str_release) struct str out = STR_INIT(7);
	CLEANUP(err_freep) struct err *err = NULL;

	write_file("seven", "1234567");
	cr_assert(fs_read_file("seven", &out, NULL));
	str_clear(&out);
	write_file("eight", "12345678");
	str_add_text(&out, "x");
	cr_assert_not(fs_read_file("eight", &out, &err));
	cr_assert(err_is(err, ERR_TOO_LARGE));
	cr_assert(strstr(err->msg, "eight"));
	cr_assert_str_eq(str_text(&out), "x");
}

/* Files of /proc have no size, so this one is found out while reading. */
Test(fs, read_refuses_growing_files)
{
	/* from the first read to one of the later */
	for (size_t max = 20; max < 10000; max += 499) {
		CLEANUP(str_release) struct str out = STR_INIT(max);
		CLEANUP(err_freep) struct err *err = NULL;

		str_add_text(&out, "kept");
		cr_assert_not(fs_read_file("/proc/self/smaps", &out, &err));
		cr_assert(err_is(err, ERR_TOO_LARGE));
		cr_assert_str_eq(str_text(&out), "kept");
		cr_assert_eq(out.len, 4);
		cr_assert_not(str_overflowed(&out));
	}
}

static void expect_read_error(const char *path, enum err_kind kind)
{
	CLEANUP(str_release) struct str out = STR_INIT(100);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(fs_read_file(path, &out, &err));
	cr_assert(err_is(err, kind), "%s: %s", path, err->msg);
	cr_assert(strstr(err->msg, path), "%s", err->msg);
}

Test(fs, read_errors)
{
	write_file("f", "");
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	cr_assert_eq(symlink("loop", "loop"), 0);
	expect_read_error("none", ERR_NOT_FOUND);
	expect_read_error("f/below", ERR_NOT_FOUND);
	expect_read_error(".", ERR_IO);
	expect_read_error("fifo", ERR_IO);
	expect_read_error("/dev/zero", ERR_IO);
	expect_read_error("loop", ERR_IO);
}

Test(fs, write_creates_and_replaces)
{
	struct stat info;

	cr_assert(fs_write_atomic("f", "one", 3, 0640, NULL));
	expect_file("f", "one");
	cr_assert_eq(stat("f", &info), 0);
	cr_assert_eq(info.st_mode & 07777, 0640);
	umask(027);
	cr_assert(fs_write_atomic("./f", "second", 6, 0666, NULL));
	expect_file("f", "second");
	cr_assert_eq(stat("f", &info), 0);
	cr_assert_eq(info.st_mode & 07777, 0640);
	cr_assert(fs_write_atomic("f", "", 0, 0600, NULL));
	expect_file("f", "");
	cr_assert_eq(entries_in("."), 1);
}

Test(fs, write_keeps_long_names_and_links)
{
	char name[256];
	struct stat info;

	memset(name, 'n', 255);
	name[255] = '\0';
	cr_assert(fs_write_atomic(name, "x", 1, 0600, NULL));
	expect_file(name, "x");
	cr_assert_eq(mkdir("d", 0700), 0);
	write_file("d/target", "old");
	cr_assert_eq(symlink("d/target", "link"), 0);
	cr_assert(fs_write_atomic("link", "new", 3, 0600, NULL));
	cr_assert_eq(lstat("link", &info), 0);
	cr_assert(S_ISLNK(info.st_mode));
	expect_file("d/target", "new");
	cr_assert_eq(entries_in("d"), 1);
}

Test(fs, full_disk_leaves_the_old_file)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep) char *big = mem_new(10000, 1);
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct rlimit before, small;
	bool written;

	write_file("f", "old");
	cr_assert_eq(sigaction(SIGXFSZ, &ignore, NULL), 0);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){.rlim_cur = 4096, .rlim_max = before.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	written = fs_write_atomic("f", big, 10000, 0600, &err);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	cr_assert_not(written);
	cr_assert(err_is(err, ERR_IO));
	cr_assert_str_eq(err->msg, "cannot write f: File too large");
	expect_file("f", "old");
	cr_assert_eq(entries_in("."), 1);
}

Test(fs, unwritable_directory_leaves_the_old_file)
{
	CLEANUP(err_freep) struct err *err = NULL;
	bool as_root = geteuid() == 0, written;

	cr_assert_eq(mkdir("d", 0755), 0);
	write_file("d/f", "old");
	cr_assert_eq(chmod(".", 0755), 0);
	cr_assert_eq(chmod("d", 0555), 0);
	if (as_root)
		cr_assert_eq(seteuid(NOBODY), 0);
	written = fs_write_atomic("d/f", "new", 3, 0600, &err);
	if (as_root)
		cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(chmod("d", 0755), 0);
	cr_assert_not(written);
	cr_assert(err_is(err, ERR_IO));
	cr_assert_str_eq(err->msg, "cannot write d/f: Permission denied");
	expect_file("d/f", "old");
	cr_assert_eq(entries_in("d"), 1);
}

static void expect_write_error(const char *path)
{
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(fs_write_atomic(path, "x", 1, 0600, &err));
	cr_assert(err_is(err, ERR_IO));
	cr_assert(strstr(err->msg, path), "%s", err->msg);
}

Test(fs, write_errors)
{
	cr_assert_eq(mkdir("d", 0700), 0);
	cr_assert_eq(symlink("loop", "loop"), 0);
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	expect_write_error("none/f");
	expect_write_error("d");
	expect_write_error("loop");
	expect_write_error("fifo"); /* nobody reads it */
	cr_assert_eq(entries_in("."), 3);
}

Test(fs, pipes_are_written_not_replaced)
{
	char got[8] = "";
	struct stat info;
	CLEANUP(fd_closep) int reader = -1;

	cr_assert_eq(mkfifo("fifo", 0600), 0);
	cr_assert_eq(symlink("fifo", "link"), 0);
	reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert_geq(reader, 0);
	cr_assert(fs_write_atomic("link", "abc", 3, 0600, NULL));
	cr_assert_eq(read(reader, got, sizeof(got)), 3);
	cr_assert_str_eq(got, "abc");
	cr_assert(stat("link", &info) == 0 && S_ISFIFO(info.st_mode));
}

Test(fs, make_directories)
{
	struct stat info;

	cr_assert(fs_make_directories("a/b//c/", NULL));
	cr_assert_eq(stat("a/b/c", &info), 0);
	cr_assert_eq(info.st_mode & 07777, 0700);
	cr_assert(fs_make_directories("a/b/c", NULL));
	cr_assert(fs_make_directories("/", NULL));
	cr_assert(fs_make_directories(root, NULL));
	cr_assert_eq(symlink("a", "link"), 0);
	cr_assert(fs_make_directories("link/d", NULL));
	cr_assert_eq(stat("a/d", &info), 0);
}

Test(fs, make_directories_errors)
{
	static const char *const bad[] = {"f", "f/d", "f/d/e", ""};

	write_file("f", "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(err_freep) struct err *err = NULL;

		cr_assert_not(fs_make_directories(bad[i], &err), "%s", bad[i]);
		cr_assert(err_is(err, ERR_IO));
	}
}

Test(fs, remove_tree_does_not_follow_links)
{
	cr_assert(fs_make_directories("out/kept", NULL));
	cr_assert(fs_make_directories("tree/a/b/c", NULL));
	write_file("out/kept/f", "");
	write_file("tree/a/f", "");
	cr_assert_eq(symlink("../../out", "tree/a/link"), 0);
	cr_assert_eq(symlink("none", "tree/dangling"), 0);
	cr_assert(fs_remove_tree("tree", NULL));
	cr_assert_neq(access("tree", F_OK), 0);
	cr_assert_eq(access("out/kept/f", F_OK), 0);
	cr_assert_eq(symlink("out", "link"), 0);
	cr_assert(fs_remove_tree("link", NULL));
	cr_assert_eq(access("out/kept/f", F_OK), 0);
	cr_assert(fs_remove_tree("out/kept/f", NULL));
	cr_assert(fs_remove_tree("missing", NULL));
	cr_assert(fs_remove_tree("missing/deeper", NULL));
	cr_assert_eq(entries_in("."), 1);
}

Test(fs, remove_tree_is_bounded)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep) char *deep = mem_strdup("d");

	for (int i = 0; i < 200; i++) {
		char *deeper = fs_join(deep, "d");

		mem_free(deep);
		deep = deeper;
	}
	cr_assert(fs_make_directories(deep, NULL));
	cr_assert_not(fs_remove_tree("d", &err));
	cr_assert(err_is(err, ERR_IO));
	/* so that it can be removed after all */
	deep[200] = '\0';
	cr_assert_eq(rename(deep, "half"), 0);
}

Test(fs, remove_tree_errors)
{
	CLEANUP(err_freep) struct err *err = NULL;

	write_file("f", "");
	cr_assert_not(fs_remove_tree("f/below", &err));
	cr_assert(err_is(err, ERR_IO));
	cr_assert(strstr(err->msg, "f/below"));
}

Test(fs, join)
{
	static const char *const cases[][3] = {
		{"a", "b", "a/b"},
		{"a/", "b", "a/b"},
		{"a//", "//b", "a/b"},
		{"/", "b", "/b"},
		{"", "b", "b"},
		{"a/b", "c", "a/b/c"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(mem_freep) char *joined = fs_join(cases[i][0], cases[i][1]);

		cr_assert_str_eq(joined, cases[i][2]);
	}
}
