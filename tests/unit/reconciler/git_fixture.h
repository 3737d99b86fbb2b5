/*
 * Repositories for tests, made by git(1) in a fresh directory that is the working directory of the
 * test. Failures are failed assertions.
 */
#ifndef CIP_TESTS_RECONCILER_GIT_FIXTURE_H
#define CIP_TESTS_RECONCILER_GIT_FIXTURE_H

#include "reconciler/source.h"

/* Enters a fresh directory; warnings go to git_fixture_log from now on. */
void git_fixture_enter(void);
/* Leaves and removes it. */
void git_fixture_leave(void);

/* Writes a file below the working directory; makes its directories. */
void git_fixture_write(const char *path, const char *text);

/* Runs git with these arguments (at most 12, NULL ends them) in `directory`; wants success. */
#define git_fixture_git(directory, ...)                                                            \
	git_fixture_run(directory, (const char *const[]){"git", __VA_ARGS__, NULL})
void git_fixture_run(const char *directory, const char *const *arguments);

/* What `git rev-parse --verify NAME` prints; fresh memory. */
char *git_fixture_id(const char *directory, const char *name);

/* A repository with a working tree, branch main, one commit that holds these files. */
void git_fixture_init(const char *directory);
/* Writes the file and commits it. */
void git_fixture_commit(const char *directory, const char *file, const char *text);

/* All messages so far, each with its level in front and a line break. */
const char *git_fixture_log(void);

/* The whole file as text, fresh memory. */
char *git_fixture_read(struct source *source, const char *path);

/* "file directory/ link@ other?" in the order of the listing. */
char *git_fixture_list(struct source *source, const char *directory);

#endif
