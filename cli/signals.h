/*
 * How the program is stopped from outside. Signals are blocked in every thread and taken by one
 * that waits for them, so no code runs in a signal handler:
 *
 *	first SIGINT or SIGTERM		CANCEL_DRAIN
 *	`grace_ms` later		CANCEL_NOW
 *	second SIGINT or SIGTERM	CANCEL_NOW at once
 */
#ifndef CIP_CLI_SIGNALS_H
#define CIP_CLI_SIGNALS_H

#include "base/cancel.h"

struct signals;

/*
 * Starts the waiting thread; call it before any other thread is started. `cancel` is borrowed.
 * From now on SIGPIPE and SIGXFSZ are ignored: a reader that went away, or a file over the limit, is an
 * error of the write.
 */
struct signals *signals_start(struct cancel *cancel, int64_t grace_ms);

/* The first signal that arrived, 0 if none did. Any thread. */
int signals_received(const struct signals *signals);

/* Ends the thread and gives signals their usual effect back. */
void signals_stop(struct signals *signals);
DEFINE_CLEANUP(struct signals, signals_stopp, signals_stop)

#endif
