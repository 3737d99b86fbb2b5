/* What other documents of Sigstore have in common with the trust root. Only for this room. */
#ifndef CIP_SIGNER_TRUST_ROOT_PRIVATE_H
#define CIP_SIGNER_TRUST_ROOT_PRIVATE_H

#include "signer/trust_root.h"

struct json_t;

/* "validFor" of an object from proto_load. ERR_INVALID. */
bool validity_read(const struct json_t *parent, struct validity *ret_validity, struct err **err);

#endif
