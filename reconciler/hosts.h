/*
 * What a run learns about hosts, beside what the registry client itself remembers: which of them
 * fail for good, and which were asked for Google's extension already. All functions may be called
 * from any thread.
 */
#ifndef CIP_RECONCILER_HOSTS_H
#define CIP_RECONCILER_HOSTS_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"

struct hosts;

struct hosts *hosts_new(void);
void hosts_free(struct hosts *hosts);
DEFINE_CLEANUP(struct hosts, hosts_freep, hosts_free)

/*
 * After HOSTS_FENCE connection-level failures in a row without a success since the start (four
 * times as many later), a host is fenced for the rest of the run: hosts_check fails at once with
 * the error that fenced it, so that one dead registry does not make a run slow.
 */
#define HOSTS_FENCE 5
bool hosts_check(struct hosts *hosts, const char *name, struct err **err);

/* What an exchange with the host came to; NULL: a success. An answer of any status is one. */
void hosts_note(struct hosts *hosts, const char *name, const struct err *outcome);

/*
 * True once for each host whose name is Google's: a list there is worth trying before the host has
 * shown the extension.
 */
bool hosts_try_google(struct hosts *hosts, const char *name);

#endif
