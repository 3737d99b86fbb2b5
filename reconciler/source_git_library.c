/*
 * Process-wide state of libgit2. It is never shut down: that would have to wait for every thread
 * that uses it, and everything it holds dies with the process.
 */
#include "reconciler/source_git_library.h"

#include <git2.h>
#include <pthread.h>
#include <stdarg.h>

/* The indexer keeps some 100 bytes for each object of a pack; what a hostile server sends is bounded. */
#define PACK_OBJECTS_MAX ((size_t)5000000)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool started;

static void start(void)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
		GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};

	started = git_libgit2_init() > 0;
	for (size_t i = 0; started && i < sizeof(levels) / sizeof(*levels); i++)
		started = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "") == 0;
	/*
	 * Who owns a repository matters where its hooks or settings are obeyed; we read objects,
	 * and look after the owner of our cache ourselves.
	 */
	started = started && git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0) == 0;
	started = started && git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1) == 0;
	started = started && git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, PACK_OBJECTS_MAX) == 0;
}

bool source_git_library_start(struct err **err)
{
	pthread_once(&once, start);
	return started || err_set(err, ERR_INTERNAL, "libgit2 cannot be set up");
}

bool source_git_library_error(struct err **err, const char *fmt, ...)
{
	const git_error *last = git_error_last();
	const char *reason = last && last->message ? last->message : "no reason given";
	enum err_kind kind = last && last->klass == GIT_ERROR_OS ? ERR_IO : ERR_DIGEST;
	CLEANUP(mem_freep) char *what = NULL;
	va_list args;

	va_start(args, fmt);
	what = mem_vprintf(fmt, args);
	va_end(args);
	return err_set(err, kind, "%s: %s", what, reason);
}
