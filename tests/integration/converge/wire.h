/*
 * One HTTP/1.1 exchange with a server on 127.0.0.1 whose answers have a Content-Length. Any thread;
 * a descriptor is used by one at a time.
 */
#ifndef CIP_TESTS_INTEGRATION_CONVERGE_WIRE_H
#define CIP_TESTS_INTEGRATION_CONVERGE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define WIRE_MAX ((size_t)256 << 20)

struct wire_answer {
	struct str head; /* with the empty line */
	struct str body;
	int status;
};
#define WIRE_ANSWER_INIT                                                                           \
	{                                                                                          \
		.head = STR_INIT(WIRE_MAX), .body = STR_INIT(WIRE_MAX)                             \
	}
void wire_answer_release(struct wire_answer *answer);

/* -1 if nobody listens. */
int wire_connect(uint16_t port);
/* False if the connection broke; `is_head`: no body follows. */
bool wire_exchange(
	int fd, const void *request, size_t len, bool is_head, struct wire_answer *answer);
/* A request without body, over a connection of its own. Exits the process if that fails. */
void wire_request(
	uint16_t port, const char *method, const char *target, struct wire_answer *answer);

#endif
