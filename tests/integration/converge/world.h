/*
 * A promotion that is run again and again: its servers behind a gate, its commands, and what the
 * registries hold afterwards. One thread.
 */
#ifndef CIP_TESTS_INTEGRATION_CONVERGE_WORLD_H
#define CIP_TESTS_INTEGRATION_CONVERGE_WORLD_H

#include "tests/integration/converge/claims.h"
#include "tests/integration/converge/gate.h"

struct world_server {
	char *name;
	uint16_t port;
	uint16_t gate_port;
	bool is_destination; /* compared, and empty before each experiment */
};

struct world {
	struct gate *gate;
	VEC(struct world_server) servers;
	VEC(char **) commands; /* argument vectors, run one after the other */
	VEC(char **) first;    /* run before each experiment, undisturbed */
	VEC(char **) others;   /* of whoever else runs at the time; none: the same */
	const char *directory; /* output and settings of the commands go there */
	struct lines wanted;   /* what an undisturbed run leaves */
};

/*
 * Exits on wrong usage. Arguments: --server NAME=HOST:PORT, --destination NAME=HOST:PORT, --directory
 * DIR, --settings FILE (copied to DIR/cip.yaml with addresses of the gate for @NAME@), others are
 * given to `other`; then "--" and a command, any number of times; "++" and a command for the others, "==" and
 * one for what comes first.
 */
void world_init(struct world *world, int argc, char **argv,
	void (*other)(const char *option, const char *value));
void world_release(struct world *world);

/* To where an experiment begins; exits if what comes first does not end with 0. */
void world_empty(struct world *world);

struct world_end {
	int status;	/* the first exit code that is not 0 */
	bool is_killed; /* by the gate; commands behind that one were not run */
};
/* All commands, with the rule over all their requests. */
struct world_end world_run(struct world *world, const struct gate_rule *rule);

/* Those of the others, undisturbed; returns as world_end.status. */
int world_run_others(struct world *world);

/*
 * The commands, and while the gate holds their kth request all the others. Then the request passes, or the command
 * is killed. False if there is no such request. *ret_status as above, of both.
 */
bool world_overlap(struct world *world, size_t k, bool kills, int *ret_status);
/* Both start at the same time, and nothing is held. */
int world_together(struct world *world);

/* What the destinations hold, sorted. */
void world_state(const struct world *world, struct lines *lines);

/*
 * Prints what differs from what is wanted, at most ten lines; returns how many there are. Lines for
 * which `skips` says so are not compared; NULL: none.
 */
size_t world_differences(const struct world *world, const struct lines *lines,
	bool (*skips)(const char *line, const char *server), const char *server);

/* The last lines that the commands wrote. */
void world_print_output(const struct world *world);

#endif
