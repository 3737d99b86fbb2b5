/* Retry-After values: never negative, never beyond what fits. */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "net/retry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = STR_INIT(SIZE_MAX - 1);
	int64_t ms;

	str_add(&value, data, size);
	if (retry_after_parse(str_text(&value), INT64_C(1760000000000), &ms) &&
		(ms < 0 || ms > INT64_C(260000000000000)))
		abort();
	str_release(&value);
	return 0;
}
