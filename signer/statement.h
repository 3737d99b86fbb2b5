/*
 * in-toto statements (github.com/in-toto/attestation, v0.1 and v1): which artifacts a predicate of
 * which type is about. The predicate itself is left to those who know its type.
 */
#ifndef CIP_SIGNER_STATEMENT_H
#define CIP_SIGNER_STATEMENT_H

#include "base/err.h"
#include "base/vec.h"
#include "signer/message.h"

#define STATEMENT_MAX_SUBJECTS 1024
#define STATEMENT_MAX_DIGESTS 32 /* of one subject */

struct statement_digest {
	enum hash hash;
	uint8_t bytes[HASH_MAX_SIZE];
};

struct statement {
	char *predicate_type;
	VEC(struct statement_digest) digests; /* of all subjects, by functions that we know */
};

/* ERR_INVALID, ERR_TOO_LARGE. */
bool statement_parse(
	const void *payload, size_t len, struct statement *ret_statement, struct err **err);
void statement_release(struct statement *statement);

/* Is one of its subjects this artifact? */
bool statement_is_about(const struct statement *statement, const struct message *artifact);

#endif
