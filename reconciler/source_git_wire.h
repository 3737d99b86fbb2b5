/*
 * A way to the other side's git-upload-pack (gitprotocol-pack(5)): bytes there and bytes back,
 * nothing about their meaning. Implemented over https and ssh; used by source_git_remote.c.
 *
 * Every function gives up when the fetch's deadline passes or the run is being stopped. Kinds of
 * errors: ERR_AUTH, ERR_NOT_FOUND, ERR_TRANSIENT, ERR_THROTTLED, ERR_TIMEOUT, ERR_TLS, ERR_INVALID,
 * ERR_TOO_LARGE, ERR_USAGE, ERR_CANCELLED. Never ERR_IO or ERR_DIGEST: those speak of our own
 * files. One thread.
 */
#ifndef CIP_RECONCILER_SOURCE_GIT_WIRE_H
#define CIP_RECONCILER_SOURCE_GIT_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

enum source_git_phase {
	SOURCE_GIT_ADVERTISE, /* read the other side's refs */
	SOURCE_GIT_NEGOTIATE, /* write wants and haves, read acknowledgements and the pack */
};

struct source_git_wire {
	/* Each SOURCE_GIT_NEGOTIATE is an exchange of its own: all writes, then all reads. */
	bool stateless;
	bool (*begin)(void *ctx, enum source_git_phase phase, struct err **err);
	bool (*write)(void *ctx, const void *bytes, size_t len, struct err **err);
	/* At least one byte; 0 at a clean end. */
	bool (*read)(void *ctx, void *bytes, size_t max, size_t *ret_len, struct err **err);
	void (*free)(void *ctx);
	void *ctx;
};

static inline void source_git_wire_free(struct source_git_wire *wire)
{
	wire->free(wire->ctx);
	mem_free(wire);
}
DEFINE_CLEANUP(struct source_git_wire, source_git_wire_freep, source_git_wire_free)

#endif
