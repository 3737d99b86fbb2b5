/*
 * DSSE envelopes (github.com/secure-systems-lab/dsse): a payload, its type and signatures over both.
 * As everywhere in Sigstore, exactly one signature. A plain value with one owner.
 */
#ifndef CIP_SIGNER_DSSE_H
#define CIP_SIGNER_DSSE_H

#include "base/err.h"
#include "base/str.h"
#include "signer/bytes.h"

#define DSSE_MAX_SIZE ((size_t)64 << 20)
#define DSSE_SIGNATURE_MAX_SIZE 2048
#define DSSE_PAYLOAD_INTOTO "application/vnd.in-toto+json"

struct dsse_envelope {
	char *payload_type;
	struct bytes payload;
	struct bytes signature;
};

/* The JSON form, as the layer of an .att image holds it. ERR_INVALID, ERR_TOO_LARGE. */
bool dsse_parse(const char *text, size_t len, struct dsse_envelope *ret_envelope, struct err **err);
void dsse_release(struct dsse_envelope *envelope);

/* Appends the JSON as cosign stores it: compact, in this order, the signature without a key id. */
void dsse_write(const struct dsse_envelope *envelope, struct str *out);

/* Pre-authentication encoding: the bytes that are signed. `out` must have room for them. */
void dsse_pae(const struct dsse_envelope *envelope, struct str *out);

#endif
