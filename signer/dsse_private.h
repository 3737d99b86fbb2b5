/* For bundles, which hold an envelope as a part of their JSON. */
#ifndef CIP_SIGNER_DSSE_PRIVATE_H
#define CIP_SIGNER_DSSE_PRIVATE_H

#include "signer/dsse.h"

struct json_t;

/* `object` from proto_load. Releases nothing on failure: dsse_release does. */
bool dsse_read(const struct json_t *object, struct dsse_envelope *envelope, struct err **err);

#endif
