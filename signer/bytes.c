/*
 * Owned bytes and the tolerant base64 of protobuf's JSON, which is reduced to the strict one of
 * base/enc.h. It knows nothing of what the bytes mean.
 */
#include "signer/bytes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/enc.h"

void bytes_release(struct bytes *bytes)
{
	mem_free(bytes->data);
	*bytes = (struct bytes){0};
}

bool bytes_equal(const struct bytes *bytes, const void *data, size_t len)
{
	return bytes->len == len && (len == 0 || memcmp(bytes->data, data, len) == 0);
}

bool bytes_from_base64(const char *text, struct bytes *ret_bytes)
{
	size_t len = strlen(text);
	bool is_url = strpbrk(text, "-_") != NULL;
	if (is_url && strpbrk(text, "+/"))
		return false;

	CLEANUP(mem_freep) char *standard = mem_new(len + 4, 1);
	memcpy(standard, text, len);
	for (size_t i = 0; is_url && i < len; i++)
		if (standard[i] == '-' || standard[i] == '_')
			standard[i] = standard[i] == '-' ? '+' : '/';
	while (len % 4 && (len == 0 || text[strlen(text) - 1] != '='))
		standard[len++] = '=';
	ret_bytes->data = base64_decode(standard, len, &ret_bytes->len);
	return ret_bytes->data != NULL;
}
