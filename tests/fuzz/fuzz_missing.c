/* Refusals of manifests: what is taken for a list names digests, and only those. */
#include <stdint.h>
#include <stdlib.h>

#include "registry/missing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct missing missing = {0};
	if (!missing_parse((const char *)data, size, &missing))
		return 0;
	if (missing.digests.len == 0 || missing.digests.len > MISSING_MAX ||
		!missing_has(&missing, &missing.digests.items[0]))
		abort();
	missing_release(&missing);
	return 0;
}
