/*
 * A client of The Update Framework (specification 1.0.x, section 5): brings the trusted metadata of
 * a repository up to date and fetches targets that it vouches for. Trust starts at a root that the
 * caller gives in every run, or at the one that the directory holds since tuf_client_init; everything else, also what the
 * directory remembers of earlier runs, is believed only as far as that root's successors have signed it.
 *
 * What is kept in the directory resists rollback: nothing older than what was once seen is accepted
 * again. Expired metadata is refused (freeze). One thread at a time; several processes may share a
 * directory: none undoes what a faster one has seen.
 */
#ifndef CIP_SIGNER_TUF_CLIENT_H
#define CIP_SIGNER_TUF_CLIENT_H

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "net/http.h"

/* Bounds of section 5 where metadata states none; Sigstore's clients have the same. */
#define TUF_ROOT_MAX_BYTES ((size_t)512 * 1000)
#define TUF_TIMESTAMP_MAX_BYTES ((size_t)16 * 1024)
#define TUF_SNAPSHOT_MAX_BYTES ((size_t)2 * 1000 * 1000)
#define TUF_TARGETS_MAX_BYTES ((size_t)5 * 1000 * 1000)
#define TUF_ROOT_ROTATIONS_MAX 256
#define TUF_DELEGATIONS_MAX 32

/*
 * Makes `root` the start of trust in `directory`; metadata that is there already is left to be
 * judged by it. ERR_INVALID if it is no root metadata, ERR_USAGE, ERR_IO.
 */
bool tuf_client_init(const char *directory, const void *root, size_t len, struct err **err);

struct tuf_client_options {
	struct http *http;	   /* borrowed */
	const struct clock *clock; /* NULL: clock_system */
	const char *directory;	   /* of trusted metadata; copied. NULL: nothing is remembered */
	const void *root; /* where trust starts; borrowed for the call. NULL: the directory's */
	size_t root_len;
	const char *metadata_url; /* "https://tuf.example.com/metadata"; copied */
};

struct tuf_client;

/*
 * Reads the trusted root; sends nothing. ERR_NOT_FOUND without one, ERR_AUTH, ERR_INVALID; ERR_USAGE
 * if others can write the directory, ERR_IO.
 */
struct tuf_client *tuf_client_new(const struct tuf_client_options *options, struct err **err);
void tuf_client_free(struct tuf_client *client);
DEFINE_CLEANUP(struct tuf_client, tuf_client_freep, tuf_client_free)

/*
 * Section 5.3 to 5.6: root, timestamp, snapshot, targets. What could be trusted before a failure is
 * kept. ERR_AUTH: too few signatures; ERR_CONFLICT: older than what was seen, or not the version
 * that was listed; ERR_TIMEOUT: expired; ERR_DIGEST, ERR_INVALID, ERR_TOO_LARGE; errors of http_do.
 */
bool tuf_client_refresh(struct tuf_client *client, struct err **err);

/* Of the targets metadata, after a refresh: which state of the repository it is, for messages. */
uint64_t tuf_client_targets_version(const struct tuf_client *client);

/*
 * Section 5.7, after a refresh: the target at `path`, found through at most TUF_DELEGATIONS_MAX
 * delegations, from below `targets_url`. `cached` (may be NULL) is used if it is a file with the
 * right bytes. Bounded by the length that metadata states and by the maximum of `ret_bytes`.
 * *ret_from_cache may be NULL. ERR_NOT_FOUND: nobody vouches for the path, or the server has no
 * such file.
 */
bool tuf_client_fetch(struct tuf_client *client, const char *path, const char *targets_url,
	const char *cached, struct str *ret_bytes, bool *ret_from_cache, struct err **err);

#endif
