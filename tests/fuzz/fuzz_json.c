/* JSON that is read without jansson: jansson must read it too, and as the same. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signer/json_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *plain = json_load_plain((const char *)data, size);
	if (!plain)
		return 0;
	json_t *whole = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	char *plain_text = json_dumps(plain, JSON_COMPACT);
	char *whole_text = whole ? json_dumps(whole, JSON_COMPACT) : NULL;
	if (!plain_text || !whole_text || strcmp(plain_text, whole_text) != 0)
		abort();
	free(plain_text);
	free(whole_text);
	json_decref(plain);
	json_decref(whole);
	return 0;
}
