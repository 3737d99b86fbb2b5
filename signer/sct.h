/*
 * Signed certificate timestamps embedded in a certificate (RFC 6962 section 3.2 and 3.3), with the
 * extensions of Static CT logs (C2SP static-ct-api): promises of certificate transparency logs. Pure,
 * any thread.
 */
#ifndef CIP_SIGNER_SCT_H
#define CIP_SIGNER_SCT_H

#include "base/err.h"
#include "signer/certificate.h"
#include "signer/trust_root.h"

#define SCT_MAX 32 /* in one certificate */

/*
 * Verifies every timestamp of a log that the trust root has, for the moment it names; the others are
 * passed over. `issuer` issued the leaf. *ret_count different logs, at most SCT_MAX, are stored in
 * ret_logs, borrowed from the root. ERR_INVALID if the list is malformed or a known log's timestamp wrong.
 */
bool sct_verify(const struct certificate *leaf, const struct certificate *issuer,
	const struct trust_root *root, const struct trusted_log *ret_logs[SCT_MAX],
	size_t *ret_count, struct err **err);

#endif
