/*
 * The answers of transparency logs as log entries. Reading checks form and bounds, never trust. Internal to signer/;
 * pure, any thread.
 */
#ifndef CIP_SIGNER_REKOR_ANSWER_H
#define CIP_SIGNER_REKOR_ANSWER_H

#include "signer/log_entry.h"

/* Of one entry: about 10 KiB; those of attestations do not hold the payload. */
#define REKOR_ANSWER_MAX_SIZE ((size_t)4 << 20)

/* A tree's number and a leaf hash in hexadecimal, or the hash alone. */
#define REKOR_ID_MAX 80

/*
 * Rekor v1 (sigstore-wire facts 3.2): one entry under its id, whose hash must be the body's, with promise and inclusion proof.
 * ERR_INVALID, ERR_TOO_LARGE.
 */
bool rekor_answer_parse_v1(
	const char *text, size_t len, struct log_entry *ret_entry, struct err **err);

/* Rekor v2 (4.2): one hashedrekord 0.0.2 with its inclusion proof. ERR_INVALID, ERR_TOO_LARGE. */
bool rekor_answer_parse_v2(
	const char *text, size_t len, struct log_entry *ret_entry, struct err **err);

/*
 * The id of the entry that is there already, from a 409 of Rekor v1: the end of its Location (may be
 * NULL), else of its message. False if there is none of the right form.
 */
bool rekor_answer_existing(
	const char *location, const char *body, size_t len, char ret_id[REKOR_ID_MAX + 1]);

#endif
