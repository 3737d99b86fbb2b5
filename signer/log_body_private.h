/* The bodies of log entries, by kind. For log_entry.c. */
#ifndef CIP_SIGNER_LOG_BODY_PRIVATE_H
#define CIP_SIGNER_LOG_BODY_PRIVATE_H

#include "base/str.h"
#include "signer/log_entry.h"

/* Kind, version and contents of a v1 body against ours. */
bool log_body_check(const struct log_entry *entry, const struct logged *logged, struct err **err);

/*
 * The body that a v2 log makes of our signature with this hash function. False if it cannot have one:
 * the digest is not known or the key is of no kind that the log names.
 */
bool log_body_build(const struct logged *logged, enum hash hash, struct str *out);

#endif
