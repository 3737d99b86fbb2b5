/* Link headers: any text that could be a header value. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "registry/linkheader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(str_release) struct str value = STR_INIT(1 << 20);
	CLEANUP(mem_freep) char *target = NULL;
	str_add(&value, data, size);
	if (linkheader_next(str_text(&value), &target, NULL) && target &&
		!strstr(str_text(&value), target))
		abort();
	return 0;
}
