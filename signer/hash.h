/* The hash functions that signatures and logs of Sigstore use, and digests of messages. Pure, any thread. */
#ifndef CIP_SIGNER_HASH_H
#define CIP_SIGNER_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hash { HASH_SHA256, HASH_SHA384, HASH_SHA512 };

#define HASH_COUNT 3
#define HASH_MAX_SIZE 64
#define HASH_SHA256_SIZE 32

size_t hash_size(enum hash hash);
/* As Rekor v1 and in-toto write it: "sha256". */
const char *hash_name(enum hash hash);
/* As protobuf-specs' enum HashAlgorithm writes it: "SHA2_256". */
const char *hash_protobuf_name(enum hash hash);

/* hash_size(hash) bytes. */
void hash_of(enum hash hash, const void *bytes, size_t len, uint8_t *ret_digest);

#endif
