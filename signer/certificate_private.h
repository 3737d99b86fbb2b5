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

bool certificate_names_read(
	struct x509_st *x509, struct certificate_names *ret_names, struct err **err);
void certificate_names_release(struct certificate_names *names);

#endif
