/*
 * What signs: a key with its certificate, good for minutes and for every signature made in them. A
 * source renews it: shortly before the certificate ends (so that logs and timestamps still fall into
 * its life) the next one is fetched, once for all threads that wait. An hour's run makes a handful of calls.
 */
#ifndef CIP_SIGNER_CREDENTIAL_H
#define CIP_SIGNER_CREDENTIAL_H

#include "signer/fulcio.h"

/* A signature must be logged and stamped within the certificate's life: this much must be left of it. */
#define CREDENTIAL_MARGIN_S 90
/* From here on one thread fetches the next, and the others need not wait. */
#define CREDENTIAL_RENEW_S 120

/* Shared and counted; immutable. */
struct credential {
	const struct signing_key *key;
	const struct certificate *certificate;
	const char *chain; /* PEM of the issuers, "" if Fulcio sent none */
};

struct credential_source;

/* Both borrowed, they outlive the source. */
struct credential_source *credential_source_new(
	struct fulcio *fulcio, struct id_token_source *tokens, const struct clock *clock);
void credential_source_free(struct credential_source *source); /* all must have been released */
DEFINE_CLEANUP(struct credential_source, credential_source_freep, credential_source_free)

/*
 * One that is good for CREDENTIAL_MARGIN_S at least. The caller gives it back with
 * credential_release. Any thread; blocks while another fetches and there is none. A failure is remembered for some seconds,
 * and as long as it took, so that a dead Fulcio is not asked once an image. Errors of fulcio_certify, id_token_source_get.
 */
bool credential_acquire(struct credential_source *source, const struct credential **ret_credential,
	struct err **err);
void credential_release(struct credential_source *source, const struct credential *credential);

#endif
