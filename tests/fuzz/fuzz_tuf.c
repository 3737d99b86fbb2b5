/* Metadata of a TUF repository: any bytes, as each of the four kinds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signer/tuf_metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct tuf_metadata *metadata)
{
	struct tuf_delegations delegations;
	bool terminated;

	if (metadata->version < 1 || metadata->signed_bytes.len == 0 ||
		metadata->signed_bytes.len > metadata->len)
		abort();
	if (metadata->type == TUF_ROOT &&
		tuf_metadata_check(metadata, &metadata->roles.items[TUF_ROOT], metadata, NULL) &&
		metadata->signatures.len == 0)
		abort();
	tuf_delegations_for(metadata, "a/b.txt", &delegations, &terminated);
	tuf_delegations_release(&delegations);
	for (size_t i = 0; i < metadata->file_names.len; i++)
		tuf_file_check(
			tuf_metadata_file(metadata, metadata->file_names.items[i]), "x", 1, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (enum tuf_type type = 0; type < TUF_TYPES; type++) {
		struct tuf_metadata *metadata =
			tuf_metadata_parse(type, (const char *)data, size, NULL);

		if (metadata)
			use(metadata);
		tuf_metadata_free(metadata);
	}
	return 0;
}
