/* `--fail-on=LIST`: which kinds of findings change the exit code. Pure. */
#ifndef CIP_CLI_FAIL_ON_H
#define CIP_CLI_FAIL_ON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "reconciler/finding.h"

/*
 * Names of finding.h separated by commas, or "all", or "none" (also an empty list), to bits 1 << kind. A tree of
 * the wrong shape is always a failure and a warning never one: neither may be listed. ERR_USAGE.
 */
bool fail_on_parse(const char *list, unsigned *ret_kinds, struct err **err);

/*
 * True if a kind in `kinds` was found; then "malformed 1, tag-move 2" is appended to `reasons`.
 * counts[] has FINDING_KINDS elements.
 */
bool fail_on_met(unsigned kinds, const uint64_t *counts, struct str *reasons);

#endif
