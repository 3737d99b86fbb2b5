/*
 * Text as Go's encoding/json writes it. What cosign and go-containerregistry make with it is hashed
 * and signed, so every byte counts. Pure, any thread.
 */
#ifndef CIP_SIGNER_GO_JSON_H
#define CIP_SIGNER_GO_JSON_H

#include "base/str.h"

/*
 * Appends the string with its quotes. '<', '>', '&', U+2028 and U+2029 are escaped, as Go does for
 * HTML; each byte that is no UTF-8 becomes U+FFFD.
 */
void go_json_add_text(struct str *out, const char *text);

#endif
