/* What chains, SCTs and timestamps need of a certificate's OpenSSL object. Only for this room. */
#ifndef CIP_SIGNER_CERTIFICATE_PRIVATE_H
#define CIP_SIGNER_CERTIFICATE_PRIVATE_H

#include "signer/certificate.h"

struct x509_st;

/*
 * Borrowed. OpenSSL counts references in it even when it only reads, hence not const. For its names and
 * extensions: the one of a plain certificate has no key, and what OpenSSL does with its key fails.
 */
struct x509_st *certificate_x509(const struct certificate *certificate);
/* The same with its key, for those who give it to OpenSSL. Takes as long as two signatures if it is plain. */
struct x509_st *certificate_x509_complete(const struct certificate *certificate);

/* ---- Plain certificates: certificate_plain.c ---- */

/*
 * Reads one that is the end of a chain, with a P-256 key and an ECDSA signature with SHA-2, without unknown
 * critical extensions, proxy rules, name constraints or resources (RFC 3779). NULL if it is anything else.
 */
struct x509_st *certificate_read_plain(const void *der, size_t len, struct public_key **ret_key);
/* `der` are the bytes of `x509`, which is plain. */
bool certificate_plain_is_signed_by(
	const struct bytes *der, const struct x509_st *x509, const struct public_key *key);
/* Is it plain and its signature made with this key? False says nothing. */
bool certificate_is_signed_plainly(
	const struct certificate *certificate, const struct public_key *key);

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
