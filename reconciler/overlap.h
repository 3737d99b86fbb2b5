/*
 * The check that no two digests claim one tag of one place (trust rules 1 and 4): of one
 * destination repository, keyed by its full canonical path, or of one public identity.
 */
#ifndef CIP_RECONCILER_OVERLAP_H
#define CIP_RECONCILER_OVERLAP_H

#include "reconciler/declared.h"

/*
 * Adds a finding for every overlap, fills what declared_dispute answers from, and counts. Claims
 * of malformed digests and of quarantined projects are claims. ERR_TOO_LARGE if the images share
 * so many repositories that the check would not end in reasonable time: nothing may then be
 * promoted. One thread, once.
 */
bool overlap_check(struct declared *declared, struct err **err);

#endif
