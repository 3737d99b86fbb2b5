/*
 * The bytes that TUF signatures are over: the member `signed` of a document in OLPC canonical JSON
 * (The Update Framework specification 4.2; not RFC 8785). Keys sorted by their bytes, no white
 * space, only backslash and quotation mark escaped, whole numbers only; members that we do not know
 * are part of it. Internal to signer/. Pure.
 */
#ifndef CIP_SIGNER_TUF_CANONICAL_H
#define CIP_SIGNER_TUF_CANONICAL_H

#include "base/err.h"
#include "base/str.h"

/* Nested deeper is refused. */
#define TUF_CANONICAL_DEPTH_MAX 32

/*
 * Appends the canonical form of one member of the JSON object in `text`. ERR_INVALID: no JSON
 * object, duplicate keys, no such member, fractions, too deep; ERR_TOO_LARGE: `out` is full.
 */
bool tuf_canonical_member(
	const char *text, size_t len, const char *member, struct str *out, struct err **err);

#endif
