/* Identities against a policy. Where the policy comes from is its maker's matter. */
#include "signer/policy.h"

#include <string.h>

bool policy_accepts_signer(const struct policy *policy, const char *identity, const char *issuer)
{
	for (size_t i = 0; i < policy->signer_count; i++) {
		const struct policy_signer *signer = &policy->signers[i];
		if (strcmp(signer->identity, identity) == 0 && strcmp(signer->issuer, issuer) == 0)
			return true;
	}
	return false;
}
