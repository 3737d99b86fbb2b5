/* reconciler/source.h over repositories on this machine, in place and through a mirror. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/reconciler/git_fixture.h"

static struct source *open_git(const struct source_git_options *options)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct source *source = source_open_git(options, &err);

	cr_assert(source, "%s", err ? err->msg : "");
	return source;
}

static struct source *open_ref(const char *ref)
{
	return open_git(&(struct source_git_options){.url = "repo", .ref = ref});
}

static void expect_failure(
	const struct source_git_options *options, enum err_kind kind, const char *words)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(source_freep) struct source *source = source_open_git(options, &err);

	cr_assert_null(source);
	cr_expect_eq(err->kind, kind, "%s: %s", err_kind_name(err->kind), err->msg);
	cr_expect(strstr(err->msg, words), "%s", err->msg);
}

static void expect_ref_failure(const char *ref, enum err_kind kind, const char *words)
{
	const struct source_git_options in_place = {.url = "repo", .ref = ref};
	const struct source_git_options mirrored = {
		.url = "repo", .ref = ref, .cache_dir = "cache"};

	expect_failure(&in_place, kind, words);
	expect_failure(&mirrored, kind, words);
}

/* Both ways of reading give `text` as the content of "file". */
static void expect_file(const char *ref, const char *text)
{
	const struct source_git_options options = {.url = "repo", .ref = ref, .cache_dir = "cache"};
	CLEANUP(source_freep) struct source *in_place = open_ref(ref);
	CLEANUP(source_freep) struct source *mirrored = open_git(&options);
	CLEANUP(mem_freep) char *first = git_fixture_read(in_place, "file");
	CLEANUP(mem_freep) char *second = git_fixture_read(mirrored, "file");

	cr_expect_str_eq(first, text, "%s", ref ? ref : "HEAD");
	cr_expect_str_eq(second, text, "%s", ref ? ref : "HEAD");
	cr_expect_str_eq(source_commit(in_place), source_commit(mirrored));
	cr_expect_str_eq(source_description(in_place), source_description(mirrored));
}

TestSuite(source_git, .init = git_fixture_enter, .fini = git_fixture_leave, .timeout = 60);

Test(source_git, head_branch_and_tags)
{
	CLEANUP(mem_freep) char *first = NULL;

	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "one");
	first = git_fixture_id("repo", "HEAD");
	git_fixture_git("repo", "tag", "light");
	git_fixture_git("repo", "tag", "-a", "-m", "x", "annotated");
	git_fixture_git("repo", "tag", "-a", "-m", "x", "nested", "annotated");
	git_fixture_git("repo", "branch", "release/1");
	git_fixture_commit("repo", "file", "two");

	expect_file(NULL, "two");
	expect_file("HEAD", "two");
	expect_file("main", "two");
	expect_file("release/1", "one");
	expect_file("refs/heads/release/1", "one");
	expect_file("light", "one");
	expect_file("annotated", "one");
	expect_file("nested", "one");
	expect_file("refs/tags/nested", "one");
	expect_file(first, "one");
	first[10] = '\0';
	expect_file(first, "one");
	first[7] = '\0';
	expect_file(first, "one");
}

Test(source_git, names_the_commit_and_where_it_came_from)
{
	git_fixture_init("repo");
	git_fixture_commit("repo", "dir/file", "one");
	git_fixture_git("repo", "tag", "v1");

	CLEANUP(mem_freep) char *id = git_fixture_id("repo", "HEAD");
	CLEANUP(mem_freep) char *here = mem_new(4096, 1);
	cr_assert(getcwd(here, 4096));

	const struct source_git_options options = {.url = "repo", .ref = "v1", .path = "./dir/"};
	CLEANUP(source_freep) struct source *source = open_git(&options);
	CLEANUP(mem_freep)
	char *wanted = mem_printf("%s/repo at tag v1 (%.7s), path dir", here, id);
	cr_expect_str_eq(source_commit(source), id);
	cr_expect_str_eq(source_description(source), wanted);

	CLEANUP(source_freep) struct source *head = open_ref(NULL);
	cr_expect(strstr(source_description(head), "/repo at main ("), "%s",
		source_description(head));
	CLEANUP(source_freep) struct source *commit = open_ref(id);
	cr_expect(strstr(source_description(commit), "/repo at commit ("), "%s",
		source_description(commit));
}

Test(source_git, head_is_the_remotes)
{
	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "one");
	git_fixture_git("repo", "branch", "other");
	git_fixture_commit("repo", "file", "two");
	git_fixture_git("repo", "checkout", "-q", "other");
	expect_file(NULL, "one");
	git_fixture_git("repo", "checkout", "-q", "--detach", "main");
	expect_file(NULL, "two");
}

Test(source_git, full_ids_cannot_be_hijacked_by_branches)
{
	CLEANUP(mem_freep) char *first = NULL;

	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "one");
	first = git_fixture_id("repo", "HEAD");
	git_fixture_commit("repo", "file", "two");
	git_fixture_git("repo", "update-ref", "refs/heads/x", "HEAD");

	CLEANUP(mem_freep) char *name = mem_printf("repo/.git/refs/heads/%s", first);
	CLEANUP(mem_freep) char *second = git_fixture_id("repo", "HEAD");
	git_fixture_write(name, second);
	expect_file(first, "one");
}

Test(source_git, a_branch_wins_over_a_tag_and_that_is_said)
{
	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "one");
	git_fixture_git("repo", "tag", "same");
	git_fixture_commit("repo", "file", "two");
	git_fixture_git("repo", "branch", "same");
	expect_file("same", "two");
	cr_expect(strstr(git_fixture_log(), "is a branch and a tag"), "%s", git_fixture_log());
	expect_file("refs/tags/same", "one");
}

Test(source_git, refs_that_do_not_exist)
{
	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "one");
	expect_ref_failure("nope", ERR_NOT_FOUND, "no branch or tag of this name");
	expect_ref_failure("refs/heads/nope", ERR_NOT_FOUND, "refs/heads/nope");
	expect_ref_failure("abcdef", ERR_NOT_FOUND, "7 digits");
	expect_ref_failure("abcdef0", ERR_NOT_FOUND, "no such commit");
	expect_ref_failure("0123456789012345678901234567890123456789", ERR_NOT_FOUND,
		"branches and tags hold no such commit");
	expect_ref_failure("refs/remotes/origin/main", ERR_NOT_FOUND, "no branch or tag");
	expect_ref_failure("main~1", ERR_NOT_FOUND, "no branch or tag");
	expect_ref_failure("", ERR_NOT_FOUND, "no branch or tag");
}

Test(source_git, commits_outside_heads_and_tags)
{
	CLEANUP(mem_freep) char *lost = NULL;

	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "one");
	git_fixture_commit("repo", "file", "two");
	lost = git_fixture_id("repo", "HEAD");
	git_fixture_git("repo", "update-ref", "refs/pull/1/head", "HEAD");
	git_fixture_git("repo", "reset", "-q", "--hard", "HEAD~1");

	const struct source_git_options in_place = {.url = "repo", .ref = lost};
	expect_failure(&in_place, ERR_NOT_FOUND, "in no branch or tag");

	const struct source_git_options mirrored = {
		.url = "repo", .ref = lost, .cache_dir = "cache"};
	expect_failure(&mirrored, ERR_NOT_FOUND, "branches and tags hold no such commit");
}

Test(source_git, tags_that_are_no_commits)
{
	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "one");
	git_fixture_git("repo", "tag", "tree", "HEAD^{tree}");
	git_fixture_git("repo", "tag", "blob", "HEAD:file");
	expect_ref_failure("tree", ERR_INVALID, "tree, not a commit");
	expect_ref_failure("blob", ERR_INVALID, "blob, not a commit");
	git_fixture_commit("repo", "file", "two");
	expect_file("main", "two");

	/* They lead to no commit, and stop nobody who looks for one. */
	CLEANUP(mem_freep) char *id = git_fixture_id("repo", "HEAD~1");
	expect_file(id, "one");
}

Test(source_git, path_narrows_the_tree)
{
	git_fixture_init("repo");
	git_fixture_commit("repo", "a/b/file", "inner");
	git_fixture_commit("repo", "file", "outer");

	CLEANUP(source_freep)
	struct source *source =
		open_git(&(struct source_git_options){.url = "repo", .path = "a/b"});
	CLEANUP(mem_freep) char *text = git_fixture_read(source, "file");
	CLEANUP(mem_freep) char *list = git_fixture_list(source, "");
	cr_expect_str_eq(text, "inner");
	cr_expect_str_eq(list, "file");

	CLEANUP(source_freep)
	struct source *root = open_git(&(struct source_git_options){.url = "repo", .path = "."});
	CLEANUP(mem_freep) char *all = git_fixture_list(root, "");
	cr_expect_str_eq(all, "a/ file");
}

Test(source_git, paths_that_do_not_exist)
{
	git_fixture_init("repo");
	git_fixture_commit("repo", "a/file", "x");
	expect_failure(&(struct source_git_options){.url = "repo", .path = "b"}, ERR_NOT_FOUND,
		"b in commit");
	expect_failure(&(struct source_git_options){.url = "repo", .path = "a/file"}, ERR_INVALID,
		"expected a directory, this is a regular file");
	expect_failure(&(struct source_git_options){.url = "repo", .path = "../x"}, ERR_INVALID,
		"plain path");
	expect_failure(&(struct source_git_options){.url = "repo", .path = "/a"}, ERR_INVALID,
		"plain path");
}

Test(source_git, lists_and_refuses_as_a_directory_does)
{
	git_fixture_init("sub");
	git_fixture_commit("sub", "inside", "x");
	git_fixture_init("repo");
	git_fixture_commit("repo", "b", "x");
	git_fixture_commit("repo", "a.yaml", "x");
	git_fixture_commit("repo", "a/x", "x");
	git_fixture_commit("repo", "B", "x");
	cr_assert_eq(symlink("b", "repo/link"), 0);
	git_fixture_git("repo", "submodule", "--quiet", "add", "../sub", "module");
	git_fixture_git("repo", "add", ".");
	git_fixture_git("repo", "commit", "-q", "-m", "more");

	CLEANUP(source_freep) struct source *source = open_ref(NULL);
	CLEANUP(mem_freep) char *root = git_fixture_list(source, "");
	cr_expect_str_eq(root, ".gitmodules B a/ a.yaml b link@ module?");

	static const struct {
		const char *path;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{"link", ERR_INVALID, "symbolic link"},
		{"link/x", ERR_INVALID, "leads through a symbolic link"},
		{"module", ERR_INVALID, "submodule"},
		{"module/inside", ERR_INVALID, "leads through a submodule"},
		{"a", ERR_INVALID, "this is a directory"},
		{"b/x", ERR_INVALID, "leads through a regular file"},
		{"none", ERR_NOT_FOUND, "none: no such"},
		{"../repo/b", ERR_INVALID, "plain path"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CLEANUP(str_release) struct str bytes = STR_INIT(100);
		CLEANUP(err_freep) struct err *err = NULL;

		cr_assert_not(source_read(source, cases[i].path, &bytes, &err));
		cr_expect_eq(err->kind, cases[i].kind, "%s", err->msg);
		cr_expect(strstr(err->msg, cases[i].words), "%s", err->msg);
	}
}

/* A branch whose tree has these names, which git itself would refuse to make. */
static void make_evil_tree(const char *branch, const char *first, const char *second)
{
	CLEANUP(mem_freep)
	char *script = mem_printf("entry() {\n"
				  "	printf '100644 %%s\\0' \"$1\"\n"
				  "	head -c 20 /dev/zero\n"
				  "}\n"
				  "{ entry '%s'; entry '%s'; } >raw\n"
				  "tree=$(git hash-object -t tree -w --literally raw)\n"
				  "git update-ref refs/heads/%s $(git commit-tree -m evil $tree)\n",
		first, second, branch);

	git_fixture_write("script", script);
	git_fixture_git("repo", "-c", "alias.evil=!sh ../script", "evil");
}

Test(source_git, names_that_no_file_can_have)
{
	static const struct {
		const char *first;
		const char *second;
		const char *words;
	} cases[] = {
		{".", "x", "no file can have"},
		{"..", "x", "no file can have"},
		{"", "x", "cannot read tree"},
		{"../../etc/passwd", "x", "no file can have"},
		{"x", "x", "two entries have the name 'x'"},
	};

	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "x");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct source_entries entries = {0};
		CLEANUP(err_freep) struct err *err = NULL;

		make_evil_tree("evil", cases[i].first, cases[i].second);
		CLEANUP(source_freep)
		struct source *source = source_open_git(
			&(struct source_git_options){.url = "repo", .ref = "evil"}, &err);
		cr_assert(!source || !source_list(source, "", &entries, &err));
		cr_expect(strstr(err->msg, cases[i].words), "%s", err->msg);
	}
}

Test(source_git, bounds_files)
{
	CLEANUP(str_release) struct str exact = STR_INIT(10);
	CLEANUP(str_release) struct str small = STR_INIT(9);
	CLEANUP(err_freep) struct err *err = NULL;

	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "0123456789");
	CLEANUP(source_freep) struct source *source = open_ref(NULL);
	cr_expect(source_read(source, "file", &exact, NULL));
	cr_assert_not(source_read(source, "file", &small, &err));
	cr_expect_eq(err->kind, ERR_TOO_LARGE, "%s", err->msg);
}

Test(source_git, repositories_that_are_none)
{
	const struct source_git_options empty = {.url = "empty"};
	const struct source_git_options empty_mirrored = {.url = "empty", .cache_dir = "cache"};

	cr_assert(fs_make_directories("plain", NULL));
	/* Below a repository is not in one. */
	git_fixture_init("outer");
	cr_assert(fs_make_directories("outer/inner", NULL));
	git_fixture_init("empty");
	expect_failure(&(struct source_git_options){.url = "missing"}, ERR_NOT_FOUND, "missing");
	expect_failure(
		&(struct source_git_options){.url = "plain"}, ERR_INVALID, "not a Git repository");
	expect_failure(&(struct source_git_options){.url = "plain", .cache_dir = "cache"},
		ERR_INVALID, "not a Git repository");
	expect_failure(&(struct source_git_options){.url = "outer/inner"}, ERR_INVALID,
		"not a Git repository");
	expect_failure(&empty, ERR_INVALID, "neither branches nor tags");
	expect_failure(&empty_mirrored, ERR_INVALID, "neither branches nor tags");
}

Test(source_git, head_that_points_nowhere_names_the_branches)
{
	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "x");
	git_fixture_git("repo", "symbolic-ref", "HEAD", "refs/heads/gone");
	expect_ref_failure(NULL, ERR_NOT_FOUND, "it has main");
}

Test(source_git, refs_that_dangle_stop_nobody)
{
	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "x");
	git_fixture_git(
		"repo", "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone");
	git_fixture_git("repo", "symbolic-ref", "refs/heads/alias", "refs/heads/main");
	expect_file("main", "x");
	expect_file("alias", "x");
}

Test(source_git, shallow_clones_are_read_in_place)
{
	CLEANUP(mem_freep) char *here = mem_new(4096, 1);

	git_fixture_init("origin");
	git_fixture_commit("origin", "file", "one");
	git_fixture_commit("origin", "file", "two");
	cr_assert(getcwd(here, 4096));
	CLEANUP(mem_freep) char *url = mem_printf("file://%s/origin", here);
	git_fixture_git(".", "clone", "-q", "--depth", "1", url, "repo");

	CLEANUP(source_freep) struct source *source = open_ref("main");
	CLEANUP(mem_freep) char *text = git_fixture_read(source, "file");
	cr_expect_str_eq(text, "two");
	expect_failure(&(struct source_git_options){.url = "repo", .cache_dir = "cache"},
		ERR_UNSUPPORTED, "read in place");
}

static bool contains(struct source *source, const char *commit)
{
	CLEANUP(err_freep) struct err *err = NULL;
	bool answer = false;

	cr_assert(source_contains(source, commit, &answer, &err), "%s", err ? err->msg : "");
	return answer;
}

Test(source_git, which_commits_are_in_the_history)
{
	const char *nowhere = "0123456789012345678901234567890123456789";
	CLEANUP(mem_freep) char *first = NULL;
	CLEANUP(mem_freep) char *second = NULL;
	CLEANUP(mem_freep) char *side = NULL;

	git_fixture_init("repo");
	git_fixture_commit("repo", "file", "one");
	first = git_fixture_id("repo", "HEAD");
	git_fixture_git("repo", "branch", "side");
	git_fixture_commit("repo", "file", "two");
	second = git_fixture_id("repo", "HEAD");
	git_fixture_git("repo", "checkout", "-q", "side");
	git_fixture_commit("repo", "other", "three");
	side = git_fixture_id("repo", "HEAD");
	for (int mirrored = 0; mirrored < 2; mirrored++) {
		CLEANUP(source_freep)
		struct source *source = open_git(&(struct source_git_options){
			.url = "repo", .ref = "main", .cache_dir = mirrored ? "cache" : NULL});
		CLEANUP(source_freep)
		struct source *older =
			open_git(&(struct source_git_options){.url = "repo", .ref = first});

		cr_expect(contains(source, second));
		cr_expect(contains(source, first));
		cr_expect_not(contains(source, side), "on another branch");
		cr_expect_not(contains(source, nowhere));
		cr_expect_not(contains(source, "HEAD"));
		cr_expect_not(contains(source, ""));
		cr_expect_not(contains(older, second), "newer");
	}
}

Test(source_git, a_history_that_is_cut_short_contains_what_it_shows)
{
	CLEANUP(mem_freep) char *here = mem_new(4096, 1);
	CLEANUP(mem_freep) char *first = NULL;
	CLEANUP(mem_freep) char *second = NULL;

	git_fixture_init("origin");
	git_fixture_commit("origin", "file", "one");
	first = git_fixture_id("origin", "HEAD");
	git_fixture_commit("origin", "file", "two");
	second = git_fixture_id("origin", "HEAD");
	cr_assert(getcwd(here, 4096));
	CLEANUP(mem_freep) char *url = mem_printf("file://%s/origin", here);
	git_fixture_git(".", "clone", "-q", "--depth", "1", url, "repo");
	CLEANUP(source_freep) struct source *source = open_ref("main");

	cr_expect(contains(source, second));
	cr_expect_not(contains(source, first));
}

Test(source_git, texts_are_copied)
{
	char url[] = "repo";
	char path[] = "dir";
	struct source_git_options options = {.url = url, .path = path};

	git_fixture_init("repo");
	git_fixture_commit("repo", "dir/file", "x");
	CLEANUP(source_freep) struct source *source = open_git(&options);
	memset(url, '?', sizeof(url));
	memset(path, '?', sizeof(path));

	CLEANUP(mem_freep) char *text = git_fixture_read(source, "file");
	cr_expect_str_eq(text, "x");
	cr_expect(strstr(source_description(source), "path dir"));
}

Test(source_git, a_commit_speaks_for_itself)
{
	CLEANUP(source_freep) struct source *source = NULL;
	struct source_git_options options = {.url = "repo"};

	git_fixture_init("repo");
	git_fixture_commit("repo", "main.txt", "x");
	git_fixture_git("repo", "checkout", "-q", "-b", "side");
	git_fixture_commit("repo", "side.txt", "x");
	git_fixture_git("repo", "checkout", "-q", "main");
	source = source_open_git(&options, NULL);
	cr_assert_not_null(source);
	cr_expect_not_null(source_subject(source));
	cr_expect_null(source_merged_by(source), "it is no merge");
	source_free(source);
	git_fixture_git(
		"repo", "merge", "-q", "--no-ff", "-m", "Merge pull request #7\n\nWords.", "side");
	source = source_open_git(&options, NULL);
	cr_assert_not_null(source);
	cr_expect_str_eq(source_subject(source), "Merge pull request #7");
	cr_expect_str_eq(source_merged_by(source), "a <a@example.com>");
}
