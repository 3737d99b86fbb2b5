/*
 * Looks only at what is declared; the same registry in many manifests stays there many times.
 */
#include "reconciler/accounts.h"

static void collect(struct accounts *accounts, const struct declared *declared,
	const struct declared_project *project)
{
	for (uint32_t i = 0; i < project->registry_count; i++) {
		const struct declared_registry *registry =
			&declared->registries.items[project->first_registry + i];
		if (registry->service_account && !registry->skipped)
			*vec_push(&accounts->items) = (struct credential_account){
				.registry = registry->name,
				.side = registry->is_source ? CREDENTIAL_SOURCE
							    : CREDENTIAL_DESTINATION,
				.account = registry->service_account,
			};
	}
}

void accounts_collect(const struct declared *declared, struct accounts *ret_accounts)
{
	*ret_accounts = (struct accounts){0};
	for (size_t i = 0; i < declared->projects.len; i++)
		if (!declared->projects.items[i].quarantined)
			collect(ret_accounts, declared, &declared->projects.items[i]);
}

void accounts_release(struct accounts *accounts)
{
	vec_release(&accounts->items);
}
