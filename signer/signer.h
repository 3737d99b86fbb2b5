/*
 * Signs: takes bytes, gives a signature with everything that is needed to verify it. A certificate for the
 * run, an entry in each log, timestamps; and before anybody sees the result it is written, read back and
 * verified by signer/verify.h with our own trust root and our own identity. Knows nothing of images.
 *
 *	signer_sign(signer, SIGN_BUNDLE, &content, &bundle, err);
 */
#ifndef CIP_SIGNER_SIGNER_H
#define CIP_SIGNER_SIGNER_H

#include "signer/bundle.h"
#include "signer/id_token.h"
#include "signer/services.h"
#include "signer/trust_root.h"
#include "signer/verify.h"

struct signer_options {
	struct http *http;			 /* borrowed */
	const struct clock *clock;		 /* NULL: clock_system */
	const struct trust_root *root;		 /* borrowed */
	const struct signing_services *services; /* copied */
	struct id_token_source *tokens;		 /* borrowed */
	size_t scts;		       /* 0: the Fulcio has no certificate transparency log */
	const char *identity, *issuer; /* who we must be; NULL: whoever the token says */
};

struct signer;

/*
 * Asks nobody. ERR_USAGE: what is needed is not there (no Fulcio; no log; Rekor v2 without a timestamp authority), or a URL that is no
 * https one.
 */
struct signer *signer_new(const struct signer_options *options, struct err **err);
void signer_free(struct signer *signer);
DEFINE_CLEANUP(struct signer, signer_freep, signer_free)

enum sign_form {
	SIGN_BUNDLE, /* Sigstore bundle v0.3 */
	SIGN_LEGACY, /* what cosign's .sig and .att need: Rekor v1 with its promise. ERR_UNSUPPORTED without one */
};
/* Can this form be made with the services? */
bool signer_has_form(const struct signer *signer, enum sign_form form);

/* What is signed. Borrowed. */
struct sign_content {
	const void *bytes; /* NULL: what `artifact` knows the digest of (in a bundle only) */
	size_t len;
	const struct message *artifact; /* what a statement is about; NULL: the bytes themselves */
	const char *
		payload_type; /* NULL: the bytes themselves; else an envelope (DSSE) of this type is made */
};

/*
 * Any thread, any number at a time. Errors of credential_acquire, rekor1_add, rekor2_add,
 * timestamping_request, prefixed with the service; ERR_INVALID with the step of verify.h if what the services gave does not verify.
 */
bool signer_sign(struct signer *signer, enum sign_form form, const struct sign_content *content,
	struct bundle **ret_bundle, struct err **err);

/*
 * Who signs: identity and issuer as certificates will say, asked from the certificate if need be (so it may call Fulcio).
 * Borrowed; live as long as the signer.
 */
bool signer_identity(struct signer *signer, const char **ret_identity, const char **ret_issuer,
	struct err **err);

#endif
