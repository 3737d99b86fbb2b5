/*
 * A client of Rekor v1 (sigstore-wire facts 3): entries of kind hashedrekord 0.0.1 and dsse 0.0.1, each
 * with a signed entry timestamp. What comes back is unproven until signer/verify.h has seen it.
 */
#ifndef CIP_SIGNER_REKOR1_H
#define CIP_SIGNER_REKOR1_H

#include "net/http.h"
#include "signer/log_entry.h"

struct rekor1;

/* `http` borrowed, `url` copied. ERR_USAGE: not an https URL (loopback excepted). */
struct rekor1 *rekor1_new(struct http *http, const char *url, struct err **err);
void rekor1_free(struct rekor1 *log);
DEFINE_CLEANUP(struct rekor1, rekor1_freep, rekor1_free)

/*
 * Adds an entry about our signature: dsse if there is an envelope (its text is sent as it will be stored), else hashedrekord.
 * When the log has it already (409), that entry is read and returned. A repetition after a lost answer
 * sends the same bytes, so it cannot make a second entry. Any thread. ERR_INVALID: the log refused it, or an answer that cannot be read;
 * errors of http_do.
 */
bool rekor1_add(struct rekor1 *log, const struct logged *logged, struct log_entry *ret_entry,
	struct err **err);

#endif
