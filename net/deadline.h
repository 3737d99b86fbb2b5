/*
 * Private to net/: the deadlines of one call, on the I/O thread.
 */
#ifndef CIP_NET_DEADLINE_H
#define CIP_NET_DEADLINE_H

#include "net/call_private.h"

/* The call leaves its queue; the clock starts. */
void deadline_start(struct http_call *call);

/* The call waits for its own worker, or does so no longer. Either may be said twice. */
void deadline_pause(struct http_call *call);
void deadline_resume(struct http_call *call);

/* ERR_TIMEOUT if a running call is overdue; otherwise when to look again, INT64_MAX for never. */
bool deadline_check(struct http_call *call, int64_t now_ms, int64_t *ret_next_ms, struct err **err);

#endif
