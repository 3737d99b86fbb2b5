/*
 * How a run is stopped. One token reaches every wait. It moves only forwards:
 *
 *	CANCEL_NONE      work
 *	CANCEL_DRAIN     start nothing new, finish what is in flight (first SIGINT or SIGTERM)
 *	CANCEL_NOW       give up everything in flight (grace period over, or second signal)
 *
 * All functions may be called from any thread, but not from a signal handler.
 */
#ifndef CIP_BASE_CANCEL_H
#define CIP_BASE_CANCEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum cancel_state { CANCEL_NONE, CANCEL_DRAIN, CANCEL_NOW };

struct cancel;

struct cancel *cancel_new(void);
void cancel_free(struct cancel *token); /* no watch may be left */
DEFINE_CLEANUP(struct cancel, cancel_freep, cancel_free)

/* Raises the state (lowering is ignored), wakes sleepers, calls the watchers. */
void cancel_raise(struct cancel *token, enum cancel_state state);

enum cancel_state cancel_get(const struct cancel *token);

/* ERR_CANCELLED and false once the state has reached `limit`. token may be NULL: never cancelled. */
bool cancel_check(const struct cancel *token, enum cancel_state limit, struct err **err);

/* Sleeps; returns false (at once) when the state reaches `limit`. token may be NULL. */
bool cancel_sleep_ms(struct cancel *token, enum cancel_state limit, int64_t ms);

/*
 * Calls `wake(ctx)` on the raising thread at every change of state, with no lock of the token's
 * caller held, until unwatched. If the token is raised already, it is called once right away.
 * `wake` must not block. cancel_unwatch returns when no call is running any more.
 */
struct cancel_watch {
	void (*wake)(void *ctx);
	void *ctx;
	struct cancel_watch *next;
};
void cancel_watch(struct cancel *token, struct cancel_watch *watch);
void cancel_unwatch(struct cancel *token, struct cancel_watch *watch);

#endif
