/*
 * What the files that read cip.yaml share: where faults go, and values that several sections have.
 * For reconciler/config*.c.
 */
#ifndef CIP_RECONCILER_CONFIG_PRIVATE_H
#define CIP_RECONCILER_CONFIG_PRIVATE_H

#include <stdint.h>

#include "base/str.h"
#include "reconciler/config.h"
#include "reconciler/yaml.h"

struct config_parse {
	struct yml *yml;
	const char *path;
	const char *directory;	  /* of the file; relative paths start there */
	const char *manifest_dir; /* resolved; NULL: none */
	struct config *config;
	struct str faults; /* a line each */
	unsigned fault_count;
};

/* The path of a file that does not lie in the manifest tree. Fresh memory; NULL after a fault. */
char *config_path(struct config_parse *p, const struct yml_node *node, const char *what);

/* "1m30s", up to a day. *ret_ms stays as it is after a fault. */
void config_duration(
	struct config_parse *p, const struct yml_node *node, const char *name, int64_t *ret_ms);

/* From 1 to `most`. *ret_count stays as it is after a fault. */
void config_count(struct config_parse *p, const struct yml_node *node, const char *name,
	unsigned most, unsigned *ret_count);

/* "83" or "0.5" a second: 0.001 to 100,000. *ret_rate stays as it is after a fault. */
void config_rate(
	struct config_parse *p, const struct yml_node *node, const char *name, double *ret_rate);

/* ---- config_registries.c ---- */

void config_registries(struct config_parse *p, const struct yml_node *node);

/* ---- config_credentials.c ---- */

/* The `credentials:` of one registry. */
void config_credentials(struct config_parse *p, const struct yml_node *node,
	struct credential_options sides[CREDENTIAL_SIDES]);
void config_credentials_release(struct credential_options *options);
void config_google(struct config_parse *p, const struct yml_node *node);

/* ---- config_sigstore.c ---- */

void config_sigstore(struct config_parse *p, const struct yml_node *node);
void config_signatures(struct config_parse *p, const struct yml_node *node);
void config_sigstore_release(struct config_sigstore *sigstore);

/* ---- config_identities.c ---- */

void config_trusted_identities(struct config_parse *p, const struct yml_node *node);
void config_identity_release(struct config_identity *identity);

/* ---- config_network.c ---- */

void config_network(struct config_parse *p, const struct yml_node *node);

#endif
