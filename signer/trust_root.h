/*
 * Whom to believe: Sigstore's TrustedRoot (protobuf-specs sigstore_trustroot.proto, media type
 * "application/vnd.dev.sigstore.trustedroot+json;version=0.1"): transparency logs, certificate authorities,
 * certificate transparency logs, timestamp authorities, each with the time for which it counts.
 *
 * The file is trusted but not by everybody understood: entries with keys, chains or times that we
 * cannot use are left out and listed in `skipped`, unknown fields are ignored. Chains of issuers are
 * verified here, once. Immutable once made; any thread.
 */
#ifndef CIP_SIGNER_TRUST_ROOT_H
#define CIP_SIGNER_TRUST_ROOT_H

#include "base/err.h"
#include "base/vec.h"
#include "signer/chain.h"
#include "signer/checkpoint.h"
#include "signer/public_key.h"

#define TRUST_ROOT_MAX_SIZE ((size_t)4 << 20)
#define TRUST_ROOT_MAX_ENTRIES 64 /* of each sort */
#define TRUST_ROOT_LOG_ID_SIZE 32

/* Milliseconds since 1970. Both ends belong to it. */
struct validity {
	bool has_start; /* without one nothing is valid */
	int64_t start_ms;
	int64_t end_ms; /* INT64_MAX: open */
};

bool validity_includes(const struct validity *validity, int64_t unix_ms);

struct trusted_log {
	char *base_url;
	char *host; /* of base_url, without port: the origin of a v2 log's checkpoints */
	struct public_key *key;
	uint8_t id[TRUST_ROOT_LOG_ID_SIZE];
	uint8_t hint[CHECKPOINT_HINT_SIZE];
	struct validity validity;
};

struct trusted_authority {
	char *uri;
	/* Of a timestamp authority: who signs. NULL for a certificate authority. */
	struct certificate *signer;
	struct chain *chain;		  /* NULL: the signer is trusted as it is */
	const struct certificate *issuer; /* of the signer, in the chain */
	struct validity validity;
};

struct trust_root {
	VEC(struct trusted_log) logs;
	VEC(struct trusted_log) ct_logs;
	VEC(struct trusted_authority) certificate_authorities;
	VEC(struct trusted_authority) timestamp_authorities;
	VEC(char *) skipped; /* what and why, for people */
	uint64_t asker;	     /* as which it remembers SCTs (certificate_private.h) */
};

/* ERR_INVALID, ERR_TOO_LARGE, ERR_UNSUPPORTED (another media type). */
bool trust_root_parse(const char *text, size_t len, struct trust_root **ret_root, struct err **err);
/* Also the errors of fs_read_file. The message names the file. */
bool trust_root_read(const char *path, struct trust_root **ret_root, struct err **err);
void trust_root_free(struct trust_root *root);
DEFINE_CLEANUP(struct trust_root, trust_root_freep, trust_root_free)

/*
 * The certificate authority that issued the leaf for code signing, and its certificate that did;
 * authority and chain valid at all of these moments (seconds since 1970). Borrowed from the root. ERR_INVALID
 * says why there is none.
 */
bool trust_root_issued(const struct trust_root *root, const struct certificate *leaf,
	const int64_t *seconds, size_t count, const struct trusted_authority **ret_authority,
	const struct certificate **ret_issuer, struct err **err);

/* Borrowed; NULL if there is none with this id. */
const struct trusted_log *trust_root_log(
	const struct trust_root *root, const uint8_t id[TRUST_ROOT_LOG_ID_SIZE]);
const struct trusted_log *trust_root_ct_log(
	const struct trust_root *root, const uint8_t id[TRUST_ROOT_LOG_ID_SIZE]);

#endif
