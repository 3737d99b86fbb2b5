/*
 * Content digests (OCI image-spec descriptor.md): sha256 and sha512 in canonical form, nothing
 * else. Plain values, any thread; one hasher belongs to one thread at a time.
 */
#ifndef CIP_IMAGE_DIGEST_H
#define CIP_IMAGE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum digest_algorithm { DIGEST_SHA256, DIGEST_SHA512 };

#define DIGEST_SHA256_SIZE 32
#define DIGEST_MAX_SIZE 64
#define DIGEST_TEXT_SIZE (7 + 2 * DIGEST_MAX_SIZE + 1)

struct digest {
	enum digest_algorithm algorithm;
	uint8_t bytes[DIGEST_MAX_SIZE]; /* unused tail is zero */
};

/*
 * "sha256:" + 64 or "sha512:" + 128 lower-case digits, nothing around them. ERR_INVALID says what
 * is wrong.
 */
bool digest_parse(const char *text, struct digest *ret_digest, struct err **err);

/* NUL-terminated. Returns ret_text. */
const char *digest_format(const struct digest *digest, char ret_text[DIGEST_TEXT_SIZE]);

struct digest digest_from_sha256(const uint8_t bytes[DIGEST_SHA256_SIZE]);
bool digest_equal(const struct digest *a, const struct digest *b);
/* Total order: algorithm, then bytes. */
int digest_compare(const struct digest *a, const struct digest *b);

struct digest digest_of(enum digest_algorithm algorithm, const void *bytes, size_t len);

/* Hashing a stream. */
struct hasher;
struct hasher *hasher_new(enum digest_algorithm algorithm);
void hasher_add(struct hasher *hasher, const void *bytes, size_t len);
/* Once; nothing may be added afterwards. */
struct digest hasher_finish(struct hasher *hasher);
void hasher_free(struct hasher *hasher);
DEFINE_CLEANUP(struct hasher, hasher_freep, hasher_free)

#endif
