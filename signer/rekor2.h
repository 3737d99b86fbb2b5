/*
 * A client of Rekor v2 (rekor-tiles; sigstore-wire facts 4.1, 4.2): hashedrekord 0.0.2 for everything, of an envelope
 * over its pre-authentication encoding. The log answers when the entry is in its tree, with the proof.
 */
#ifndef CIP_SIGNER_REKOR2_H
#define CIP_SIGNER_REKOR2_H

#include "net/http.h"
#include "signer/log_entry.h"

struct rekor2;

/* As rekor1_new. */
struct rekor2 *rekor2_new(struct http *http, const char *url, struct err **err);
void rekor2_free(struct rekor2 *log);
DEFINE_CLEANUP(struct rekor2, rekor2_freep, rekor2_free)

/*
 * Adds an entry about our signature. Blocks until the log's next checkpoint: the client's first_byte_timeout_ms
 * must leave the 20 s for it that logs take themselves (30 s at least). Any thread. ERR_CONFLICT: the log has it already and
 * gives no proof: sign again (ECDSA signatures differ each time); else as rekor1_add.
 */
bool rekor2_add(struct rekor2 *log, const struct logged *logged, struct log_entry *ret_entry,
	struct err **err);

#endif
