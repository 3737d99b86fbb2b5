/* Bytes with an owner: DER, signatures, payloads. A plain value; the limits are those of whoever fills it. */
#ifndef CIP_SIGNER_BYTES_H
#define CIP_SIGNER_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *data; /* owned; NULL: none */
	size_t len;
};

void bytes_release(struct bytes *bytes);

bool bytes_equal(const struct bytes *bytes, const void *data, size_t len);

/*
 * What protobuf's JSON calls base64: the standard or the URL alphabet (not both in one text), padded
 * or not. False if malformed. `ret_bytes` must be empty.
 */
bool bytes_from_base64(const char *text, struct bytes *ret_bytes);

#endif
