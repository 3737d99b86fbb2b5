/*
 * Which of two runs goes on: one at a time, from one of its requests to its next, in an order that a
 * seed decides. So an interleaving of two processes can be told by a number, and comes again.
 */
#ifndef CIP_TESTS_UNIT_RECONCILER_BATON_H
#define CIP_TESTS_UNIT_RECONCILER_BATON_H

#include <stdbool.h>
#include <stdint.h>

struct baton;

/* `stay`: in percent, how often the run that had the turn keeps it. */
struct baton *baton_new(uint64_t seed, unsigned stay);
void baton_free(struct baton *baton);

/* Before a request of run 0 or 1: waits for its turn. */
void baton_wait(struct baton *baton, unsigned run);
/* The run is over: the other one need not wait any more. */
void baton_leave(struct baton *baton, unsigned run);

#endif
