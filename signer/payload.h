/*
 * The payload of cosign's container signatures, "simple signing" (sigstore-wire facts 5.1): which
 * image, under which name. Pure, any thread.
 */
#ifndef CIP_SIGNER_PAYLOAD_H
#define CIP_SIGNER_PAYLOAD_H

#include "base/err.h"
#include "base/str.h"
#include "image/digest.h"

#define PAYLOAD_MAX_SIZE ((size_t)64 * 1024)

struct payload_annotation {
	const char *key, *value;
};

/* Appends exactly the bytes that cosign would make: key order, Go's escaping, keys of annotations sorted. */
void payload_write(const char *docker_reference, const struct digest *digest,
	const struct payload_annotation *annotations, size_t count, struct str *out);

/* The same up to the value of "optional", the annotations. */
void payload_write_begin(
	const char *docker_reference, const struct digest *digest, struct str *out);

struct payload {
	char *docker_reference; /* owned */
	struct digest digest;
};
void payload_release(struct payload *payload);

/* What a payload says, annotations ignored. ERR_INVALID: another type, or malformed; ERR_TOO_LARGE. */
bool payload_parse(const void *bytes, size_t len, struct payload *ret_payload, struct err **err);

#endif
