/*
 * A client of Fulcio, the certificate authority of Sigstore (sigstore-wire facts 1.3, 2): shows an
 * identity token and the proof of possession of a key, gets a certificate for ten minutes.
 *
 * What comes back is checked before anybody uses it: our key, issued by an authority of the trust root,
 * valid now, published (SCT) as the policy wants, with the identity and the issuer of the token.
 * The token goes to the configured URL only, over https (loopback excepted), never after a redirect.
 */
#ifndef CIP_SIGNER_FULCIO_H
#define CIP_SIGNER_FULCIO_H

#include "base/clock.h"
#include "base/err.h"
#include "net/http.h"
#include "signer/certificate.h"
#include "signer/id_token.h"
#include "signer/signing_key.h"
#include "signer/trust_root.h"

/* Our clock may be slow by this much. */
#define FULCIO_CLOCK_SKEW_S 30

struct fulcio_options {
	struct http *http;	       /* borrowed */
	const struct clock *clock;     /* NULL: clock_system */
	const char *url;	       /* "https://fulcio.sigstore.dev"; copied */
	const struct trust_root *root; /* borrowed */
	size_t scts;		       /* certificate transparency logs that must have it */
	const char *identity, *issuer; /* that it must name, exactly; copied. NULL: the token's */
};

struct fulcio;

/* ERR_USAGE: no URL that a token may go to. */
struct fulcio *fulcio_new(const struct fulcio_options *options, struct err **err);
void fulcio_free(struct fulcio *fulcio);
DEFINE_CLEANUP(struct fulcio, fulcio_freep, fulcio_free)

/*
 * A certificate for the key. *ret_chain (may be NULL) is the PEM of its issuers as Fulcio sent it, for cosign's
 * annotation. Any thread. ERR_AUTH: the token was refused (what Fulcio said is in the message);
 * ERR_INVALID: a certificate that must not be used, with the step; errors of http_do.
 */
bool fulcio_certify(struct fulcio *fulcio, const struct id_token *token,
	const struct signing_key *key, struct certificate **ret_certificate, char **ret_chain,
	struct err **err);

#endif
