/*
 * What a kind of source implements. Only the reconciler/source*.c files include this; everybody
 * else reads through source.h.
 */
#ifndef CIP_RECONCILER_SOURCE_BACKEND_H
#define CIP_RECONCILER_SOURCE_BACKEND_H

#include "reconciler/source.h"

/* Entries of one directory and bytes of one path; more is ERR_TOO_LARGE. */
#define SOURCE_ENTRIES_MAX ((size_t)100000)
#define SOURCE_PATH_MAX ((size_t)4096)

struct source_backend {
	/*
	 * `path` has been checked: "" or plain components with one '/' between. `list` may leave the
	 * entries unsorted. Errors as in source.h; source.c puts the path in front.
	 */
	bool (*list)(void *ctx, const char *path, struct source_entries *entries, struct err **err);
	bool (*read)(void *ctx, const char *path, struct str *out, struct err **err);
	/* As source_contains. NULL: a source without commits. */
	bool (*contains)(void *ctx, const char *commit, bool *ret_contains, struct err **err);
	void (*free)(void *ctx);
};

/* Takes `ctx`; copies the texts. `commit` is NULL for a working tree. */
struct source *source_new(const struct source_backend *backend, void *ctx, const char *commit,
	const char *description);

/* What source_subject and source_merged_by say; copied, may be NULL. */
void source_set_words(struct source *source, const char *subject, const char *merged_by);

/*
 * False unless `path` is "" or components with one '/' between, none of them "." or "..", of at
 * most SOURCE_PATH_MAX bytes. ERR_INVALID.
 */
bool source_path_check(const char *path, struct err **err);

/* Appends an entry with a copy of the name. ERR_TOO_LARGE above SOURCE_ENTRIES_MAX. */
bool source_entries_add(struct source_entries *entries, const char *name,
	enum source_entry_kind kind, struct err **err);

#endif
