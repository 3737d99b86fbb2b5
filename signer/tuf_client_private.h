/* What the two halves of the TUF client share. Internal to them. */
#ifndef CIP_SIGNER_TUF_CLIENT_PRIVATE_H
#define CIP_SIGNER_TUF_CLIENT_PRIVATE_H

#include "base/vec.h"
#include "signer/tuf_client.h"
#include "signer/tuf_metadata.h"

struct trusted_targets {
	char *role;
	struct tuf_metadata *metadata;
};

struct tuf_client {
	struct http *http;
	const struct clock *clock;
	char *directory, *metadata_url; /* no directory: nothing is remembered */
	bool begins_at_given;		/* trust, in every run; else where the directory is */
	struct tuf_metadata *root, *timestamp, *snapshot; /* the last two after a refresh */
	VEC(struct trusted_targets) targets;		  /* "targets" and delegated roles */
};

/* Appends at most `max` bytes to `out`. ERR_NOT_FOUND for 404. */
bool tuf_fetch(
	struct tuf_client *client, const char *url, size_t max, struct str *out, struct err **err);

const struct tuf_role *tuf_top_role(const struct tuf_client *client, enum tuf_type type);

/* Metadata that is trusted already; NULL if it is not. Owned by the client. */
const struct tuf_metadata *tuf_find_targets(const struct tuf_client *client, const char *role);

/* Trusted metadata of a role whose signers `keys_of` names; owned by the client. NULL on failure. */
const struct tuf_metadata *tuf_load_targets(struct tuf_client *client, const char *name,
	const struct tuf_role *role, const struct tuf_metadata *keys_of, struct err **err);

#endif
