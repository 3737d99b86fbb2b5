/*
 * The tags under which what belongs to an image is kept beside it: cosign's "sha256-<hex>" with .sig, .att
 * or .sbom behind it (sigstore-wire facts 5), and without, the index of referrers where a registry has no
 * API for them (distribution-spec "Referrers Tag Schema"). Pure, any thread.
 */
#ifndef CIP_REPLICATOR_REPLICA_TAG_H
#define CIP_REPLICATOR_REPLICA_TAG_H

#include <stdbool.h>

#include "image/digest.h"

enum replica_kind { REPLICA_SIG, REPLICA_ATT, REPLICA_SBOM, REPLICA_REFERRERS };

struct replica_tag {
	uint8_t image[DIGEST_SHA256_SIZE]; /* to which it belongs */
	enum replica_kind kind;
};

/* Exactly that form, in lower case. */
bool replica_tag_parse(const char *text, struct replica_tag *ret_tag);

/* NUL-terminated. Returns ret_text. */
#define REPLICA_TAG_TEXT_SIZE (sizeof("sha256-.sbom") + 2 * DIGEST_SHA256_SIZE)
const char *replica_tag_format(const struct replica_tag *tag, char ret_text[REPLICA_TAG_TEXT_SIZE]);

/* Total order: image, then kind. */
int replica_tag_compare(const struct replica_tag *a, const struct replica_tag *b);

#endif
