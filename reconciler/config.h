/*
 * cip.yaml: our own settings, never read from the tree of manifests it governs and never searched
 * for (docs/configuration.md describes the schema). Strict: unknown or duplicate keys are errors
 * with file:line:column. Read-only after loading.
 */
#ifndef CIP_RECONCILER_CONFIG_H
#define CIP_RECONCILER_CONFIG_H

#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"
#include "net/http.h"
#include "reconciler/identity.h"
#include "registry/registry.h"

/* `sigstore:`; owned. NULL, empty or false where nothing is said. */
struct config_sigstore {
	char *fulcio_url, *rekor_url, *rekor_v2_url;
	VEC(char *) timestamp_urls;
	char *trusted_root, *signing_config; /* paths */
	char *tuf_mirror;
	char *tuf_root, *tuf_cache; /* paths */
	bool no_sct;		    /* `require_sct: false` */
	char *oidc_provider, *signer_account;
	char *signature_format;
};

/* Who else may have signed, and who vouched for it: of each the text or a pattern, the other is NULL. Owned. */
struct config_identity {
	char *identity, *identity_pattern; /* patterns match the whole text */
	char *issuer, *issuer_pattern;
};

struct config {
	VEC(struct registry_host_options) hosts; /* `registries:`; strings owned */
	struct http_options network;		 /* `network:`; 0 where nothing is said */
	int64_t slow_destination_ms;		 /* `network: {slow_destination: …}`, likewise */
	char *git_ca_file;			 /* `git: {ca: …}`; NULL: none */
	VEC(const char *) google_accounts;	 /* `google: {impersonate: …}`; owned */
	char *google_iam_endpoint;		 /* `google: {iam_endpoint: …}`; NULL: none */
	struct config_sigstore sigstore;
	struct identities identities;	   /* `signatures:` */
	bool carries_nothing, carries_all; /* `signatures: {carry: none|all}`; else `signed` */
	VEC(struct config_identity) trusted_identities; /* `signatures: {trusted_identities: …}` */
};

/*
 * `manifest_dir` (may be NULL) is the manifest tree on disk: a configuration inside it is refused
 * (symbolic links resolved). ERR_USAGE with every fault of the file in one message, a line each.
 */
bool config_load(
	const char *path, const char *manifest_dir, struct config *ret_config, struct err **err);
void config_release(struct config *config);

/* Settings that weaken checks, as warnings to be said at start; one line each, nothing if none. */
void config_warnings(const struct config *config, struct str *out);

#endif
