/*
 * Policies of tags: one is understood or every fault of it is told, and a pattern that a name is
 * matched with ends.
 */
#include <stdint.h>
#include <stdlib.h>

#include "reconciler/tag_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_fault(void *ctx, uint32_t line, uint32_t column, const char *message)
{
	size_t *faults = ctx;

	(void)line;
	(void)column;
	if (!message || ++*faults > TAG_POLICY_FAULTS_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t faults = 0;
	const struct yml_sink sink = {.fault = on_fault, .ctx = &faults};
	CLEANUP(tag_policy_freep)
	struct tag_policy *policy = tag_policy_parse((const char *)data, size, &sink);

	if ((policy == NULL) != (faults > 0))
		abort();
	if (policy)
		tag_policy_allows(policy, "team/controller", "v1.2.3-rc.1");
	return 0;
}
