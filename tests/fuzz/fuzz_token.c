/* What token servers answer: any bytes. A token that is accepted can stand in a header. */
#include <stdint.h>
#include <stdlib.h>

#include "registry/auth_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *token = NULL;
	int64_t life_ms = 0;
	if (!auth_token_parse((const char *)data, size, &token, &life_ms, NULL))
		return 0;
	if (!*token || life_ms < 1000 || life_ms > AUTH_TOKEN_LIFE_MAX_MS)
		abort();
	for (const char *c = token; *c; c++)
		if (*c <= 0x20 || *c >= 0x7f)
			abort();
	mem_free_secret_string(token);
	return 0;
}
