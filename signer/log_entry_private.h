/* Log entries in protobuf's JSON, a part of bundles and the answer of Rekor v2. Only for this room. */
#ifndef CIP_SIGNER_LOG_ENTRY_PRIVATE_H
#define CIP_SIGNER_LOG_ENTRY_PRIVATE_H

#include "base/str.h"
#include "signer/log_entry.h"

struct json_t;

#define LOG_ENTRY_PROMISE_MAX_SIZE 2048

/* `object` from proto_load. Releases nothing on failure: log_entry_release does. ERR_INVALID, ERR_TOO_LARGE. */
bool log_entry_read(const struct json_t *object, struct log_entry *entry, struct err **err);

/* Appends the same, compact, without the fields that have protobuf's default. */
void log_entry_write(const struct log_entry *entry, struct str *out);

/* Sets kind and version, not set yet, from the body of a v1 entry. ERR_INVALID, ERR_TOO_LARGE. */
bool log_entry_read_kind(struct log_entry *entry, struct err **err);

#endif
