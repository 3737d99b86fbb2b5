/*
 * Where a mirror lives between runs: one bare repository for each URL in the cache directory, with
 * a lock file beside it. Nothing in a cache is trusted: all but its packs and its list of refs is
 * replaced before use, and packs are believed by their hashes alone.
 *
 *	<cache dir>/github.com-kubernetes-k8s.io-0123456789abcdef.git/   and   ….lock
 *
 * One thread; several processes and threads share a cache directory through the lock.
 */
#ifndef CIP_RECONCILER_SOURCE_GIT_CACHE_H
#define CIP_RECONCILER_SOURCE_GIT_CACHE_H

#include <stdbool.h>

#include "base/err.h"
#include "reconciler/source_git_deadline.h"
#include "reconciler/source_git_url.h"

struct source_git_cache {
	char *temporary; /* directory to remove in the end; NULL: the cache is kept */
	char *mirror;	 /* path of the bare repository */
	char *lock_path;
	int lock;    /* held while >= 0 */
	bool reused; /* the mirror holds objects of an earlier run */
};
#define SOURCE_GIT_CACHE_INIT                                                                      \
	{                                                                                          \
		.lock = -1                                                                         \
	}

/*
 * Names the places; makes the directory (mode 0700) if it is missing. `directory` NULL: a temporary
 * one below $TMPDIR. ERR_USAGE with advice if others can write to it, ERR_IO.
 */
bool source_git_cache_open(const char *directory, const struct source_git_url *url,
	struct source_git_cache *ret_cache, struct err **err);

/* Waits for other users of the mirror; says so after a second. ERR_CANCELLED, ERR_TIMEOUT, ERR_IO. */
bool source_git_cache_lock(struct source_git_cache *cache,
	const struct source_git_deadline *deadline, struct err **err);
void source_git_cache_unlock(struct source_git_cache *cache);

/*
 * With the lock held: leaves a bare repository of our configuration that holds at most packs and
 * refs; sets `reused`. What is no repository is replaced, with a warning. ERR_USAGE if others can
 * write to it, ERR_IO.
 */
bool source_git_cache_prepare(struct source_git_cache *cache, struct err **err);

/* With the lock held: an empty repository instead of what was there. ERR_IO. */
bool source_git_cache_reset(struct source_git_cache *cache, struct err **err);

/* Gives the lock back and removes a temporary cache. Safe to call twice. */
void source_git_cache_release(struct source_git_cache *cache);

#endif
