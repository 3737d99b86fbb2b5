/*
 * What Fulcio's answers say, and what follows from a token for the certificate that is to be expected
 * (sigstore-wire facts 1.3, 2.2). Reading only, trust is fulcio.c's matter. Private to the files of
 * Fulcio and their tests. Pure, any thread.
 */
#ifndef CIP_SIGNER_FULCIO_PRIVATE_H
#define CIP_SIGNER_FULCIO_PRIVATE_H

#include "base/vec.h"
#include "signer/certificate.h"
#include "signer/id_token.h"

#define FULCIO_ANSWER_MAX_SIZE ((size_t)1 << 20)
#define FULCIO_MAX_ISSUERS 4096
#define FULCIO_MAX_CERTIFICATES 16

/* One that Fulcio takes tokens of. Texts are owned, "" where Fulcio says nothing. */
struct fulcio_issuer {
	char *url;
	bool is_pattern; /* a "*" in the URL stands for one or more of [-_a-zA-Z0-9] */
	char *claim;	 /* which is signed as proof of possession: "email" or "sub" */
	char *type;	 /* "email", "github-workflow", ... */
	char *subject_domain;
};

struct fulcio_configuration {
	VEC(struct fulcio_issuer) issuers;
};
void fulcio_configuration_release(struct fulcio_configuration *configuration);

/* The answer to GET /api/v2/configuration. ERR_INVALID, ERR_TOO_LARGE. */
bool fulcio_configuration_parse(const char *text, size_t len,
	struct fulcio_configuration *ret_configuration, struct err **err);

/* Exact URLs go before patterns. Borrowed; NULL if there is none. */
const struct fulcio_issuer *fulcio_configuration_find(
	const struct fulcio_configuration *configuration, const char *issuer);

/* The answer to POST /api/v2/signingCert. */
struct fulcio_answer {
	struct certificate *certificate;
	char *chain;	  /* PEM of the others, in their order */
	bool is_detached; /* the certificate has no SCT in it */
};
void fulcio_answer_release(struct fulcio_answer *answer);

/* ERR_INVALID, ERR_TOO_LARGE, ERR_UNSUPPORTED (key). */
bool fulcio_answer_parse(
	const char *text, size_t len, struct fulcio_answer *ret_answer, struct err **err);

/*
 * The claim of the token that is signed as proof of possession, borrowed from the token; `issuer` NULL: Fulcio
 * does not say. ERR_AUTH: the token does not have it, or the e-mail address is not verified.
 */
bool fulcio_challenge(const struct fulcio_issuer *issuer, const struct id_token *token,
	const char **ret_claim, struct err **err);

/* What the certificate is going to say, where it follows from the token; else NULL. Fresh texts. */
struct fulcio_expected {
	char *identity;
	char *issuer;
	char *federated_issuer; /* instead of issuer, if this Fulcio is configured so */
};
void fulcio_expected_release(struct fulcio_expected *expected);
void fulcio_expect(const struct fulcio_issuer *issuer, const struct id_token *token,
	struct fulcio_expected *ret_expected);

#endif
