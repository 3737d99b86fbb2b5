/* Identities against a policy. Where the policy comes from is its maker's matter. */
#include "signer/policy.h"

#include <string.h>

static bool name_fits(
	const struct policy_name *name, const char *text, bool *ret_fits, struct err **err)
{
	if (name->pattern)
		return pattern_matches(name->pattern, text, ret_fits, err);
	*ret_fits = name->exact && strcmp(name->exact, text) == 0;
	return true;
}

bool policy_accepts_signer(const struct policy *policy, const char *identity, const char *issuer,
	bool *ret_accepts, struct err **err)
{
	bool accepts = false;

	for (size_t i = 0; !accepts && i < policy->signer_count; i++) {
		const struct policy_signer *signer = &policy->signers[i];
		if (!name_fits(&signer->identity, identity, &accepts, err) ||
			(accepts && !name_fits(&signer->issuer, issuer, &accepts, err)))
			return false;
	}
	*ret_accepts = accepts;
	return true;
}
