/*
 * What stands between the program and all its servers: every request passes here, is counted, and
 * one of them (or every one from then on) may be stopped, answered wrongly or followed by an end of
 * the program. Servers behind it need no hooks, whatever they are.
 *
 * A run is from gate_begin to gate_end; requests are counted from 1 in the order in which they
 * arrive. gate_begin and gate_end are called from one thread, with no request under way.
 */
#ifndef CIP_TESTS_INTEGRATION_CONVERGE_GATE_H
#define CIP_TESTS_INTEGRATION_CONVERGE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate;

enum gate_action {
	GATE_PASS,
	GATE_KILL_BEFORE, /* the program ends when the request has come; its server never sees it */
	GATE_KILL_AFTER,  /* its server has done what it asks for; the program never hears of it */
	GATE_HOLD,	  /* it waits until gate_release */
	GATE_STATUS,
	GATE_RESET_BEFORE,
	GATE_RESET_AFTER,
	GATE_RESET_MID,	    /* half of the body, then a reset */
	GATE_TRUNCATE_JSON, /* half of a JSON body as if it were all of it */
	GATE_EMPTY,	    /* 200 without a body, and not done */
	GATE_DOWN,	    /* as if nobody listened */
};

struct gate_rule {
	enum gate_action action;
	size_t nth; /* of the requests that the rest matches; 0: none */
	bool and_later;
	bool only_writes;   /* POST, PUT, PATCH, DELETE */
	const char *server; /* its name; NULL: any */
	int status;	    /* of GATE_STATUS */
};

/* Exits the process if it cannot. */
struct gate *gate_new(void);
void gate_free(struct gate *gate);
/*
 * A server behind it, by a port on 127.0.0.1. Returns the port to send its requests to. `is_written`: gate_writes
 * counts what is written there.
 */
uint16_t gate_add(struct gate *gate, const char *name, uint16_t port, bool is_written);

void gate_begin(struct gate *gate, const struct gate_rule *rule);
/* Of the program, which must not be reaped before gate_forget. The rule may kill it. */
void gate_watch(struct gate *gate, int pid);
void gate_forget(struct gate *gate);
/* GATE_HOLD: whether the request has come; it is let go, or refused if its program is dead. */
bool gate_holds(struct gate *gate);
void gate_release(struct gate *gate, bool passes);
/* Waits until no request is under way. */
void gate_end(struct gate *gate);

/* Of the run. */
size_t gate_writes(struct gate *gate);
bool gate_acted(struct gate *gate); /* the rule has changed something */
/* "SERVER METHOD TARGET" that the rule met first, "" if it met none. Valid until gate_begin. */
const char *gate_met(struct gate *gate);
/* All requests of the run, a line each, in fresh memory. */
char *gate_log(struct gate *gate);

#endif
