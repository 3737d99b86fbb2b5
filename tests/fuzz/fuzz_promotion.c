/* Statements about promotions: what says the same names at least the digest. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reconciler/promotion_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DIGITS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const tags[] = {"latest", "v1"};
	const struct promotion_run run = {.program_version = "0"};
	CLEANUP(mem_freep) char *commit = NULL;
	struct promotion promotion = {
		.run = &run,
		.source = "gcr.io/s/foo",
		.destination = "registry.k8s.io/foo",
		.tags = tags,
		.tag_count = 2,
	};

	if (!digest_parse("sha256:" DIGITS, &promotion.digest, NULL))
		abort();
	for (int statement = 0; statement < PROMOTION_STATEMENTS; statement++) {
		if (promotion_is_said(statement, &promotion, data, size) &&
			!memmem(data, size, "001122", strlen("001122")) &&
			!memmem(data, size, "\\u", 2))
			abort();
	}
	if (promotion_names_tag(data, size, "latest", &commit) &&
		!memmem(data, size, "latest", strlen("latest")) && !memmem(data, size, "\\u", 2))
		abort();
	return 0;
}
