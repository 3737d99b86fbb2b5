/*
 * One document of TUF metadata (The Update Framework specification 4): root, timestamp, snapshot or
 * targets, parsed but not trusted. Who must have signed it is said by another document, see
 * tuf_metadata_check. Internal to signer/. Immutable after parsing, any thread.
 */
#ifndef CIP_SIGNER_TUF_METADATA_H
#define CIP_SIGNER_TUF_METADATA_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "image/digest.h"
#include "signer/tuf_key.h"

enum tuf_type { TUF_ROOT, TUF_TIMESTAMP, TUF_SNAPSHOT, TUF_TARGETS };
#define TUF_TYPES 4

/* "root", "timestamp", "snapshot", "targets": also the names of the top-level roles. */
const char *tuf_type_name(enum tuf_type type);

/* Keys and signatures in one document, and characters of a name; more is refused. */
#define TUF_KEYS_MAX 1024
#define TUF_NAME_MAX 1024

struct tuf_named_key {
	char *id;
	struct tuf_key *key; /* NULL: of a kind we do not know, counts for nothing */
};

/* Who signs for a role. */
struct tuf_role {
	char *name;
	uint64_t threshold;
	VEC(char *) key_ids;
	/* Of a delegation: which targets it is asked for. */
	VEC(char *) patterns;
	bool by_hash; /* the patterns are prefixes of the hexadecimal SHA-256 of a path */
	bool is_terminating;
};

/* What a document says of another file. */
struct tuf_file {
	uint64_t version; /* of metadata; 0 for a target */
	bool has_length, has_hashes, has_sha256, has_sha512;
	uint64_t length;
	struct digest sha256, sha512;
};

struct tuf_signature {
	char *key_id;
	char *hex;
};

struct tuf_metadata {
	enum tuf_type type;
	uint64_t version;
	int64_t expires_unix_ms;
	char *bytes; /* as they came */
	size_t len;
	struct str signed_bytes; /* what signatures are over */
	VEC(struct tuf_signature) signatures;

	bool consistent_snapshot;	/* root */
	VEC(struct tuf_named_key) keys; /* root, and targets that delegate */
	VEC(struct tuf_role) roles;	/* root: by tuf_type; targets: delegations in order */
	char *succinct_prefix;		/* targets: names of hash bins; NULL: none */
	unsigned succinct_bits;		/* their number is 2 to the power of this */
	struct tuf_role succinct;	/* who signs for each of them */
	struct strmap files; /* timestamp, snapshot: by "snapshot.json"; targets: by path; owned */
	VEC(char *) file_names;
};

/* ERR_INVALID says what is wrong with the document; ERR_TOO_LARGE past the bounds above. */
struct tuf_metadata *tuf_metadata_parse(
	enum tuf_type type, const char *bytes, size_t len, struct err **err);
void tuf_metadata_free(struct tuf_metadata *metadata);
DEFINE_CLEANUP(struct tuf_metadata, tuf_metadata_freep, tuf_metadata_free)

/* Signed by enough different keys of `role`, found in `keys_of`? ERR_AUTH with the numbers. */
bool tuf_metadata_check(const struct tuf_metadata *metadata, const struct tuf_role *role,
	const struct tuf_metadata *keys_of, struct err **err);

/* NULL if it is not listed. */
const struct tuf_file *tuf_metadata_file(const struct tuf_metadata *metadata, const char *name);

/* Length and hashes, as far as they are given. ERR_DIGEST; ERR_UNSUPPORTED: only unknown hashes. */
bool tuf_file_check(const struct tuf_file *file, const void *bytes, size_t len, struct err **err);

/*
 * The delegations of `targets` that may know a target, in order; ends at a terminating one, which
 * *ret_terminated tells. Names are fresh text; the roles belong to `targets`.
 */
struct tuf_delegation {
	char *name;
	const struct tuf_role *role;
};
struct tuf_delegations {
	VEC(struct tuf_delegation) items;
};
void tuf_delegations_for(const struct tuf_metadata *targets, const char *path,
	struct tuf_delegations *ret_delegations, bool *ret_terminated);
void tuf_delegations_release(struct tuf_delegations *delegations);

#endif
