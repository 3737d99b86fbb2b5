/*
 * The last stage of a unit: what stands beside its images, at the mirrors. Internal to the schedule,
 * as schedule_private.h.
 */
#ifndef CIP_RECONCILER_MIRRORING_H
#define CIP_RECONCILER_MIRRORING_H

#include "reconciler/schedule_private.h"

struct mirroring *mirroring_new(void);
void mirroring_free(struct mirroring *mirroring);

/* For the schedule, which frees it. */
struct replicator *mirroring_replicator(struct schedule *schedule);

/*
 * Something was attached to a digest of one of the unit's sites after its list was read, or the attempt
 * failed. `kinds`: bits of enum attached_kind (signer/attached.h). The digest's bytes outlive the unit.
 * Any thread.
 */
void mirroring_note_written(
	struct unit *unit, const struct site *site, const uint8_t *sha256, unsigned kinds);

/* Compares; false if there is nothing left to do, else jobs are queued. */
bool mirroring_start(struct unit *unit);
void mirroring_run(struct unit *unit, uint32_t index);
void mirroring_hosts(const struct unit *unit, uint32_t index, struct host_numbers *hosts);

#endif
