/* A wire to git-upload-pack on another machine by the system's ssh program. */
#ifndef CIP_RECONCILER_SOURCE_GIT_SSH_H
#define CIP_RECONCILER_SOURCE_GIT_SSH_H

#include "base/err.h"
#include "reconciler/source_git_deadline.h"
#include "reconciler/source_git_url.h"
#include "reconciler/source_git_wire.h"

struct source_git_ssh_options {
	const struct source_git_url *url; /* scheme SOURCE_GIT_SSH */
	const char *key_file;		  /* private key; NULL: agent and ssh's own configuration */
	const struct source_git_deadline *deadline;
	int64_t stall_timeout_ms; /* longest silence; 0: 60 s */
};

/*
 * Finds ssh; starts it with the first exchange. Everything is borrowed for the life of the wire.
 * The program must ignore SIGPIPE. ERR_USAGE: no ssh in PATH, no such key.
 */
struct source_git_wire *source_git_ssh_new(
	const struct source_git_ssh_options *options, struct err **err);

#endif
