/* Where the tests of this room find the shared vectors. Tests are skipped, with a message, without them. */
#ifndef CIP_TESTS_SIGNER_DATA_H
#define CIP_TESTS_SIGNER_DATA_H

#include <stdbool.h>

#include "base/str.h"
#include "signer/bundle.h"
#include "signer/trust_root.h"

#define DATA_MAX_SIZE ((size_t)8 << 20)

/* What cosign-made/ is about. */
#define MADE "cosign-made"
#define MADE_IDENTITY "promoter@example.com"
#define MADE_ISSUER "http://localhost:8080"
#define MADE_BUNDLE_DIGEST "sha256:305c92a30679cbcbbffdbc7792f57ddf29b91adcb2726fbb52b952ade67563a1"

/* Fresh path of something below the shared data. */
char *data_path(const char *name);
bool data_has(const char *name);
/* Fails the test if it is not there. */
void data_read(const char *name, struct str *out);
struct trust_root *data_root(const char *name);

#define DATA_REQUIRE(name)                                                                         \
	do {                                                                                       \
		if (!data_has(name))                                                               \
			cr_skip_test("there is no shared data: " name);                            \
	} while (0)

#endif
