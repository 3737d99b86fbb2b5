/*
 * `--manifest-based-snapshot-of`: what the manifests would put below a registry, in kpromo's bytes
 * (kpromo-compat facts §7). No network. Pure.
 */
#ifndef CIP_RECONCILER_SNAPSHOT_H
#define CIP_RECONCILER_SNAPSHOT_H

#include "base/str.h"
#include "reconciler/declared.h"

enum snapshot_format { SNAPSHOT_YAML, SNAPSHOT_CSV };

/*
 * Appends the snapshot of every destination whose registry starts with `registry`. Quarantined
 * entries are left out; *ret_left_out tells how many digests that were. ERR_TOO_LARGE if `out` is full.
 */
bool snapshot_of_manifests(const struct declared *declared, const char *registry,
	enum snapshot_format format, struct str *out, uint64_t *ret_left_out, struct err **err);

#endif
