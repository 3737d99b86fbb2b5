/*
 * A bounded pipe of bytes inside the process: a ring of HTTP_CHANNEL_BYTES, allocated at the
 * first byte. Not locked: one side adds, one side takes, and the caller's lock covers everything
 * except the copying of bytes between a _region and its _commit or _consume, which touch disjoint
 * parts.
 */
#ifndef CIP_NET_CHANNEL_H
#define CIP_NET_CHANNEL_H

#include <stddef.h>

#include "net/http.h"

struct channel {
	char *bytes;
	size_t start;
	size_t len;
};

void channel_release(struct channel *channel);

size_t channel_room(const struct channel *channel);

/* Longest free piece, at most `want`; bytes written there count after channel_commit. */
char *channel_free_region(struct channel *channel, size_t want, size_t *ret_len);
void channel_commit(struct channel *channel, size_t len);

/* Longest filled piece, at most `want`; stays until channel_consume. */
const char *channel_filled_region(const struct channel *channel, size_t want, size_t *ret_len);
void channel_consume(struct channel *channel, size_t len);

/* Both at once, for a side that copies under the lock anyway; `len` must fit. */
void channel_add(struct channel *channel, const void *bytes, size_t len);

#endif
