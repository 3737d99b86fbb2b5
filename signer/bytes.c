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

/* In the standard alphabet and padded, as base/enc.h wants it. */
static uint8_t *decode_variant(const char *text, size_t len, size_t *ret_len)
{
	bool is_padded = len > 0 && text[len - 1] == '=';
	CLEANUP(mem_freep) char *standard = mem_printf("%s===", text);

	for (size_t i = 0; i < len; i++)
		if (standard[i] == '-' || standard[i] == '_')
			standard[i] = standard[i] == '-' ? '+' : '/';
	return base64_decode(standard, is_padded ? len : (len + 3) / 4 * 4, ret_len);
}

bool bytes_from_base64(const char *text, struct bytes *ret_bytes)
{
	size_t len = strlen(text);
	bool is_url = strpbrk(text, "-_") != NULL;

	if (is_url && strpbrk(text, "+/"))
		return false;
	ret_bytes->data = is_url || len % 4 ? decode_variant(text, len, &ret_bytes->len)
					    : base64_decode(text, len, &ret_bytes->len);
	return ret_bytes->data != NULL;
}
