/* What chains, SCTs and timestamps need of a certificate's OpenSSL object. Only for this room. */
#ifndef CIP_SIGNER_CERTIFICATE_PRIVATE_H
#define CIP_SIGNER_CERTIFICATE_PRIVATE_H

#include "signer/certificate.h"

struct x509_st;

/* Borrowed. OpenSSL counts references in it even when it only reads, hence not const. */
struct x509_st *certificate_x509(const struct certificate *certificate);

/* Fulcio's extensions and its names, as text. */
struct certificate_names {
	char *identity;
	char *issuer;
	char *claims[CERTIFICATE_CLAIM_LAST - CERTIFICATE_CLAIM_FIRST + 1];
};

/* ---- Certificates that come again: certificate_known.c ---- */

/* The certificate with exactly these bytes, shared, if it was kept of late; else NULL. */
struct certificate *certificate_known(const void *der, size_t len);
/* Shares it with those who will ask certificate_known. A few are kept, the least used one goes. */
void certificate_keep(struct certificate *certificate);

/*
 * Something true of a certificate for ever, found out by an immutable asker (a chain, a trust root)
 * that has a number of its own, used once in a process. What it points to is the asker's.
 */
#define CERTIFICATE_FINDING_MAX 5
struct certificate_finding {
	uint64_t asker; /* from certificate_asker_new: never 0 */
	const struct certificate *issuer;
	const void *items[CERTIFICATE_FINDING_MAX];
	size_t count;
};

struct certificate_findings;
struct certificate_findings *certificate_findings_new(void);
struct certificate_findings *certificate_findings(const struct certificate *certificate);
uint64_t certificate_asker_new(void);
bool certificate_recall(
	const struct certificate *certificate, uint64_t asker, struct certificate_finding *ret);
void certificate_remember(
	const struct certificate *certificate, const struct certificate_finding *finding);

/* ---- Names ---- */

bool certificate_names_read(
	struct x509_st *x509, struct certificate_names *ret_names, struct err **err);
void certificate_names_release(struct certificate_names *names);

#endif
