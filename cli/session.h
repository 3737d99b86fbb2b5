/*
 * What a command works with that reads manifests and may ask registries: output, configuration, the
 * cancel token and who raises it, HTTP, the manifests. Here is who exists when; what is done with
 * them is the business of the commands. One at a time, on the main thread.
 */
#ifndef CIP_CLI_SESSION_H
#define CIP_CLI_SESSION_H

#include "cli/manifests.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "registry/registry.h"

struct session {
	const struct options *options; /* borrowed */
	struct output *output;
	struct config config;
	struct cancel *cancel; /* NULL: nothing that could be stopped */
	struct signals *signals;
	struct http *http; /* NULL: no network */
	struct manifests manifests;
};

/* Takes over the log. */
void session_init(struct session *session, const struct options *options);
void session_release(struct session *session);

/*
 * Reads the configuration, opens the network (where `asks_registries`, or the manifests need it) and
 * loads the manifests. What was found until a failure stays. Errors of config.h, http.h and
 * manifests.h.
 */
bool session_load(struct session *session, bool asks_registries, struct err **err);

/* The same for a command without manifests that asks registries. */
bool session_open(struct session *session, struct err **err);

/* A client with the flags' and the configuration's settings; NULL with registry_new's errors. */
struct registry *session_registry(const struct session *session, bool read_only, struct err **err);

/* The signal that interrupted the command, 0 if none did. */
int session_signal(const struct session *session);

/* Says the findings because of which files are not taken into account, for commands that need no others. */
void session_say_left_out(const struct session *session);

/* Says an error, or several that have a line each, as the log's level. */
void session_log(enum log_level level, const char *text);

#endif
