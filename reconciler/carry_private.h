/* What carry.c and carry_rest.c share. */
#ifndef CIP_RECONCILER_CARRY_PRIVATE_H
#define CIP_RECONCILER_CARRY_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/once.h"
#include "base/strmap.h"
#include "reconciler/carry.h"
#include "registry/copy.h"
#include "replicator/inventory.h"

/* A source repository over the run. Lives as long as the carry. */
struct staging {
	char *name, *host; /* owned */
	struct repository repository;
	/* Read-only once it was listed: */
	struct inventory inventory;
	bool is_listed;		   /* else the inventory says nothing */
	_Atomic unsigned failures; /* in a row */
};

struct carry {
	const struct carry_options *options;
	struct registry *registry;
	const struct clock *clock;
	struct cancel *cancel;
	struct copier *copier; /* with CARRY_ALL, else NULL */
	struct once *lists;
	pthread_mutex_t lock;
	/* Under the lock: */
	struct strmap stagings; /* of struct staging by name, owned */
	unsigned turns;		/* images of which unverified content is held */
	pthread_cond_t turn_ended;
};

/* Made on first use. */
struct staging *carry_staging(struct carry *carry, const char *name);

/* Of what was read and not verified; nothing if it has none. */
void carry_turn_end(struct cargo *cargo);

#endif
