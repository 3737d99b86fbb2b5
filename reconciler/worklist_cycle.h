/* Circles of repositories, part of building a worklist. */
#ifndef CIP_RECONCILER_WORKLIST_CYCLE_H
#define CIP_RECONCILER_WORKLIST_CYCLE_H

#include "reconciler/worklist.h"

/*
 * Marks the claims that promote inside a circle (their source is fed, directly or through others,
 * by their destination) and adds a FINDING_CYCLE for each image with such a claim. Everything
 * before and after the circle is untouched.
 */
void worklist_find_cycles(struct worklist *list);

#endif
