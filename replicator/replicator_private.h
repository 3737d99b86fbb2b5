/*
 * What the files of the replicator share: replicator.c (lists), replica_carry.c (what lists show),
 * replica_referrers.c (what they do not).
 */
#ifndef CIP_REPLICATOR_REPLICATOR_PRIVATE_H
#define CIP_REPLICATOR_REPLICATOR_PRIVATE_H

#include "registry/copy.h"
#include "replicator/replicator.h"

struct replicator {
	struct replicator_options options;
	struct copier *copier;
};

/* The caller's knowledge of hosts; without it every host may be asked. */
bool replicator_may_ask(const struct replicator *replicator, const char *host, struct err **err);
void replicator_note(
	const struct replicator *replicator, const char *host, const struct err *outcome);

/* Adds what a copy cost at one destination. */
void replicator_count(const struct replicator *replicator, const struct http_tally *cost);

void replicator_tell(const struct replicator *replicator, const struct replica_set *set,
	size_t primary, const struct replica_tag *tag, size_t site, enum replica_end end,
	const struct err *err);

#endif
