/*
 * Writes signatures in the forms that bundle.h reads. Canonical: what other clients write byte for
 * byte where they agree (sigstore-wire facts 5.2, 5.4, 6.1). Pure, any thread.
 */
#ifndef CIP_SIGNER_BUNDLE_WRITE_H
#define CIP_SIGNER_BUNDLE_WRITE_H

#include "base/str.h"
#include "signer/bundle.h"

/* Appends the JSON of a bundle v0.3, compact. The bundle has a certificate. */
void bundle_write(const struct bundle *bundle, struct str *out);

/*
 * Owned texts: the layer of a .sig or .att image, with annotations as legacy_layer has them. As cosign does it, the
 * signature of an .att and a chain that is not known are "", annotations without a value.
 */
struct legacy_text {
	char *blob; /* of an .att: the envelope; NULL for a .sig, whose blob is the payload */
	size_t len;
	char *signature, *log_entry, *certificate, *chain, *timestamp; /* NULL: none */
};
void legacy_text_release(struct legacy_text *text);

/* ERR_UNSUPPORTED: no entry with a promise. */
bool bundle_write_legacy(
	const struct bundle *bundle, struct legacy_text *ret_text, struct err **err);

#endif
