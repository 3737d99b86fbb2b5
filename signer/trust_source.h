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

/* Texts are borrowed during the call; NULL: not given. */
struct trust_source_options {
	struct http *http;	    /* NULL: no network; then a file or `built_in` is needed */
	const struct clock *clock;  /* NULL: clock_system */
	const char *trusted_root;   /* file; goes before everything */
	const char *signing_config; /* file; likewise */
	const char *tuf_mirror;	    /* URL; NULL: $TUF_MIRROR, else Sigstore's public instance */
	const char *
		tuf_root; /* initial root.json; NULL: $TUF_ROOT_JSON, else the one built in (public instance only) */
	const char *cache_dir; /* NULL: $TUF_ROOT, else ~/.sigstore/root, else none is kept */
	bool built_in;	       /* use the trust root that is built in, without asking anybody */
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
 * Any thread; blocks. Errors of trust_root_read, of tuf_client.h (the message says what to do), ERR_USAGE.
 */
bool trust_source_load(const struct trust_source_options *options, struct trust_source *ret_source,
	struct err **err);

#endif
