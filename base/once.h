/*
 * In-flight de-duplication: of several threads that want the same thing, the first does the work
 * on its own thread and the others wait for it. Success is remembered, failure is not: a waiter
 * whose worker failed becomes the worker. Waits end when the token reaches CANCEL_NOW.
 *
 * To stay free of deadlock, a thread that holds one key may only wait for keys below it (an index
 * for its children, a manifest for its blobs), never for a sibling's parent.
 */
#ifndef CIP_BASE_ONCE_H
#define CIP_BASE_ONCE_H

#include <stdbool.h>

#include "base/cancel.h"
#include "base/err.h"

struct once;

struct once *once_new(void);
void once_free(struct once *table); /* no thread may be inside */

enum once_turn {
	ONCE_MINE,	/* do the work, then once_finish */
	ONCE_DONE,	/* somebody did it */
	ONCE_CANCELLED, /* do nothing */
	ONCE_BUSY,	/* only from once_try: another thread works on it */
};

/* Blocks while another thread works on `key` (copied). Any thread. */
enum once_turn once_begin(struct once *table, const char *key, struct cancel *cancel);

/*
 * Never blocks. Whoever wants several keys at a time tries them all, does what is its own, and
 * waits with once_begin for the busy ones when it holds none: then nobody waits in a circle.
 */
enum once_turn once_try(struct once *table, const char *key, struct cancel *cancel);

/* True once somebody has finished the key with success. */
bool once_is_done(struct once *table, const char *key);

/* Must follow every ONCE_MINE, on the same thread or another. */
void once_finish(struct once *table, const char *key, bool success);

/* Drops remembered successes whose key starts with `prefix`, to bound memory. */
void once_forget(struct once *table, const char *prefix);

#endif
