/*
 * The service-accounts that manifests name for their registries, for registry_options. Whether one
 * is impersonated is decided by cip.yaml (registry/credential_options.h).
 */
#ifndef CIP_RECONCILER_ACCOUNTS_H
#define CIP_RECONCILER_ACCOUNTS_H

#include "base/vec.h"
#include "reconciler/declared.h"
#include "registry/credential_options.h"

struct accounts {
	VEC(struct credential_account) items; /* strings are those of the declared state */
};

/* Of all registries that something is read from or promoted to. */
void accounts_collect(const struct declared *declared, struct accounts *ret_accounts);
void accounts_release(struct accounts *accounts);

#endif
