/*
 * What somebody who only reads says of the signatures of an image: what a run that may sign would
 * make, and what is there instead.
 */
#ifndef CIP_RECONCILER_SIGNING_READER_H
#define CIP_RECONCILER_SIGNING_READER_H

#include "reconciler/signing.h"
#include "signer/attached.h"

/* `identity` is whose signatures were looked for among what is attached. Pure. */
void signing_reader_tell(const char *identity, const struct attached *attached,
	const struct signing_found *found, const struct signing_todo *todo,
	struct signing_outcome *outcome);

#endif
