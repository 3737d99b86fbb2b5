/*
 * Whether a call that went wrong goes back into the queue, when it may leave again, and what its
 * bucket learns from the answer. The only place where requests are repeated. Internal to net/, I/O
 * thread only.
 */
#ifndef CIP_NET_REPEAT_H
#define CIP_NET_REPEAT_H

#include "net/call_private.h"

/*
 * The head of an answer that is no redirect is in. Sets hop.is_refused if the request will be sent
 * again, so that nobody sees this answer. False, with call->err, if the call has failed: it was told
 * to wait for too long.
 */
bool repeat_judge(struct http_call *call, int status);

/* All of an answer is in that hop.is_refused says nothing of. True: the request will be sent again. */
bool repeat_judge_body(struct http_call *call);

/* True if the call goes back into the queue after this error. */
bool repeat_after_error(struct http_call *call, const struct err *err);

/* Makes the call as it was when it was started; the caller has taken it from libcurl. */
void repeat_start_over(struct http_call *call);

/* The answer led on, or was of another kind that no limit is about. */
void repeat_accepted(struct http_call *call);

/* There will be no answer. */
void repeat_let_go(struct http_call *call);

#endif
