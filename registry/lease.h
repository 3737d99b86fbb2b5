/*
 * Secrets that run out (tokens, what a credential helper said), by key, with one fetch in flight
 * for each: whoever asks meanwhile waits for it and shares its outcome. Renewed when 80 % of the
 * life is over; a failed renewal is no failure while the old text still lives. A failure is
 * remembered for a few seconds, so that a broken server is not asked by every thread in turn.
 * Bounded. Any thread. Internal to registry/.
 */
#ifndef CIP_REGISTRY_LEASE_H
#define CIP_REGISTRY_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct leases;

/* The clock is borrowed. */
struct leases *leases_new(const struct clock *clock);
void leases_free(struct leases *leases); /* no thread may be inside */

/* Fresh text (wiped and freed by the table) and its life in milliseconds. May block. */
typedef bool lease_fetch_fn(void *ctx, char **ret_text, int64_t *ret_life_ms, struct err **err);

struct lease {
	char *text;	 /* a copy; wiped and freed by lease_release */
	uint64_t serial; /* of this fetch, for leases_refuse */
	bool is_fresh;	 /* fetched by or during this call */
};
void lease_release(struct lease *lease);

/*
 * `fetch` runs on the calling thread with no lock held; it must end by itself (deadlines,
 * cancellation). Fails with its error, or with a copy of the one another thread got.
 */
bool leases_get(struct leases *leases, const char *key, lease_fetch_fn *fetch, void *ctx,
	struct lease *ret_lease, struct err **err);

/* The other side does not take this text any more: the next leases_get fetches. */
void leases_refuse(struct leases *leases, const char *key, uint64_t serial);

#endif
