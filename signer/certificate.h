/*
 * X.509 certificates (RFC 5280) as Fulcio and timestamp authorities issue them: who it says it is,
 * who vouched for that, when it is valid, what it may be used for. Reading only: trust is chain.h's
 * matter. Immutable once made; any thread.
 *
 * The same certificate comes with many signatures. The few that were read last are kept in the process, and
 * reading one of them again gives the same object.
 */
#ifndef CIP_SIGNER_CERTIFICATE_H
#define CIP_SIGNER_CERTIFICATE_H

#include <stdint.h>

#include "base/err.h"
#include "signer/bytes.h"
#include "signer/public_key.h"

#define CERTIFICATE_MAX_SIZE ((size_t)64 * 1024)

struct certificate;

/*
 * DER, nothing after it. Extensions that are twice there or malformed, and names with a NUL in them,
 * are ERR_INVALID; keys that public_key.h does not know ERR_UNSUPPORTED.
 */
bool certificate_parse(
	const void *der, size_t len, struct certificate **ret_certificate, struct err **err);
/* One "CERTIFICATE" in PEM, white space around it. */
bool certificate_parse_pem(
	const char *text, size_t len, struct certificate **ret_certificate, struct err **err);
/*
 * Another owner of the same certificate: parsing one costs more than verifying a signature. The last
 * certificate_free ends it. Any thread.
 */
struct certificate *certificate_share(const struct certificate *certificate);
void certificate_free(struct certificate *certificate);
DEFINE_CLEANUP(struct certificate, certificate_freep, certificate_free)
/* Drops what is kept for later, so that a benchmark sees certificates for the first time. */
void certificate_forget_known(void);

/* These live as long as the certificate. */
const struct bytes *certificate_der(const struct certificate *certificate);
const struct public_key *certificate_key(const struct certificate *certificate);
/* The serial number in lower-case hexadecimal. */
const char *certificate_serial(const struct certificate *certificate);
/*
 * Subject alternative name: the first URI, else the first e-mail address, else Fulcio's user name
 * (1.3.6.1.4.1.57264.1.7). NULL if there is none.
 */
const char *certificate_identity(const struct certificate *certificate);
/* Fulcio's OIDC issuer: 1.3.6.1.4.1.57264.1.8, else .1. NULL if there is none. */
const char *certificate_issuer(const struct certificate *certificate);

/*
 * What Fulcio says about the run that signed: extensions 1.3.6.1.4.1.57264.1.9 to .24. NULL if it
 * does not have that one.
 */
#define CERTIFICATE_CLAIM_FIRST 9
#define CERTIFICATE_CLAIM_LAST 24
const char *certificate_claim(const struct certificate *certificate, unsigned number);
/* "sourceRepositoryURI" for 12. */
const char *certificate_claim_name(unsigned number);

/* Seconds since 1970. */
int64_t certificate_not_before(const struct certificate *certificate);
int64_t certificate_not_after(const struct certificate *certificate);
/* Both ends belong to it. */
bool certificate_is_valid_at(const struct certificate *certificate, int64_t unix_seconds);

bool certificate_is_ca(const struct certificate *certificate);
/* Issued under its own name. */
bool certificate_is_self_issued(const struct certificate *certificate);

enum certificate_use {
	CERTIFICATE_CODE_SIGNING,  /* 1.3.6.1.5.5.7.3.3 */
	CERTIFICATE_TIME_STAMPING, /* 1.3.6.1.5.5.7.3.8 */
};

/* Of the end of a chain: has an extended key usage and it names this use, or (not for time stamps) any. */
bool certificate_is_for(const struct certificate *certificate, enum certificate_use use);
/* Of an issuer: no extended key usage, or one that names this use or any. */
bool certificate_may_issue_for(const struct certificate *certificate, enum certificate_use use);

#endif
