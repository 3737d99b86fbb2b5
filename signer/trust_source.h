/*
 * Where the trust root (and the SigningConfig that goes with it) comes from: a file; else Sigstore's
 * TUF repository, begun at the root that is built in or given, with a cache against rollback; or, on
 * explicit wish only, the trust root that is built in (sigstore-wire facts 7.4, 7.5; trust rule 26).
 */
#ifndef CIP_SIGNER_TRUST_SOURCE_H
#define CIP_SIGNER_TRUST_SOURCE_H

#include "base/clock.h"
#include "base/err.h"
#include "net/http.h"
#include "signer/trust_root.h"

#define TRUST_SOURCE_PUBLIC "https://tuf-repo-cdn.sigstore.dev"
#define TRUST_SOURCE_STAGING "https://tuf-repo-cdn.sigstage.dev"

/* Texts are borrowed during the call; NULL: not given. */
struct trust_source_options {
	struct http *http;	    /* NULL: no network; then a file or `built_in` is needed */
	const struct clock *clock;  /* NULL: clock_system */
	const char *trusted_root;   /* file; goes before everything */
	const char *signing_config; /* file; likewise */
	const char *tuf_mirror;	    /* URL; NULL: $TUF_MIRROR, else TRUST_SOURCE_PUBLIC */
	/* File of the initial root.json; NULL: $TUF_ROOT_JSON, else the built-in one of the two mirrors above. */
	const char *tuf_root;
	/* NULL: $TUF_ROOT, else ~/.sigstore/root; if that cannot be made, nothing is kept, and the log says so. */
	const char *cache_dir;
	bool built_in; /* use the trust root that is built in, without asking anybody */
	bool wants_signing_config;
};

struct trust_source {
	struct trust_root *root;
	char *signing_config; /* JSON; NULL: none was asked for, or there is none */
	size_t signing_config_len;
	char *origin; /* for messages: "trusted_root.json of https://tuf-repo-cdn.sigstore.dev (version 14)" */
};
void trust_source_release(struct trust_source *source);

/*
 * Any thread; blocks. The cache has a directory for each mirror, laid out as cosign's; it is shared by any number of processes.
 * Errors of trust_root_read and of tuf_client.h; ERR_USAGE: no initial root for that mirror, a cache that others can write,
 * options that exclude each other.
 */
bool trust_source_load(const struct trust_source_options *options, struct trust_source *ret_source,
	struct err **err);

#endif
