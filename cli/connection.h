/*
 * The network for a command without manifests or configuration: a client, and signals that stop it. One
 * at a time, on the main thread.
 */
#ifndef CIP_CLI_CONNECTION_H
#define CIP_CLI_CONNECTION_H

#include "cli/signals.h"
#include "net/http.h"

struct connection {
	struct cancel *cancel;
	struct signals *signals;
	struct http *http;
};

/*
 * `first_byte_timeout_ms` as in http_options, 0 for the default. What was opened stays on failure. Errors of
 * http_new.
 */
bool connection_open(
	struct connection *connection, int64_t first_byte_timeout_ms, struct err **err);
void connection_release(struct connection *connection);

#endif
