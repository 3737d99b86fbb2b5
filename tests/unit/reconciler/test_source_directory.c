/* reconciler/source.h over a working tree: order, bounds, and that no link leads out of it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "reconciler/source_backend.h"
#include "tests/unit/reconciler/git_fixture.h"

static struct source *open_tree(void)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct source *source = source_open_directory("tree", &err);

	cr_assert(source, "%s", err ? err->msg : "");
	return source;
}

static void expect_read(
	struct source *source, const char *path, enum err_kind kind, const char *words)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(1000);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(source_read(source, path, &bytes, &err), "%s", path);
	cr_expect_eq(err->kind, kind, "%s: %s", path, err->msg);
	cr_expect(strstr(err->msg, words), "%s: %s", path, err->msg);
}

static void expect_list(
	struct source *source, const char *path, enum err_kind kind, const char *words)
{
	struct source_entries entries = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(source_list(source, path, &entries, &err), "%s", path);
	cr_expect_eq(err->kind, kind, "%s: %s", path, err->msg);
	cr_expect(strstr(err->msg, words), "%s: %s", path, err->msg);
	cr_expect_eq(entries.list.len, 0);
}

TestSuite(source_directory, .init = git_fixture_enter, .fini = git_fixture_leave, .timeout = 20);

Test(source_directory, lists_in_the_order_of_bytes)
{
	CLEANUP(source_freep) struct source *source = NULL;

	git_fixture_write("tree/b", "");
	git_fixture_write("tree/a/x", "");
	git_fixture_write("tree/a.yaml", "");
	git_fixture_write("tree/B", "");
	git_fixture_write("tree/\xc3\xa4", "");
	cr_assert_eq(symlink("b", "tree/link"), 0);
	cr_assert_eq(mkfifo("tree/pipe", 0600), 0);
	source = open_tree();

	CLEANUP(mem_freep) char *root = git_fixture_list(source, "");
	CLEANUP(mem_freep) char *inner = git_fixture_list(source, "a");
	cr_expect_str_eq(root, "B a/ a.yaml b link@ pipe? \xc3\xa4");
	cr_expect_str_eq(inner, "x");
	cr_expect_null(source_commit(source));
	cr_expect_str_eq(source_description(source), "tree");
}

Test(source_directory, reads_files_byte_for_byte)
{
	static const char bytes[] = "one\0two\r\n";
	CLEANUP(source_freep) struct source *source = NULL;
	CLEANUP(str_release) struct str out = STR_INIT(1000);

	git_fixture_write("tree/a/b/c.yaml", "");
	cr_assert(fs_write_atomic("tree/a/b/c.yaml", bytes, sizeof(bytes), 0600, NULL));
	source = open_tree();
	str_add_text(&out, "before:");
	cr_assert(source_read(source, "a/b/c.yaml", &out, NULL));
	cr_assert_eq(out.len, 7 + sizeof(bytes));
	cr_expect_arr_eq(out.bytes + 7, bytes, sizeof(bytes));
}

Test(source_directory, says_what_is_wrong_with_a_path)
{
	CLEANUP(source_freep) struct source *source = NULL;

	git_fixture_write("tree/file", "");
	git_fixture_write("tree/dir/file", "");
	cr_assert_eq(mkfifo("tree/pipe", 0600), 0);
	source = open_tree();
	expect_read(source, "none", ERR_NOT_FOUND, "none: no such file");
	expect_read(source, "none/file", ERR_NOT_FOUND, "no such file");
	expect_read(source, "file/x", ERR_INVALID, "file is a regular file");
	expect_read(source, "dir", ERR_INVALID, "expected a regular file, this is a directory");
	expect_read(source, "pipe", ERR_INVALID, "neither file nor directory");
	expect_read(source, "", ERR_INVALID, "a directory, not a file");
	expect_list(source, "none", ERR_NOT_FOUND, "none: no such file");
	expect_list(source, "file", ERR_INVALID, "file is a regular file");
}

Test(source_directory, refuses_paths_that_are_not_plain)
{
	static const char *const bad[] = {
		"/etc/passwd", "..", "a/../b", "a//b", "a/", "./a", ".", "a/.", "a/.."};
	CLEANUP(source_freep) struct source *source = NULL;

	git_fixture_write("tree/a/b", "");
	source = open_tree();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		expect_read(source, bad[i], ERR_INVALID, "plain path");
		expect_list(source, bad[i], ERR_INVALID, "plain path");
	}
	cr_expect(source_path_check("..a/b..", NULL));

	CLEANUP(mem_freep) char *inner = git_fixture_list(source, "a");
	cr_expect_str_eq(inner, "b");
}

Test(source_directory, never_follows_a_link)
{
	CLEANUP(source_freep) struct source *source = NULL;

	git_fixture_write("outside/secret", "secret");
	git_fixture_write("tree/dir/file", "");
	cr_assert_eq(symlink("../outside", "tree/out"), 0);
	cr_assert_eq(symlink("../outside/secret", "tree/leak"), 0);
	cr_assert_eq(symlink("../../outside", "tree/dir/deep"), 0);
	source = open_tree();
	expect_read(source, "leak", ERR_INVALID, "symbolic link");
	expect_read(source, "out/secret", ERR_INVALID, "symbolic link");
	expect_read(source, "dir/deep/secret", ERR_INVALID, "symbolic link");
	expect_list(source, "out", ERR_INVALID, "symbolic link");
	expect_list(source, "dir/deep", ERR_INVALID, "symbolic link");
}

Test(source_directory, root_may_be_named_by_a_link_and_stays_the_same)
{
	CLEANUP(source_freep) struct source *source = NULL;

	git_fixture_write("real/file", "first");
	cr_assert_eq(symlink("real", "tree"), 0);
	source = open_tree();
	cr_assert_eq(rename("real", "moved"), 0);
	git_fixture_write("real/file", "second");

	CLEANUP(mem_freep) char *text = git_fixture_read(source, "file");
	cr_expect_str_eq(text, "first");
}

Test(source_directory, bounds_files)
{
	CLEANUP(source_freep) struct source *source = NULL;
	CLEANUP(str_release) struct str exact = STR_INIT(10);

	git_fixture_write("tree/ten", "0123456789");
	git_fixture_write("tree/eleven", "0123456789a");
	source = open_tree();
	cr_expect(source_read(source, "ten", &exact, NULL));

	CLEANUP(str_release) struct str small = STR_INIT(10);
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert_not(source_read(source, "eleven", &small, &err));
	cr_expect_eq(err->kind, ERR_TOO_LARGE);
	cr_expect(strstr(err->msg, "eleven"), "%s", err->msg);
}

Test(source_directory, missing_root_and_file_as_root)
{
	CLEANUP(err_freep) struct err *missing = NULL;
	CLEANUP(err_freep) struct err *file = NULL;

	git_fixture_write("file", "");
	cr_assert_null(source_open_directory("none", &missing));
	cr_expect_eq(missing->kind, ERR_NOT_FOUND);
	cr_assert_null(source_open_directory("file", &file));
	cr_expect_eq(file->kind, ERR_IO);
	cr_expect(strstr(file->msg, "file"), "%s", file->msg);
}
